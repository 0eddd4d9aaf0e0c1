"""Whether a fine-tuning can start: what it needs is installed, the pairs and the name are fine."""

import slicer
from slicer.i18n import tr as _

from ..errors import MissingPackage
from ..jobs import installation
from ..jobs.worker_environment import usesOwnPython


def reasonNotToFineTune(logic, pairs, parameters):
    """Sentence why the button is disabled, "" if it isn't."""
    error = logic.worker.startError
    if isinstance(error, MissingPackage):
        return installation.missingSentence(error.package, usesOwnPython())
    if lacksTorch(logic.worker) and not (usesOwnPython() and installation.hasTorchExtension()):
        return installation.missingSentence("torch", usesOwnPython())
    reason = logic.reasonToWait() or logic.reasonNotToFineTune(pairs, parameters.name)
    if not reason and parameters.leaveOneOut and len({pair.completed().subject for pair in pairs}) < 2:
        reason = _("To leave each person out once, pairs of at least two people are needed.")
    return reason


def lacksTorch(worker):
    """True if the worker has said that its Python has no torch, which only fine-tuning needs."""
    engines = (worker.hello or {}).get("engines")
    return engines is not None and not engines.get("torch")


def installTorch(worker):
    """Have the extension PyTorch install it, and start a worker that finds it."""
    with slicer.util.tryWithErrorDisplay(_("PyTorch could not be installed."), waitCursor=True):
        if installation.installTorch():
            worker.stop()
            worker.start()
