"""What is found out about a scan: values, each with its evidence and a confidence."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

NONE, UNKNOWN = "none", "unknown"
ZERO_FILLED, ZERO_FILLED_WITH_FILTER = "zero-filled", "zero-filled with a filter"
LINEAR, CUBIC, NEAREST = "linear", "cubic", "nearest"
KINDS = (NONE, ZERO_FILLED, ZERO_FILLED_WITH_FILTER, LINEAR, CUBIC, NEAREST, UNKNOWN)


@dataclass(frozen=True)
class Finding:
    """One thing that was found out.

    Attributes:
        value: what it is; "unknown" or None where it could not be told.
        confidence: 0 (a guess) to 1 (certain).
        evidence: what it was told from, as a phrase.
    """

    value: Any
    confidence: float = 0.0
    evidence: str = ""


NOT_TOLD = Finding(UNKNOWN, 0.0, "")


@dataclass(frozen=True)
class Axis:
    """What one axis of the image (i, j or k) really resolves.

    Attributes:
        direction: patient axis that it runs nearest to: "left-right", "back-front" or "foot-head".
        spacing_mm: voxel size that the file states.
        share: true resolution as a share of the stated one: the highest measured frequency by the
            grid's Nyquist frequency, 1.0 where every voxel was measured; None when unknown.
        interpolation: one of ``KINDS``.
        confidence, evidence: of the two above.
        notes: further remarks (partial Fourier, elliptical k-space), one phrase each.
    """

    direction: str
    spacing_mm: float
    share: float | None = None
    interpolation: str = UNKNOWN
    confidence: float = 0.0
    evidence: str = ""
    notes: tuple = ()

    @property
    def true_mm(self) -> float | None:
        """Voxel size that was measured; None when unknown."""
        return None if self.share is None else self.spacing_mm / self.share

    @property
    def is_zero_filled(self) -> bool:
        return self.interpolation in (ZERO_FILLED, ZERO_FILLED_WITH_FILTER)


@dataclass
class Acquisition:
    """What is known about how a scan was taken.

    Attributes:
        axes: of the image's axes i, j, k.
        slices: thickness against distance, "gap", "overlap" or "contiguous".
        noise: standard deviation of the noise in tissue by the tissue's brightness.
        noise_kind: "Rician", "Gaussian", "none" or "unknown".
        ringing: whether there is Gibbs ringing.
        contrast: "T1w", "T2w", "FLAIR" or "other".
        bits: how many bits the values need.
        warnings: what a physicist would say, one sentence each.
        tags: what the files claim, by name.
        seconds: how long the examination took.
    """

    axes: tuple
    slices: Finding = NOT_TOLD
    noise: Finding = NOT_TOLD
    noise_kind: Finding = NOT_TOLD
    ringing: Finding = NOT_TOLD
    contrast: Finding = NOT_TOLD
    bits: Finding = NOT_TOLD
    warnings: list = field(default_factory=list)
    tags: dict = field(default_factory=dict)
    seconds: float = 0.0

    def to_dict(self) -> dict:
        """Everything as JSON holds it."""
        values = asdict(self)
        for axis, shown in zip(self.axes, values["axes"]):
            shown["true_mm"] = axis.true_mm
            shown["notes"] = list(axis.notes)
        values["axes"] = list(values["axes"])
        return values

    def sentence(self) -> str:
        """What was found about the resolution, in one sentence."""
        changed = [axis for axis in self.axes if axis.share is not None and axis.interpolation not in (NONE, UNKNOWN)]
        if changed:
            stated = _listed({round(axis.spacing_mm, 2) for axis in changed})
            measured = _listed({round(axis.true_mm, 2) for axis in changed})
            where = " and ".join(axis.direction for axis in changed)
            return f"The pixels are interpolated ({where}): {stated} mm stated, {measured} mm measured."
        if any(axis.interpolation == UNKNOWN for axis in self.axes):
            return "Whether the pixels are interpolated cannot be told."
        return "The pixels are as they were measured."


def _listed(numbers: set) -> str:
    return " and ".join(f"{number:.2f}" for number in sorted(numbers))
