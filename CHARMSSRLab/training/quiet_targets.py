"""Quiet targets: prepared volumes whose noise is taken away by non-local means, and nothing but noise.

What was removed must not show the anatomy: where a filter blurs edges, its difference is large where the gradient
is. The strongest setting is kept whose difference is no larger than the noise and does not follow the gradient.
The filter is DIPY's (Manjon et al., "Adaptive non-local means denoising of MR images", JMRI 2010; voxel-wise form).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from CHARMSSRLib.errors import BackendError
from CHARMSSRLib.measures.noise import even_tissue, noise_sd

STRENGTHS = (4.0, 3.2, 2.4, 2.0, 1.7, 1.4, 1.1, 0.8)  # times the noise's SD, strongest first
LARGEST_CORRELATION = 0.05  # of the removed magnitude with the gradient's
LARGEST_REMOVED = 1.05  # SD of what is removed, per SD of the noise in even tissue
PATCH_RADIUS, SEARCH_RADIUS = 1, 3  # voxels
GRADIENT_SIGMA = 1.0  # voxels
SECOND_DIFFERENCES = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6  # white noise keeps its SD


@dataclass(frozen=True)
class Quieting:
    """What was done to a volume.

    Attributes:
        noise: SD of the noise before, input units. strength: in units of it; 0 where nothing could be removed.
        removed: SD of the difference inside the mask, input units.
        correlation: of the difference's magnitude with the gradient's, inside the mask.
    """

    noise: float
    strength: float
    removed: float
    correlation: float


def quiet(volume):
    """(PreparedVolume with quiet slices, Quieting).

    Args:
        volume: PreparedVolume.

    Raises:
        BackendError: DIPY is not installed.
    """
    smooth, done = quieted(volume.slices, volume.mask)
    return (replace(volume, slices=smooth), done) if done.strength else (volume, done)


def quieted(stack, mask, where=None):
    """(float32 stack without its noise, Quieting).

    Args:
        stack: float32 (n, h, w).
        mask: bool, the same shape: the brain, where noise and structure are told apart.
        where: bool, the same shape: nothing is changed elsewhere; None for everywhere.

    Raises:
        BackendError: DIPY is not installed.
    """
    try:
        from dipy.denoise.nlmeans import nlmeans
    except ImportError as error:
        raise BackendError("Quiet targets need DIPY: pip install dipy.") from error
    before = stack.astype(np.float64)
    noise = noise_of(stack, mask)
    # Where a scan is interpolated its noise is smooth, and second differences see little of it.
    even = even_tissue(stack, mask)
    largest = LARGEST_REMOVED * max(noise, noise_sd(stack, even) if even.any() else 0.0)
    for strength in STRENGTHS if noise > 0 else ():
        # "classic": the block-wise form, DIPY's default, hardly asks for the strength that it is given.
        smooth = nlmeans(
            before, noise * strength, mask=where, patch_radius=PATCH_RADIUS, block_radius=SEARCH_RADIUS, rician=False,
            num_threads=1, method="classic",
        )  # fmt: skip
        if where is not None:
            smooth = np.where(where, smooth, before)
        done = Quieting(noise, strength, *figures_of_removal(before, smooth, mask))
        if done.correlation <= LARGEST_CORRELATION and done.removed <= largest:
            return np.maximum(smooth, 0).astype(np.float32), done
    return stack, Quieting(noise, 0.0, 0.0, 0.0)


def noise_of(stack, mask):
    """SD of a stack's noise, robust: by the median of mixed second differences in the slices, inside the mask.

    Args:
        stack: float32 (n, h, w).
        mask: bool, the same shape.
    """
    inside = ndimage.binary_erosion(mask, np.ones((1, 5, 5)))
    differences = ndimage.convolve(stack, SECOND_DIFFERENCES[None])[inside]
    return float(np.median(np.abs(differences)) / 0.6745)


def figures_of_removal(before, after, mask):
    """(SD of the difference, correlation of its magnitude with that of the gradient of ``after``) inside the mask."""
    removed = (before - after)[mask]
    gradient = ndimage.gaussian_gradient_magnitude(after, GRADIENT_SIGMA)[mask]
    spread = float(removed.std())
    if spread == 0 or gradient.std() == 0:
        return spread, 0.0
    return spread, float(np.corrcoef(np.abs(removed), gradient)[0, 1])
