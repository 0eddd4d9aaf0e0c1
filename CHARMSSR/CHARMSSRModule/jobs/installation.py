"""What CHARMSSR computes with, installed when the user presses the button and never before.

ncnn and safetensors are all that an enhancement needs. torch is asked for by fine-tuning alone, and comes through
the PyTorch extension, which chooses the build for this computer's GPU. What belongs to Slicer is left alone.
"""

import importlib
import importlib.util
import logging

import slicer
from slicer.i18n import tr as _

REQUIREMENTS = {"ncnn": "ncnn>=1.0.20250503", "safetensors": "safetensors>=0.4"}
TORCH_REQUIREMENT = ">=2.2"
OFFLINE_PAGE = "https://github.com/SlicerCHARMSSR/SlicerCHARMSSR#offline"


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
    if package != "torch":
        return _("CHARMSSR computes with ncnn (about 8 MB), which is not installed yet: install it with this button.")
    if hasTorchExtension():
        return _("Fine-tuning computes with PyTorch, which is not installed yet: the button asks and installs it.")
    return _(
        "Fine-tuning computes with PyTorch: install the extension PyTorch in the Extensions Manager and restart Slicer."
    )


def offlineLink():
    """Rich text: the way for a computer without internet."""
    return '<a href="{page}">{text}</a>'.format(page=OFFLINE_PAGE, text=_("No internet on this computer?"))


def install():
    """Ask once, then install what an enhancement lacks; False if the user declined. Errors are the caller's to show."""
    question = _(
        "ncnn and safetensors (about 8 MB) will be downloaded and installed into Slicer's Python. "
        "This takes less than a minute."
    )
    if not slicer.util.confirmOkCancelDisplay(question, windowTitle=_("CHARMSSR")):
        return False
    for package, requirement in REQUIREMENTS.items():
        if not isInstalled(package):
            logging.info("CHARMSSR: installing %s", requirement)
            _pipInstall(requirement)
    return True


def installTorch():
    """Ask once, then install torch through the PyTorch extension; False if the user declined."""
    question = _(
        "PyTorch (about 200 MB, or 2-3 GB with support for an NVIDIA GPU) will be downloaded and installed into "
        "Slicer's Python. This may take some minutes."
    )
    if not slicer.util.confirmOkCancelDisplay(question, windowTitle=_("CHARMSSR")):
        return False
    import PyTorchUtils

    logging.info("CHARMSSR: installing torch%s through the PyTorch extension", TORCH_REQUIREMENT)
    PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=False, torchVersionRequirement=TORCH_REQUIREMENT)
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
