"""Maps of doubt tell regions, not voxels: each voxel holds the mean over a small cube around it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

REGION = 3  # voxels, the cube's edge
SLAB = 16  # slices in work at a time: bounds the memory


def box_means(magnitude: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, ...]:
    """Share of the mask in the cube around each voxel, and the mean of a volume there, taken as 0 outside the mask.

    Args:
        magnitude: array (z, y, x), not negative.
        inside: boolean mask.

    Returns:
        (share, mean): float32 arrays of the same shape; their quotient is the mean over the masked part of a cube.
    """
    magnitude = np.where(inside, magnitude, 0).astype(np.float32)
    return tuple(ndimage.uniform_filter(one, REGION, mode="constant") for one in (inside.astype(np.float32), magnitude))


def means_over_regions(stack: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Replace each voxel of a map by the mean magnitude over 3 x 3 x 3 voxels, of those inside the mask; in place.

    Args:
        stack: float32 (n, h, w).
        inside: mask of the same shape, non-zero inside.

    Returns:
        ``stack``; 0 outside the mask.
    """
    count, reach = len(stack), REGION // 2
    before = stack[:0]  # the slices ahead of a slab, as they were
    for start in range(0, count, SLAB):
        stop = min(start + SLAB, count)
        part = np.concatenate([before, stack[start : min(stop + reach, count)]])
        low = start - len(before)
        before = part[stop - reach - low : stop - low]
        masked = inside[low : low + len(part)] > 0
        share, mean = box_means(np.abs(part), masked)
        np.divide(mean, share, out=mean, where=masked)
        mean[~masked] = 0
        stack[start:stop] = mean[start - low : stop - low]
    return stack
