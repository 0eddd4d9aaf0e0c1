"""Intensity scaling by statistics of the whole volume, never of a slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import CheckpointError, InputError


@dataclass(frozen=True)
class IntensityScale:
    """The linear map that takes ``lower`` to 0 and ``upper`` to 1; nothing is clipped."""

    lower: float
    upper: float

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Scaled values of an array of any shape, float32; ``lower`` becomes 0 and ``upper`` 1."""
        scaled = array - np.float32(self.lower)
        scaled /= np.float32(self.upper - self.lower)
        return scaled.astype(np.float32, copy=False)


def fit_intensity_scale(array: np.ndarray, mask_array: np.ndarray, spec: dict) -> IntensityScale:
    """The scale that a checkpoint's card asks for.

    Args:
        array: (z, y, x), input units.
        mask_array: (z, y, x), non-zero inside the brain (or the head).
        spec: ``{"kind": "minmax"}`` for the extrema inside the mask (the paper's), or
            ``{"kind": "percentile", "upper": 99.9}`` for 0 to that percentile inside the mask
            (from the lowest percentile on, where it is negative: scans about 0).

    Raises:
        InputError: the mask is empty or the image has no contrast inside it.
        CheckpointError: the card names a kind that does not exist.
    """
    inside = np.asarray(array)[np.asarray(mask_array) > 0]
    if inside.size == 0:
        raise InputError("The mask is empty. Give another mask, or choose another skull-strip backend.")
    kind = spec.get("kind")
    if kind == "minmax":
        lower, upper = float(inside.min()), float(inside.max())
    elif kind == "percentile":
        lowest, upper = (float(one) for one in np.percentile(inside, [0.1, float(spec.get("upper", 99.9))]))
        lower = min(0.0, lowest)
    else:
        raise CheckpointError(f"The checkpoint asks for the unknown intensity scaling {kind!r}. Update CHARMSSR.")
    if not upper > lower:
        raise InputError("The image has no contrast inside the mask. Check the image and the mask.")
    return IntensityScale(lower, upper)
