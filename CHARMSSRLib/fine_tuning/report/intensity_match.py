"""The baseline that an output must beat: the 3T volume after a monotone map of its intensities.

A change of contrast alone brings a 3T image nearer to its 7T partner. The map is the one that
leaves the least squared error among all monotone ones: isotonic regression of the 7T intensity
on the 3T intensity. What a network gains beyond it is more than a look-up table could give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

BINS = 512
HIGHEST = 2.0  # of the normalised intensity; what is brighter shares the last bin


@dataclass(frozen=True)
class MonotoneMap:
    """A piecewise linear map of normalised intensities, constant beyond its ends.

    Attributes:
        knots: 3T intensities, ascending, array (n,).
        values: 7T intensities at them, ascending or descending, array (n,).
    """

    knots: np.ndarray
    values: np.ndarray

    def __call__(self, array):
        return np.interp(array, self.knots, self.values).astype(np.float32)


class MapFit:
    """Collects voxels of many pairs, a slice at a time, in a histogram; then fits the map."""

    def __init__(self) -> None:
        self._count, self._x, self._y = np.zeros(BINS), np.zeros(BINS), np.zeros(BINS)

    def add(self, intensities_3t: np.ndarray, intensities_7t: np.ndarray) -> None:
        """Take the voxels of one slice or volume: two arrays of one shape."""
        x = np.asarray(intensities_3t, np.float64).ravel()
        y = np.asarray(intensities_7t, np.float64).ravel()
        bins = np.clip(x * (BINS / HIGHEST), 0, BINS - 1).astype(int)
        self._count += np.bincount(bins, minlength=BINS)
        self._x += np.bincount(bins, x, BINS)
        self._y += np.bincount(bins, y, BINS)

    def map(self) -> MonotoneMap:
        """The monotone map, rising or falling, whichever fits better.

        Raises:
            ValueError: when no voxel was added.
        """
        filled = self._count > 0
        if not filled.any():
            raise ValueError("no voxels to fit the intensity map on")
        weights = self._count[filled]
        x, y = self._x[filled] / weights, self._y[filled] / weights
        rising, falling = isotonic(y, weights), -isotonic(-y, weights)
        errors = [np.sum(weights * (fit - y) ** 2) for fit in (rising, falling)]
        return MonotoneMap(x, rising if errors[0] <= errors[1] else falling)


def isotonic(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The non-decreasing sequence nearest to ``values`` in the weighted square sense; all of shape (n,)."""
    return isotonic_regression(values, weights=weights).x
