"""Which Python runs the worker, with which arguments and in which environment."""

import os
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import JobError
from .machine_settings import chosenCheckpointFolder

PYTHON_VARIABLE = "CHARMSSR_PYTHON"

WorkerCommand = namedtuple("WorkerCommand", "program arguments environment folder")


def workerCommand():
    """Program, arguments, environment and working folder of the worker; JobError if no Python is found."""
    folder = libraryFolder()
    environment = workerEnvironment(folder)
    return WorkerCommand(findPython(), ["-m", "CHARMSSRLib.worker"], environment, folder)


def findPython():
    """Path of the Python that runs the worker.

    The environment variable wins; then PythonSlicer on the PATH (Slicer's launcher puts it there);
    then PythonSlicer beside the application.
    """
    named = os.environ.get(PYTHON_VARIABLE)
    if named:
        program = shutil.which(named)
        if program is None:
            raise JobError(
                _("The environment variable {variable} names {path}, which is no program: correct or unset it.").format(
                    variable=PYTHON_VARIABLE, path=named
                )
            )
        return program
    beside = os.path.join(slicer.app.slicerHome, "bin")
    program = shutil.which("PythonSlicer") or shutil.which("PythonSlicer", path=beside)
    if program is None:
        raise JobError(
            _(
                "PythonSlicer, the Python of Slicer, is neither on the PATH nor in {folder}: repair the installation "
                "of Slicer, or name a Python in the environment variable {variable}."
            ).format(folder=beside, variable=PYTHON_VARIABLE)
        )
    return program


def usesOwnPython():
    """True if the worker runs in Slicer's Python, where this module may install packages."""
    return not os.environ.get(PYTHON_VARIABLE)


def libraryFolder():
    """Folder that contains CHARMSSRLib."""
    import CHARMSSRLib

    return str(Path(CHARMSSRLib.__file__).resolve().parent.parent)


def workerEnvironment(folder):
    """QProcessEnvironment of the worker, in which CHARMSSRLib is found."""
    if usesOwnPython():
        # PythonSlicer needs the variables of Slicer's launcher (PYTHONHOME, LD_LIBRARY_PATH, ...).
        environment = qt.QProcessEnvironment.systemEnvironment()
    else:
        # Another Python must not see them: it would load Slicer's standard library and break.
        environment = qt.QProcessEnvironment()
        for name, value in slicer.util.startupEnvironment().items():
            environment.insert(name, value)
    for name in ("PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONSAFEPATH"):
        environment.remove(name)
    earlier = environment.value("PYTHONPATH", "") if usesOwnPython() else ""
    environment.insert("PYTHONPATH", os.pathsep.join(part for part in (folder, earlier) if part))
    environment.insert("PYTHONNOUSERSITE", "1")  # packages in the user's home belong to another Python
    environment.insert("PYTHONUNBUFFERED", "1")
    environment.insert("PYTHONIOENCODING", "utf-8")
    if sys.platform == "darwin":
        # Operators that Apple's GPU lacks then run on the CPU instead of failing.
        environment.insert("PYTORCH_ENABLE_MPS_FALLBACK", "1")
    if chosenCheckpointFolder():
        environment.insert("CHARMSSR_HOME", chosenCheckpointFolder())
    return environment
