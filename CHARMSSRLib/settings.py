"""What a user can choose. Free of torch: the panel and the parser read it too."""

import re
from dataclasses import dataclass, fields

from .errors import SettingsError

PLANES = ("acquisition", "axial", "coronal", "sagittal", "three")
DATA_CONSISTENCY = ("none", "report", "project")
PRECISIONS = ("auto", "float32", "float16", "bfloat16")
DEFAULT_CHECKPOINT = "charms-x2-clinical"
SMALLEST_PATCH = 12  # of the 3T slice: the window of SSIM has to fit into the patch


@dataclass(frozen=True)
class EnhancementSettings:
    """Settings of one enhancement; the fields carry the names of the command-line options.

    Attributes:
        checkpoint: name of a bundled or user checkpoint, or path of a weights file.
        planes: one of PLANES; "acquisition" enhances the slices as they were acquired.
        bias_correction: correct the bias field (N4) first.
        restore_bias: multiply the corrected field back into the result.
        skull_strip: "auto", "none" or the name of a backend.
        keep_skull: enhance and keep everything inside the head; the brain mask then only
            steers N4, the intensity scaling and the figures.
        data_consistency: one of DATA_CONSISTENCY.
        maps: compute the maps of what was added.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        precision: one of PRECISIONS.
        batch: slices per batch; 0 lets the program choose.
    """

    checkpoint: str = DEFAULT_CHECKPOINT
    planes: str = "acquisition"
    bias_correction: bool = True
    restore_bias: bool = False
    skull_strip: str = "auto"
    keep_skull: bool = False
    data_consistency: str = "report"
    maps: bool = False
    device: str = "auto"
    precision: str = "auto"
    batch: int = 0

    def __post_init__(self):
        _require("planes", self.planes, PLANES)
        _require("data consistency", self.data_consistency, DATA_CONSISTENCY)
        _require("precision", self.precision, PRECISIONS)
        if not isinstance(self.batch, int) or isinstance(self.batch, bool) or self.batch < 0:
            raise SettingsError(f"The batch size must be a whole number from 0 (automatic) up, not {self.batch!r}.")

    @classmethod
    def from_dict(cls, values):
        """Settings from a mapping (a worker message, a JSON file); unknown keys are refused."""
        return _from_dict(cls, values)


@dataclass(frozen=True)
class FineTuningSettings:
    """Settings of a fine-tuning from 3T/7T pairs; the fields carry the names of the command-line options.

    Where 0 stands for "automatic", the CPU and a GPU get different values (docs/use/fine-tuning.md):
    the rate of the paper with many steps on a GPU, a larger one with few steps on a CPU.

    Attributes:
        name: of the new checkpoint; may not be that of a bundled one.
        folder: where it is written; "" for the user's checkpoint folder.
        checkpoint: what it starts from: a checkpoint's name or a weights file.
        learning_rate: highest rate; 0 for automatic (1e-5 on a GPU, 1e-3 on a CPU).
        steps: optimiser steps at most; 0 for automatic.
        batch: patches per step; 0 for automatic.
        patch: patch size in pixels of the 3T slice; 0 for automatic.
        validate_every: steps between two looks at the held-out data; 0 for automatic.
        patience: validations without gain after which it stops; 0 for automatic.
        hold_out: how many subjects are held out: the last of the list. With a single subject a
            block of slices is held out instead.
        leave_one_out: a run for each subject that is trained on all others, then a final one on all.
        bias_correction: correct the bias field (N4) of both images first.
        skull_strip: "auto", "none" or the name of a backend.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        precision: "auto", "float32" or "bfloat16" (a graphics card only).
        seed: of patches and their order.
        overwrite: replace an existing checkpoint of the same name.
    """

    name: str = "charms-7t"
    folder: str = ""
    checkpoint: str = DEFAULT_CHECKPOINT
    learning_rate: float = 0.0
    steps: int = 0
    batch: int = 0
    patch: int = 0
    validate_every: int = 0
    patience: int = 0
    hold_out: int = 1
    leave_one_out: bool = False
    bias_correction: bool = True
    skull_strip: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    seed: int = 0
    overwrite: bool = False

    def __post_init__(self):
        _require("precision", self.precision, PRECISIONS)
        if self.precision == "float16":
            raise SettingsError("Fine-tuning runs in float32 or bfloat16: float16 loses small gradients.")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name):
            raise SettingsError(
                f"{self.name!r} cannot name a checkpoint: use letters, digits, dots, dashes and underscores."
            )
        for name in ("steps", "batch", "patch", "validate_every", "patience", "hold_out", "seed"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise SettingsError(f"{name.replace('_', ' ')} must be a whole number from 0 up, not {value!r}.")
        rate = self.learning_rate
        if not isinstance(rate, (int, float)) or isinstance(rate, bool) or not 0 <= rate <= 0.1:
            raise SettingsError(f"The learning rate must be a number from 0 (automatic) to 0.1, not {rate!r}.")
        if 0 < self.patch < SMALLEST_PATCH:
            raise SettingsError(f"The patch must have at least {SMALLEST_PATCH} pixels, not {self.patch}.")

    @classmethod
    def from_dict(cls, values):
        """Settings from a mapping (a worker message, a JSON file); unknown keys are refused."""
        return _from_dict(cls, values)


def _from_dict(cls, values):
    known = {field.name for field in fields(cls)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise SettingsError(f"Unknown setting {unknown[0]!r}; known are: {', '.join(sorted(known))}.")
    return cls(**values)


def _require(what, value, allowed):
    if value not in allowed:
        raise SettingsError(f"Unknown {what} {value!r}; choose one of: {', '.join(allowed)}.")
