"""Which voxels of a mask count as inside: masks, label maps, probabilities and percents."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# What a probability of 1 may be stored as.
_FULL_SCALES = (1.0, 100.0, 255.0, 1000.0)
_MANY_VALUES = 3
_SLACK = 1.005


class Threshold(NamedTuple):
    """Voxels above ``value`` are inside; ``note`` says why, where that is no matter of course."""

    value: float
    note: str = ""


def mask_threshold(array: np.ndarray) -> Threshold:
    """Where inside begins.

    Whole numbers are labels: all but 0 are inside. Probabilities begin at one half of their scale (1,
    100, 255 or 1000), or of their greatest value where that stays below it. Whole numbers of which none
    is 0 would leave nothing outside: inside is above half of the greatest.

    Args:
        array: (z, y, x), any real type.
    """
    highest = float(array.max()) if array.size else 0.0
    if highest <= 0 or not np.isfinite(highest):
        return Threshold(0.0)
    scale = next((one for one in _FULL_SCALES if highest <= _SLACK * one), highest)
    if scale == 1.0 and array.dtype.kind == "f":
        if highest > 0.5:
            return Threshold(0.5)
        note = f"The mask holds probabilities of at most {highest:.3g}; what exceeds half of that was taken as inside."
        return Threshold(0.5 * highest, note)
    if array.min() > 0 and (array != array.flat[0]).any():
        note = f"No voxel of the mask is 0; what exceeds {0.5 * highest:g}, half of its greatest value, is inside."
        return Threshold(0.5 * highest, note)
    if _holds_shares(array, scale):
        return Threshold(
            0.5 * scale,
            f"The mask holds shares of up to {highest:g}; what exceeds {0.5 * scale:g} was taken as inside.",
        )
    return Threshold(0.5 if array.dtype.kind == "f" else 0.0)


def _holds_shares(array, scale):
    """Whether values are shares of a whole rather than labels: fractions, or a full scale with all between."""
    if array.dtype.kind == "f" and (array != np.rint(array)).any():
        return True
    values, counts = np.unique(array[array > 0], return_counts=True)
    # The inside of a mask of shares is full; the labels of a segmentation seldom end at 100 or 255, most common.
    return scale in _FULL_SCALES[1:] and len(values) > _MANY_VALUES and values[counts.argmax()] >= 0.95 * scale
