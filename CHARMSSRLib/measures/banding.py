"""The banding figure: do slice-to-slice jumps stand out in the stack?"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

TILE = 8  # voxels


def banding(stack: np.ndarray, mask: np.ndarray) -> float | None:
    """Mean second difference between slices of local means, relative to four times the mean intensity.

    banding = mean |t[k-1] - 2 t[k] + t[k+1]| / (4 mean v), t[k] the means of 8 x 8-voxel tiles
    that lie wholly inside the mask, eroded by one voxel, in all three slices.

    Args:
        stack: (n, h, w), slices first, on the input's grid.
        mask: (n, h, w), non-zero inside the brain.

    Returns:
        The figure, or None when no tile lies inside the mask in three neighbouring slices.
    """
    inside = ndimage.binary_erosion(np.asarray(mask) > 0, np.ones((1, 3, 3)))
    full = _tile_means(inside.astype(np.float32)) > 1 - 1e-4
    tiles = _tile_means(stack)
    usable = full[:-2] & full[1:-1] & full[2:]
    mean = float(stack[inside].mean()) if inside.any() else 0.0
    if not usable.any() or mean <= 0:
        return None
    jump = np.abs(tiles[:-2] - 2 * tiles[1:-1] + tiles[2:])[usable]
    return float(jump.mean() / (4 * mean))


def _tile_means(stack):
    n, h, w = stack.shape
    cut = stack[:, : h - h % TILE, : w - w % TILE]
    return cut.reshape(n, h // TILE, TILE, w // TILE, TILE).mean(axis=(2, 4), dtype=np.float32)
