"""What a user can choose. Free of torch: the panel and the parser read it too."""

from dataclasses import dataclass, fields

from .errors import SettingsError

PLANES = ("acquisition", "axial", "coronal", "sagittal", "three")
DATA_CONSISTENCY = ("none", "report", "project")
PRECISIONS = ("auto", "float32", "float16", "bfloat16")
DEFAULT_CHECKPOINT = "charms-x2-clinical"


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
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise SettingsError(f"Unknown setting {unknown[0]!r}; known are: {', '.join(sorted(known))}.")
        return cls(**values)


def _require(what, value, allowed):
    if value not in allowed:
        raise SettingsError(f"Unknown {what} {value!r}; choose one of: {', '.join(allowed)}.")
