"""The maps of what was added and what was removed: beyond the band that the input measured, and within it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..grids.stacks import band_limited, band_limited_stack

SLAB = 8  # rows or slices in work at a time: bounds the memory


def added_detail(output: np.ndarray, factors: Sequence[int]) -> np.ndarray:
    """The part of a stack above the input's Nyquist frequency, along each axis that was enlarged.

    Args:
        output: (t*n, s*h, s*w) float32, not masked: an edge of the mask is no detail.
        factors: (t, s, s).

    Returns:
        Same shape; signed, in the units of ``output``.
    """
    band = within_band(output, factors)
    return np.subtract(output, band, out=band)


def removed_detail(output: np.ndarray, acquired: np.ndarray, factors: Sequence[int]) -> np.ndarray:
    """What the scan showed and the result does not, within the band that was measured: noise, and what went with it.

    Args:
        output: (t*n, s*h, s*w) float32, not masked.
        acquired: (n, h, w).
        factors: (t, s, s).

    Returns:
        (t*n, s*h, s*w) float32; signed.
    """
    measured = band_limited_stack(acquired, factors)
    return np.subtract(measured, within_band(output, factors), out=measured)


def within_band(output: np.ndarray, factors: Sequence[int]) -> np.ndarray:
    """The part of a stack below the input's Nyquist frequency; a new array.

    Args:
        output: float32 (n', s*h, s*w), the enlarged stack.
        factors: enlargement of its three axes.
    """
    band = output.copy()
    for axis, factor in enumerate(factors):
        if factor > 1:
            _low_pass(band, factor, axis)
    return band


def _low_pass(stack, factor, axis):
    """Remove what an axis shorter by ``factor`` cannot hold, in place."""
    across = 1 if axis == 0 else 0
    length = stack.shape[axis]
    for start in range(0, stack.shape[across], SLAB):
        part = (slice(start, start + SLAB),) if across == 0 else (slice(None), slice(start, start + SLAB))
        stack[part] = band_limited(band_limited(stack[part], length // factor, axis), length, axis)
