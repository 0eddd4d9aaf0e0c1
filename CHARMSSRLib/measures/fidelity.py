"""How near an output comes to its reference: PSNR and SSIM, inside the brain and on whole slices.

The headline scores are brain-masked and three-dimensional. The whole-slice scores are the
paper's; most of their level comes from the empty background, so they stand beside the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

# Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", TIP 2004:
# an 11-wide Gaussian window of sigma 1.5, and the two constants.
SIGMA = 1.5
RADIUS = 5
K1, K2 = 0.01, 0.03
RANGE_PERCENTILE = 99.9


def brain_range(reference: np.ndarray, mask: np.ndarray) -> float:
    """Data range of the brain-masked scores: the 99.9th percentile of the reference inside the mask.

    Args:
        reference: array of any shape.
        mask: array of that shape, brain where non-zero.

    Raises:
        ValueError: when the mask is empty or the reference is not above zero inside it.
    """
    inside = np.asarray(reference)[np.asarray(mask) > 0]
    if inside.size == 0:
        raise ValueError("the mask is empty: there is nothing to score")
    data_range = float(np.percentile(inside, RANGE_PERCENTILE))
    if data_range <= 0:
        raise ValueError("the reference is not above zero inside the mask: it has no intensity range")
    return data_range


def brain_psnr(output: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, global over the mask of a volume; nothing is clipped.

    Args:
        output: arrays (z, y, x) on one grid and one intensity scale.
        reference: likewise.
        mask: brain where non-zero. Data range: :func:`brain_range`.
    """
    data_range = brain_range(reference, mask)
    inside = np.asarray(mask) > 0
    difference = np.asarray(output, np.float64)[inside] - np.asarray(reference, np.float64)[inside]
    return _psnr(np.mean(difference**2), data_range)


def brain_ssim(output: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> float:
    """Structural similarity of two volumes, 3-D window, averaged over the voxels of the mask.

    What lies outside the mask counts as zero in both volumes (z, y, x). Arguments as :func:`brain_psnr`.
    """
    data_range = brain_range(reference, mask)
    inside = np.asarray(mask) > 0
    # Windows of masked voxels reach RADIUS further, so the box below changes no figure.
    box = tuple(
        slice(max(0, one.start - RADIUS), one.stop + RADIUS) for one in ndimage.find_objects(inside.astype(np.uint8))[0]
    )
    inside = inside[box]
    output = np.where(inside, np.asarray(output)[box], 0)
    reference = np.where(inside, np.asarray(reference)[box], 0)
    return float(ssim_map(output, reference, data_range, (SIGMA,) * inside.ndim)[inside].mean())


def slice_psnr(output: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The paper's PSNR: of each whole slice with data range 1, in dB.

    Args:
        output: arrays (slice, row, column) scaled to [0, 1] over the volume.
        reference: likewise.

    Returns:
        array (slice,); the paper's figure is its mean.
    """
    difference = np.asarray(output, np.float64) - np.asarray(reference, np.float64)
    return np.array([_psnr(error, 1.0) for error in np.mean(difference**2, axis=(1, 2))])


def slice_ssim(output: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The paper's SSIM: of each whole slice with a 2-D window and data range 1.

    Averaged over the pixels whose window lies within the slice. Arguments and shape of the
    result as :func:`slice_psnr`; slices of at least 11 x 11.
    """
    similarity = ssim_map(output, reference, 1.0, (0, SIGMA, SIGMA))
    return similarity[:, RADIUS:-RADIUS, RADIUS:-RADIUS].mean(axis=(1, 2))


def ssim_map(output: np.ndarray, reference: np.ndarray, data_range: float, sigmas: Sequence[float]) -> np.ndarray:
    """Structural similarity at each voxel.

    Args:
        output: arrays of one shape.
        reference: likewise.
        data_range: of the intensities.
        sigmas: the window's width along each axis; 0 keeps the axis' samples apart.
    """
    x, y = np.asarray(output, np.float64), np.asarray(reference, np.float64)

    def mean(image):
        return ndimage.gaussian_filter(image, sigmas, mode="reflect", truncate=(RADIUS + 0.25) / SIGMA)

    mean_x, mean_y = mean(x), mean(y)
    variance_x = mean(x * x) - mean_x**2
    variance_y = mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return luminance * (2 * covariance + c2) / (variance_x + variance_y + c2)


def _psnr(mean_squared_error, data_range):
    if mean_squared_error == 0:
        return float("inf")
    return float(10 * np.log10(data_range**2 / mean_squared_error))
