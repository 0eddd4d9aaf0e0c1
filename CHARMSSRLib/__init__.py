"""CHARMSSR: super-resolution of brain MRI with the CHARMS network.

The names below are the public interface. They are resolved on first use, so
``import CHARMSSRLib`` costs nothing and works in a Python without torch.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOME_OF = {
    "CHARMS": "network.charms",
    "enhance": "enhancement.enhance",
    "Enhancement": "enhancement.enhance",
    "EnhancementSettings": "settings",
    "fine_tune": "fine_tuning.fine_tune",
    "FineTuning": "fine_tuning.fine_tune",
    "FineTuningSettings": "settings",
    "Pair": "fine_tuning.pairs.pairs",
    "load_checkpoint": "checkpoints.loading",
    "Checkpoint": "checkpoints.loading",
    "available_checkpoints": "checkpoints.registry",
    "CHARMSSRError": "errors",
    "Cancelled": "errors",
}

__all__ = sorted(_HOME_OF) + ["__version__"]


def __getattr__(name):
    if name in _HOME_OF:
        return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
