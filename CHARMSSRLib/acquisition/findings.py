"""What is found out about a scan: values, each with its evidence and a confidence."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

NONE, UNKNOWN = "none", "unknown"
ZERO_FILLED, ZERO_FILLED_WITH_FILTER = "zero-filled", "zero-filled with a filter"
LINEAR, CUBIC, NEAREST = "linear", "cubic", "nearest"
KINDS = (NONE, ZERO_FILLED, ZERO_FILLED_WITH_FILTER, LINEAR, CUBIC, NEAREST, UNKNOWN)
_KNOWN = 0.6  # confidence of a noise level that is more than an upper bound
_WHOLE_PERCENT = 2.0  # noise from which on tenths of a percent say nothing


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
        slice_thickness_mm: where there are gaps or overlap; None where slices touch, or where nothing tells it.
        noise: standard deviation of the noise in tissue by the tissue's brightness.
        noise_kind: "Rician", "Gaussian", "none" or "unknown".
        ringing: whether there is Gibbs ringing.
        partial_fourier: share of k-space that was measured along the axis that the evidence names, below 1.
        elliptical: whether the corners of k-space were left out.
        contrast: "T1w", "T2w", "FLAIR" or "other".
        bits: how many bits the values need.
        warnings: what a physicist would say, one sentence each.
        tags: what the files claim, by name.
        seconds: how long the examination took.
    """

    axes: tuple
    slices: Finding = NOT_TOLD
    slice_thickness_mm: float | None = None
    noise: Finding = NOT_TOLD
    noise_kind: Finding = NOT_TOLD
    ringing: Finding = NOT_TOLD
    partial_fourier: Finding = NOT_TOLD
    elliptical: Finding = NOT_TOLD
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
        return {"line": self.line(), "sentence": self.sentence(), **values}

    def line(self) -> str:
        """The most important of it in one short line: "0.43 mm stated, 0.86 mm measured; noise 2 %; T1w".

        What cannot be told is left out; the resolution is always there.
        """
        stated = _sizes([axis.spacing_mm for axis in self.axes])
        measured = _sizes([axis.true_mm for axis in self.axes])
        parts = [f"{stated} stated, {measured} measured" if measured != stated else f"{stated}, as measured"]
        if self.noise.value is not None and self.noise.value != UNKNOWN:
            percent = 100 * self.noise.value
            bound = "" if self.noise.confidence >= _KNOWN else "at most "
            parts.append(f"noise {bound}{percent:.{1 if percent < _WHOLE_PERCENT else 0}f} %")
        if self.contrast.value not in (None, UNKNOWN):
            parts.append("other contrast" if self.contrast.value == "other" else str(self.contrast.value))
        return "; ".join(parts)

    def sentence(self) -> str:
        """What was found about the resolution, in one sentence."""
        changed = [axis for axis in self.axes if axis.share not in (None, 1) and axis.interpolation != NONE]
        if changed:
            stated = _listed({round(axis.spacing_mm, 2) for axis in changed})
            measured = _listed({round(axis.true_mm, 2) for axis in changed})
            where = " and ".join(axis.direction for axis in changed)
            return f"The pixels are interpolated ({where}): {stated} mm stated, {measured} mm measured."
        if any(axis.interpolation == UNKNOWN for axis in self.axes):
            return "Whether the pixels are interpolated cannot be told."
        return "The pixels are as they were measured."


def _sizes(millimetres: list) -> str:
    """Voxel sizes as people write them: one number where all are the same; "unknown" where none is known."""
    if all(one is None for one in millimetres):
        return "unknown"
    texts = ["?" if one is None else f"{one:.2f}" for one in millimetres]
    return f"{texts[0] if len(set(texts)) == 1 else ' x '.join(texts)} mm"


def _listed(numbers: set) -> str:
    return " and ".join(f"{number:.2f}" for number in sorted(numbers))
