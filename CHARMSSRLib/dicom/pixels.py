"""How a float result becomes the whole numbers of a classic MR image.

The rule. Values are written in the scale in which the source stores its own, rounded to the nearest whole number:

1. Without rescale factors in the source, or with 1 and 0, there are none in the result. Where all source
   images share others, the result states the same; where they differ from image to image, the smallest serves all.
2. Unsigned 16 bits; signed 16 bits exactly if the source itself holds negative values.
3. Negative values that the source does not have (the interpolation swings below the background) become 0.
4. If the largest value does not fit, all are multiplied by one factor, which the derivation's description and
   the report state; nothing is cut off at the top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .source import SourceSeries


@dataclass(frozen=True)
class PixelRule:
    """Stored value = round((value * factor - intercept) / slope), cut to the type's range.

    Attributes:
        slope, intercept: as the source's rescale factors; 1 and 0 where it has none.
        factor: 1, or what brings the largest value into the range.
        signed: whether the stored type is int16 instead of uint16.
    """

    slope: float = 1.0
    intercept: float = 0.0
    factor: float = 1.0
    signed: bool = False

    @property
    def dtype(self) -> type:
        """The stored type."""
        return np.int16 if self.signed else np.uint16

    @property
    def has_rescale(self) -> bool:
        """Whether the images need rescale factors."""
        return (self.slope, self.intercept) != (1.0, 0.0)

    def stored(self, values: np.ndarray) -> np.ndarray:
        """Values (any shape, float) as they are stored."""
        limits = np.iinfo(self.dtype)
        scaled = np.rint((values.astype(np.float64) * self.factor - self.intercept) / self.slope)
        return np.clip(scaled, limits.min, limits.max).astype(self.dtype)

    def values(self, stored: np.ndarray) -> np.ndarray:
        """What a reader gets back of stored values of any shape, as float64."""
        return stored.astype(np.float64) * self.slope + self.intercept

    def report(self, values: np.ndarray) -> dict[str, Any]:
        """What the rounding did to a volume (z, y, x), in the source's units."""
        largest, squares, negative = 0.0, 0.0, 0
        for plane in values:
            error = self.values(self.stored(plane)) / self.factor - plane
            cut = (plane < 0) if not self.signed else np.zeros(plane.shape, bool)
            error = error[~cut]
            negative += int(cut.sum())
            if error.size:
                largest = max(largest, float(np.abs(error).max()))
                squares += float((error**2).sum())
        return {
            "type": np.dtype(self.dtype).name,
            "slope": self.slope,
            "intercept": self.intercept,
            "factor": self.factor,
            "rounding_error": {"largest": largest, "rms": float(np.sqrt(squares / max(values.size - negative, 1)))},
            "negative_set_to_0": negative,
        }


def pixel_rule(source: SourceSeries, lowest_of_source: float, values: np.ndarray) -> PixelRule:
    """The rule for a result.

    Args:
        source: gives the rescale factors.
        lowest_of_source: smallest value of the volume that was read.
        values: the result, (z, y, x), float.
    """
    factors = {_factors(one.header) for one in source.slices}
    if len(factors) == 1:
        slope, intercept = factors.pop()
    else:
        slope, intercept = min(slope for slope, _ in factors), 0.0
    signed = bool((lowest_of_source - intercept) / slope < -0.5)
    limits = np.iinfo(np.int16 if signed else np.uint16)
    highest, lowest = float(values.max()), float(values.min()) if signed else 0.0
    factor = 1.0
    for value, limit in ((highest, limits.max), (lowest, limits.min)):
        reach = limit * slope + intercept
        if (value > reach > 0) if limit > 0 else (value < reach < 0):
            factor = min(factor, reach / value)
    # Down to few digits, so that it can be written and undone exactly.
    factor = 1.0 if factor == 1.0 else float(np.floor(factor * 1e4) / 1e4)
    return PixelRule(slope, intercept, factor, signed)


def _factors(header):
    try:
        slope, intercept = float(header.get("RescaleSlope") or 1), float(header.get("RescaleIntercept") or 0)
    except (TypeError, ValueError):
        return 1.0, 0.0
    return (slope, intercept) if slope > 0 else (1.0, 0.0)
