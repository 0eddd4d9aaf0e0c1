"""Volumes made coarse in a known way, so that the truth is there to compare with.

Both grids cover the same box: voxel edges stay aligned, as everywhere in this project.
Truth, mask and output are cut to whole coarse voxels first.
"""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F

from CHARMSSRLib.grids.geometry import enlarged_geometry
from CHARMSSRLib.grids.resize import bicubic_downsample, fourier_resize
from CHARMSSRLib.measures.fidelity import brain_range

from ..training.degradations import rician


@dataclass(frozen=True)
class DegradedVolume:
    """A coarse volume and what it was made of.

    Attributes:
        image, mask: SimpleITK float32 and UInt8, LPS order: the coarse volume and its brain.
        truth: array (z, y, x) float32 on the fine grid.
        inside: boolean (z, y, x) on the fine grid: brain in the truth and in the coarse mask.
        factors: fine voxels per coarse voxel along (z, y, x).
        spacing: mm of the fine grid along (z, y, x).
    """

    image: sitk.Image
    mask: sitk.Image
    truth: np.ndarray
    inside: np.ndarray
    factors: tuple
    spacing: tuple

    @property
    def coarse(self):
        """The coarse volume as array (z, y, x)."""
        return sitk.GetArrayFromImage(self.image)

    @property
    def coarse_mask(self):
        """The coarse mask as boolean array (z, y, x)."""
        return sitk.GetArrayFromImage(self.mask) > 0


def truncated(sample, scale, axes=(0, 1, 2), noise=0.0, seed=0):
    """k-space truncated by ``scale``: what a shorter acquisition of the same anatomy measures.

    Args:
        sample: ``Sample``, of real resolution along the axes.
        scale: enlargement, 2 or 4.
        axes: array axes (z, y, x) that lose resolution; the others stay.
        noise: SD of Rician noise, per unit of the truth's 99.9th percentile in the brain.
        seed: of everything that is drawn.

    Returns:
        DegradedVolume; its image is a magnitude: not negative.
    """
    factors = tuple(scale if axis in axes else 1 for axis in range(3))

    def shrink(volume):
        for axis in axes:
            volume = fourier_resize(volume, volume.shape[axis] // scale, axis)
        return volume.abs()

    return _degraded(sample, factors, shrink, noise, seed)


def averaged(sample, scale, noise=0.0, seed=0):
    """Antialiased bicubic downsampling by ``scale`` along all three axes; the rest as :func:`truncated`."""

    def shrink(volume):
        for axis in range(3):
            columns = volume.movedim(axis, 0).flatten(1)
            small = F.interpolate(
                columns[None, None], (len(columns) // scale, columns.shape[1]), mode="bicubic", align_corners=False,
                antialias=True,
            )[0, 0]  # fmt: skip
            others = [size for other, size in enumerate(volume.shape) if other != axis]
            volume = small.unflatten(1, others).movedim(0, axis)
        return volume.abs()

    return _degraded(sample, (scale,) * 3, shrink, noise, seed)


def thickened(sample, millimetres, axis=0, noise=0.0, seed=0):
    """Slices ``millimetres`` thick, side by side: means over as many fine slices as come nearest to that.

    The mean is the slice profile of an ideal 2-D acquisition. In-plane resolution is kept.

    Args:
        sample: Sample, isotropic.
        millimetres: thickness of the slices.
        axis: array axis (z, y, x) across the slices.
        noise: SD per unit of the intensity range.
        seed: of everything that is drawn.
    """
    spacing = sample.image.GetSpacing()[::-1]
    factor = max(1, round(millimetres / spacing[axis]))
    factors = tuple(factor if other == axis else 1 for other in range(3))
    return _degraded(sample, factors, lambda volume: block_mean(volume, factors), noise, seed)


def averaged_in_plane(sample, scale, noise=0.0, seed=0):
    """Axial slices made coarse one by one by the data-consistency operator "bicubic"; the rest as :func:`truncated`."""
    return _degraded(
        sample, (1, scale, scale), lambda volume: bicubic_downsample(volume[:, None], scale)[:, 0], noise, seed
    )


def block_mean(volume, factors):
    """Means over blocks of ``factors`` voxels (tensor or array (z, y, x), sizes divisible)."""
    z, y, x = (size // factor for size, factor in zip(volume.shape, factors))
    blocks = volume.reshape(z, factors[0], y, factors[1], x, factors[2])
    return blocks.mean((1, 3, 5))


def repeated(array, factors):
    """Each voxel ``factors`` times along the axes: the coarse grid's values on the fine grid."""
    for axis, factor in enumerate(factors):
        array = np.repeat(array, factor, axis)
    return array


def _degraded(sample, factors, shrink, noise, seed):
    truth, mask = (sitk.GetArrayFromImage(image) for image in (sample.image, sample.mask))
    cut = tuple(slice(0, size - size % factor) for size, factor in zip(truth.shape, factors))
    truth, mask = np.ascontiguousarray(truth[cut], np.float32), mask[cut] > 0
    coarse = shrink(torch.from_numpy(truth))
    if noise > 0:
        coarse = rician(coarse, noise * brain_range(truth, mask), torch.Generator().manual_seed(seed))
    coarse_mask = block_mean(mask.astype(np.float32), factors) >= 0.5
    spacing, origin, direction = enlarged_geometry(sample.image, [1 / factor for factor in factors[::-1]])
    images = []
    for array in (coarse.numpy(), coarse_mask.astype(np.uint8)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing(spacing)
        image.SetOrigin(origin)
        image.SetDirection(direction)
        images.append(image)
    inside = mask & repeated(coarse_mask, factors)
    return DegradedVolume(*images, truth, inside, factors, sample.image.GetSpacing()[::-1])
