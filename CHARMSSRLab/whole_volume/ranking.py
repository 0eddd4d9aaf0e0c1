"""Does a map tell where the errors are? Rank correlation and sparsification."""

import numpy as np
from scipy import stats

from CHARMSSRLib.enhancement.region_means import REGION, box_means, means_over_regions

FRACTIONS = np.arange(0, 1, 0.05)  # removed, most suspicious first


def local_mean(volume, inside):
    """Mean of |volume| over 3 x 3 x 3 voxels, of those inside the mask only; 0 outside. As `enhance` makes its maps."""
    return means_over_regions(np.array(volume, np.float32), inside)


def mean_of_neighbours(volume, inside):
    """As ``local_mean``, without the voxel itself: the most that a map of regions can know of a voxel."""
    voxels, magnitude = REGION**3, np.abs(volume)
    share, mean = box_means(magnitude, inside)
    return np.where(inside, (mean - magnitude / voxels) / np.maximum(share - 1 / voxels, 1e-6), np.float32(0))


def spearman(suspicion, error, inside):
    """Spearman's rank correlation of a map and |error| over the voxels of a mask, in [-1, 1]; 0 for a flat map."""
    first, second = (stats.rankdata(np.abs(one[inside])) for one in (suspicion, error))
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def sparsification(suspicion, error, inside, fractions=FRACTIONS):
    """Error that remains when the most suspicious voxels are taken away.

    Args:
        suspicion: map, large where errors are expected.
        error: output - truth.
        inside: boolean mask.
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
