"""CHARMSSR: super-resolution of brain MRI with the CHARMS network.

The names below are the public interface. They are resolved on first use, so
``import CHARMSSRLib`` costs nothing and works in a Python without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checkpoints.loading import Checkpoint as Checkpoint
    from .checkpoints.loading import load_checkpoint as load_checkpoint
    from .checkpoints.registry import available_checkpoints as available_checkpoints
    from .enhancement.enhance import Enhancement as Enhancement
    from .enhancement.enhance import enhance as enhance
    from .errors import Cancelled as Cancelled
    from .errors import CHARMSSRError as CHARMSSRError
    from .fine_tuning.fine_tune import FineTuning as FineTuning
    from .fine_tuning.fine_tune import fine_tune as fine_tune
    from .fine_tuning.pairs.pair import Pair as Pair
    from .network.charms import CHARMS as CHARMS
    from .settings import EnhancementSettings as EnhancementSettings
    from .settings import FineTuningSettings as FineTuningSettings

__version__ = "0.1.0"

_HOME_OF = {
    "CHARMS": "network.charms",
    "enhance": "enhancement.enhance",
    "Enhancement": "enhancement.enhance",
    "EnhancementSettings": "settings",
    "enhance_dicom": "dicom.enhance_dicom",
    "DICOMSettings": "settings",
    "fine_tune": "fine_tuning.fine_tune",
    "FineTuning": "fine_tuning.fine_tune",
    "FineTuningSettings": "settings",
    "Pair": "fine_tuning.pairs.pair",
    "load_checkpoint": "checkpoints.loading",
    "Checkpoint": "checkpoints.loading",
    "available_checkpoints": "checkpoints.registry",
    "CHARMSSRError": "errors",
    "Cancelled": "errors",
}

__all__ = sorted(_HOME_OF) + ["__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        from .whole_library import part_of_the_whole_library

        return getattr(part_of_the_whole_library(_HOME_OF[name], f"The function {name}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
