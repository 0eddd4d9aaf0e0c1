"""torch and safetensors, installed when the user presses the button and never before.

torch comes through the PyTorch extension, which chooses the build for this computer's GPU; safetensors is
one small file without dependencies. numpy, scipy and SimpleITK belong to Slicer and are left alone.
"""

import importlib
import importlib.util
import logging

import slicer
from slicer.i18n import tr as _

TORCH_REQUIREMENT = ">=2.2"
SAFETENSORS_REQUIREMENT = "safetensors>=0.4"


def hasTorchExtension():
    """True if the PyTorch extension is installed."""
    try:
        import PyTorchUtils  # noqa: F401  (small; imports no torch)
    except ImportError:
        return False
    return True


def missingSentence(package, ownPython):
    """What is missing and how to get it, in one sentence."""
    if not ownPython:
        return _(
            "{package} is missing in the Python that the environment variable CHARMSSR_PYTHON names: "
            "install it there and try again."
        ).format(package=package)
    if hasTorchExtension():
        return _("CHARMSSR computes with PyTorch, which is not installed yet: install it once with this button.")
    return _(
        "CHARMSSR computes with PyTorch: install the extension PyTorch in the Extensions Manager and restart Slicer."
    )


def install():
    """Ask once, then install what is missing; False if the user declined. Errors are the caller's to show."""
    question = _(
        "PyTorch (about 200 MB, or 2-3 GB with support for an NVIDIA GPU) and safetensors will be downloaded and "
        "installed into Slicer's Python. This may take some minutes."
    )
    if not slicer.util.confirmOkCancelDisplay(question, windowTitle=_("CHARMSSR")):
        return False
    if not isInstalled("torch"):
        import PyTorchUtils

        logging.info("CHARMSSR: installing torch%s through the PyTorch extension", TORCH_REQUIREMENT)
        PyTorchUtils.PyTorchUtilsLogic().installTorch(
            askConfirmation=False, torchVersionRequirement=TORCH_REQUIREMENT
        )
    if not isInstalled("safetensors"):
        logging.info("CHARMSSR: installing %s", SAFETENSORS_REQUIREMENT)
        _pipInstall(SAFETENSORS_REQUIREMENT)
    return True


def isInstalled(package):
    """True if Slicer's Python finds a package, looked up anew and without importing it."""
    importlib.invalidate_caches()
    return importlib.util.find_spec(package) is not None


def _pipInstall(requirement):
    try:
        from slicer.packaging import pip_install
    except ImportError:  # Slicer 5.8 and 5.10
        from slicer.util import pip_install
    pip_install(requirement)
