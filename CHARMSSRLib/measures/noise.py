"""How much noise there is in even tissue, without a truth: on a few slices, robustly."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SMOOTHING = 1.5  # voxels: finer is noise where tissue is even
EVEN_SHARE = 0.25  # of the brain's interior: the flattest part
OFF_THE_EDGE = 6  # voxels of the mask's edge that do not count
NORMAL = 1.4826  # SD of a normal distribution by its median absolute deviation


def steepness(stack: np.ndarray) -> np.ndarray:
    """Magnitude of the smoothed in-plane gradient of a stack (n, h, w)."""
    return np.hypot(*smooth_gradients(stack))


def smooth_gradients(stack: np.ndarray) -> list:
    """[along rows, along columns]: in-plane gradients of a stack (n, h, w) at the scale of ``SMOOTHING``."""
    return [ndimage.gaussian_filter(stack, (0, SMOOTHING, SMOOTHING), (0, *order)) for order in ((1, 0), (0, 1))]


def interior(mask: np.ndarray) -> np.ndarray:
    """A boolean mask (n, h, w) without the voxels near its edge in each slice."""
    cross = ndimage.generate_binary_structure(2, 1)[None]
    return ndimage.binary_erosion(np.asarray(mask) > 0, cross, iterations=OFF_THE_EDGE)


def even_tissue(stack: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Where a stack (n, h, w) is flattest inside the mask: boolean, empty where the mask is too small."""
    inside = interior(mask)
    if not inside.any():
        return inside
    slope = steepness(stack)
    return inside & (slope <= np.quantile(slope[inside], EVEN_SHARE))


def noise_sd(stack: np.ndarray, even: np.ndarray) -> float:
    """SD of what is finer than ``SMOOTHING`` in even tissue, by the median absolute deviation; units of the stack.

    Args:
        stack: (n, h, w).
        even: boolean, of the same shape.
    """
    fine = (stack - ndimage.gaussian_filter(stack, (0, SMOOTHING, SMOOTHING)))[even]
    return float(NORMAL * np.median(np.abs(fine - np.median(fine))))


def noise_before_and_after(before: np.ndarray, after: np.ndarray, mask: np.ndarray) -> tuple | None:
    """SD of the noise in the even tissue of two stacks (n, h, w) on one grid; None where there is no even tissue.

    Args:
        before: the interpolated scan, which also tells where tissue is even.
        after: the result.
        mask: the brain.
    """
    even = even_tissue(before, mask)
    return (noise_sd(before, even), noise_sd(after, even)) if even.any() else None
