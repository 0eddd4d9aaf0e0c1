"""Do the slices differ from each other more than their pixels do? The gradient ratio, reported only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage


def through_plane_gradient_ratio(stack: np.ndarray, mask: np.ndarray, spacing: Sequence[float]) -> float | None:
    """Mean |gradient| across the slices by the mean |gradient| in plane, inside the eroded mask.

    Anatomy has no preferred direction: about 1 in an isotropic volume, less where slices are thick
    or interpolated, more where they jump.

    Args:
        stack: (n, h, w), slices first.
        mask: (n, h, w), non-zero inside the brain.
        spacing: mm along the three axes.

    Returns:
        The ratio of means of |difference of neighbours| / mm, in plane over both directions;
        None when the mask, eroded by one voxel, is empty or the slices are flat.
    """
    inside = ndimage.binary_erosion(np.asarray(mask) > 0, np.ones((3, 3, 3)))
    means = []
    for axis, step in enumerate(spacing):
        here, there = ((slice(None),) * axis + (part,) for part in (slice(None, -1), slice(1, None)))
        both = inside[here] & inside[there]
        if not both.any():
            return None
        means.append(float(np.abs(stack[there][both] - stack[here][both]).mean(dtype=np.float64)) / step)
    in_plane = (means[1] + means[2]) / 2
    return means[0] / in_plane if in_plane > 0 else None
