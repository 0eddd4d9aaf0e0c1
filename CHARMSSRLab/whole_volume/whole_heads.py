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
from CHARMSSRLib.measures.native import probe

from ..training.degradations import degrade

RIM = 3  # fine voxels of the brain next to its edge, in the plane of the slices


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
        image: SimpleITK images of one grid in LPS order; the mask is the fine scan's brain.
        mask: likewise.
        scale: 2 or 4.
        degradation: one of ``degradation_list``; noise is in units of the brain's 99.9th percentile.
        slices: how many slices are kept, spread around the brain's middle; None for all.
        seed: of random degradations.

    Returns:
        CoarseHead.
    """
    truth, brain = sitk.GetArrayFromImage(image).astype(np.float32), sitk.GetArrayFromImage(mask) > 0
    unit = brain_range(truth, brain)
    first, last = middle(brain, slices)
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
    first, last = middle(sitk.GetArrayViewFromImage(mask) > 0, slices)
    return image[:, :, first:last], mask[:, :, first:last]


def middle(brain, slices):
    """(first, beyond the last) of so many slices around the middle of a brain (n, H, W); all of them for None."""
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


def cubic_of(image, factors):
    """Cubic interpolation of a SimpleITK image along (z, y, x): float32 array."""
    return interpolated(sitk.GetArrayFromImage(image).astype(np.float32), factors)


def thinned(image, mask, count):
    """(image, mask) of at most so many of the slices that hold brain, spread evenly; SimpleITK images in LPS order."""
    occupied = np.flatnonzero((sitk.GetArrayViewFromImage(mask) > 0).any(axis=(1, 2)))
    chosen = occupied[np.unique(np.linspace(0, len(occupied) - 1, count).astype(int))]
    thin = []
    for one in (image, mask):
        some = sitk.GetImageFromArray(sitk.GetArrayViewFromImage(one)[chosen])
        some.SetSpacing(one.GetSpacing())
        some.SetDirection(one.GetDirection())
        thin.append(some)
    return tuple(thin)


def rounded(row, digits=5):
    """The row with its floats at so many significant digits, so that files of results stay small."""
    return {key: float(f"{value:.{digits}g}") if isinstance(value, float) else value for key, value in row.items()}


def with_probe(image, noise, seed=0):
    """The image with white noise of SD ``noise`` in it, kept at 0 and above; for ``native_figures``."""
    probed = sitk.GetImageFromArray(probe(sitk.GetArrayFromImage(image).astype(np.float32), noise, seed))
    probed.CopyInformation(image)
    return probed
