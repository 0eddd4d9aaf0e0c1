"""Scans as a user meets them: the whole head is made coarse before any mask, and the product's path runs on it.

What is scored lies in the brain, in its interior and in its rim apart, on the grid of the fine scan; beside it
stand the figures that need no truth, on the scan as it came from the scanner.
"""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
import torch
from scipy import ndimage

from CHARMSSRLib.grids.geometry import enlarged_geometry
from CHARMSSRLib.grids.stacks import interpolated
from CHARMSSRLib.measures.fidelity import brain_range
from CHARMSSRLib.measures.noise import even_tissue, interior, noise_sd, smooth_gradients

from ..training.degradations import degrade

PROBE = 0.5  # SD of the noise that is added as a probe, in units of the scan's own
RIM = 3  # fine voxels of the brain next to its edge, in the plane of the slices
EDGE_SHARE = 0.1  # of the brain's interior: the steepest part


@dataclass(frozen=True)
class CoarseHead:
    """A whole head made coarse in the plane of its slices, and what it was made of.

    Attributes:
        image: SimpleITK float32, the coarse scan with all that it shows. mask: UInt8, the fine brain mask on its grid.
        truth: float32 (n, H, W), the fine scan. brain: bool, same shape: the fine brain mask.
    """

    image: sitk.Image
    mask: sitk.Image
    truth: np.ndarray
    brain: np.ndarray


def coarse_head(image, mask, scale, degradation, slices=None, seed=0):
    """Make a whole scan coarse in the plane of its axial slices, before anything is masked.

    Args:
        image, mask: SimpleITK images of one grid in LPS order; the mask is the fine scan's brain.
        scale: 2 or 4. degradation: one of ``degradations.KINDS``; noise is in units of the brain's 99.9th percentile.
        slices: how many slices are kept, spread around the brain's middle; None for all.
        seed: of random degradations.

    Returns:
        CoarseHead.
    """
    truth, brain = sitk.GetArrayFromImage(image).astype(np.float32), sitk.GetArrayFromImage(mask) > 0
    unit = brain_range(truth, brain)
    first, last = _middle(brain, slices)
    cut = (slice(first, last), *(slice(0, size - size % scale) for size in truth.shape[1:]))
    truth, brain = np.ascontiguousarray(truth[cut]), np.ascontiguousarray(brain[cut])
    generator = torch.Generator().manual_seed(seed)
    coarse = degrade(torch.from_numpy(truth / unit)[:, None], scale, degradation, generator)[:, 0].abs().numpy() * unit
    share = brain.reshape(len(brain), brain.shape[1] // scale, scale, -1, scale).mean((2, 4))
    spacing, origin, direction = enlarged_geometry(image[:, :, first:last], (1 / scale, 1 / scale, 1))
    images = []
    for array in (coarse.astype(np.float32), (share >= 0.5).astype(np.uint8)):
        one = sitk.GetImageFromArray(array)
        one.SetSpacing(spacing)
        one.SetOrigin(origin)
        one.SetDirection(direction)
        images.append(one)
    return CoarseHead(*images, truth, brain)


def slab(image, mask, slices=None):
    """(image, mask) of so many axial slices around the brain's middle, all for None; SimpleITK images in LPS order."""
    first, last = _middle(sitk.GetArrayViewFromImage(mask) > 0, slices)
    return image[:, :, first:last], mask[:, :, first:last]


def _middle(brain, slices):
    occupied = np.flatnonzero(brain.any(axis=(1, 2)))
    if slices is None or slices >= len(brain):
        return 0, len(brain)
    # A little above the middle of the brain: much cortex and the ventricles.
    first = int(occupied[0] + 0.55 * (occupied[-1] - occupied[0]) - slices / 2)
    return max(0, first), min(len(brain), max(0, first) + slices)


def regions(brain):
    """dict of boolean masks: the whole brain, its interior, and its rim of ``RIM`` voxels; brain (n, H, W)."""
    cross = ndimage.generate_binary_structure(2, 1)[None]
    interior = ndimage.binary_erosion(brain, cross, iterations=RIM)
    return {"brain": brain, "interior": interior, "rim": brain & ~interior}


def scores(output, truth, brain):
    """PSNR in dB in each of the regions; the range is the brain's. Arrays (n, H, W) on one grid."""
    unit = brain_range(truth, brain)
    result = {}
    for name, where in regions(brain).items():
        error = float(np.mean(np.square(output[where] - truth[where], dtype=np.float64)))
        result[name] = 10 * np.log10(unit**2 / max(error, 1e-12 * unit**2))
    return result


@dataclass(frozen=True)
class Native:
    """What a result on a scan as it came is worth against its cubic interpolation; no truth is needed.

    Attributes:
        snr: mean by noise in even tissue, in units of that of cubic interpolation.
        noise: SD of what becomes of weak noise among the anatomy, in units of that of cubic interpolation.
        edges: slope of the steepest edges, along the gradient that both share, in units of cubic interpolation's.
    """

    snr: float
    noise: float
    edges: float


def native_figures(output, cubic, brain, probed=None):
    """The three figures; arrays (n, H, W) on one grid.

    Args:
        output, cubic: the result and cubic interpolation of the same corrected scan. brain: bool.
        probed: (result, cubic) of the same scan with weak noise added; without it ``noise`` is None.
    """
    inside = interior(brain)
    gradients = smooth_gradients(cubic)
    slope = np.hypot(*gradients)
    even = even_tissue(cubic, brain)
    steep = inside & (slope >= np.quantile(slope[inside], 1 - EDGE_SHARE))
    snr = output[even].mean() / noise_sd(output, even) / (cubic[even].mean() / noise_sd(cubic, even))
    slopes = []
    for volume in (output, cubic):
        own = np.gradient(volume, axis=(1, 2))
        slopes.append(float(sum((o * g)[steep] for o, g in zip(own, gradients)).sum() / slope[steep].sum()))
    noise = None
    if probed is not None:
        anatomy = inside & (slope >= np.median(slope[inside]))
        noise = float((probed[0] - output)[anatomy].std() / (probed[1] - cubic)[anatomy].std())
    return Native(float(snr), noise, slopes[0] / slopes[1])


def cubic_of(image, factors):
    """Cubic interpolation of a SimpleITK image along (z, y, x): float32 array."""
    return interpolated(sitk.GetArrayFromImage(image).astype(np.float32), factors)


def with_probe(image, noise, seed=0):
    """The image with white noise of SD ``noise`` in it, kept at 0 and above; for ``native_figures``."""
    values = sitk.GetArrayFromImage(image).astype(np.float32)
    rng = np.random.default_rng(seed)
    probed = sitk.GetImageFromArray(np.maximum(values + rng.normal(0, noise, values.shape).astype(np.float32), 0))
    probed.CopyInformation(image)
    return probed
