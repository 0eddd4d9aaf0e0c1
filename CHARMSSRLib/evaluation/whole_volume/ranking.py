"""Does a map tell where the errors are? Rank correlation and sparsification."""

import numpy as np
from scipy import ndimage, stats

LOCAL = 3  # voxels: maps are read by their mean over a cube of this edge, for a single voxel says little
FRACTIONS = np.arange(0, 1, 0.05)  # removed, most suspicious first


def local_mean(volume, inside, size=LOCAL):
    """Mean of |volume| over cubes of ``size`` voxels, of the voxels inside the mask only; 0 outside."""
    weight, total = _box_means(volume, inside, size)
    return np.where(inside, total / np.maximum(weight, 1e-6), np.float32(0))


def mean_of_neighbours(volume, inside, size=LOCAL):
    """As ``local_mean``, without the voxel itself: the most that a map of regions can know of a voxel."""
    weight, total = _box_means(volume, inside, size)
    own = np.where(inside, np.abs(volume), 0) / size**3
    return np.where(inside, (total - own) / np.maximum(weight - 1 / size**3, 1e-6), np.float32(0))


def _box_means(volume, inside, size):
    """Share of the mask in the cube around each voxel, and the mean of |volume| there, 0 outside the mask."""
    magnitude = np.where(inside, np.abs(volume), 0).astype(np.float32)
    return (ndimage.uniform_filter(one, size, mode="constant") for one in (inside.astype(np.float32), magnitude))


def spearman(suspicion, error, inside):
    """Spearman's rank correlation of a map and |error| over the voxels of a mask, in [-1, 1]; 0 for a flat map."""
    first, second = (stats.rankdata(np.abs(one[inside])) for one in (suspicion, error))
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def sparsification(suspicion, error, inside, fractions=FRACTIONS):
    """Error that remains when the most suspicious voxels are taken away.

    Args:
        suspicion: map, large where errors are expected. error: output - truth. inside: boolean mask.
        fractions: shares of the voxels that are removed.

    Returns:
        array: root mean square error of the rest, per unit of that of all voxels; 1 first.
    """
    order = np.argsort(-np.abs(suspicion[inside]), kind="stable")
    squares = np.square(np.asarray(error[inside], np.float64))[order]
    # Sums from the least suspicious end, so that the last fractions lose no digits.
    remaining = np.cumsum(squares[::-1])[::-1]
    starts = np.minimum((np.asarray(fractions) * len(squares)).astype(int), len(squares) - 1)
    mean = remaining[starts] / (len(squares) - starts)
    return np.sqrt(mean / mean[0]) if mean[0] > 0 else np.ones(len(starts))


def gradient_magnitude(volume, spacing):
    """|gradient| in 1/mm: the plain guess where an interpolated volume may be wrong."""
    return np.sqrt(sum(np.square(part) for part in np.gradient(np.asarray(volume, np.float32), *spacing)))
