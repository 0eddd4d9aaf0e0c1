"""To the grid that was really measured, and back to one that is at least as fine as the stated one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..grids.geometry import enlarged_geometry
from .findings import Axis
from .fourier import fourier_resize

SURE = 0.8  # confidence from which on a finding is acted upon
_LARGEST_SHARE = 0.86  # a grid that is finer than what was measured by less is as good as the measured one
_HALF = 0.02  # an end so near to half the band is half the band: what scanners do most
_FEWEST = 32  # voxels along an axis that is still worth enhancing


@dataclass(frozen=True)
class MeasuredGrid:
    """The grid that was measured.

    Attributes:
        sizes: voxels along the image's axes i, j, k.
        changed: which of them differ from the stated ones.
    """

    sizes: tuple
    changed: tuple

    @property
    def differs(self) -> bool:
        return any(self.changed)


def grid_from_axes(sizes: tuple, axes: tuple, kept: tuple = ()) -> MeasuredGrid:
    """The measured grid of an examined image.

    Args:
        sizes: voxels along the axes i, j, k.
        axes: what was found out about each.
        kept: axes that stay as they are stated.
    """
    return _grid(sizes, [None if i in kept else _share(size, axis) for i, (size, axis) in enumerate(zip(sizes, axes))])


def grid_from_ratios(sizes: tuple, ratios: tuple) -> MeasuredGrid:
    """The measured grid by the user's word: stated voxels by measured ones, along i, j, k."""
    return _grid(sizes, [1 / ratio if ratio > 1 else None for ratio in ratios])


def _share(size, axis: Axis):
    if not axis.is_zero_filled or axis.confidence < SURE or not axis.share or axis.share > _LARGEST_SHARE:
        return None
    return 0.5 if abs(axis.share - 0.5) < _HALF and size % 2 == 0 else axis.share


def _grid(sizes, shares):
    # Rounded up: nothing that was measured is cut off.
    new = [
        size if share is None else min(size, max(_FEWEST, math.ceil(size * share - 1e-6)))
        for size, share in zip(sizes, shares)
    ]
    return MeasuredGrid(tuple(new), tuple(one != size for one, size in zip(new, sizes)))


def to_grid(image: sitk.Image, sizes: tuple) -> sitk.Image:
    """An image on the grid of ``sizes`` voxels with the same physical bounds, exactly: by its Fourier series.

    Args:
        image: scalar 3-D.
        sizes: voxels along i, j, k, smaller or larger.

    Returns:
        float32; not below the image's lowest value, which ringing would undercut in air.
    """
    values = sitk.GetArrayFromImage(sitk.Cast(image, sitk.sitkFloat32))
    lowest = float(values.min())
    for axis, size in enumerate(reversed(sizes)):
        values = fourier_resize(values, size, axis)
    placed = _placed(np.maximum(values, np.float32(lowest)), image, sizes)
    for key in image.GetMetaDataKeys():  # what its names say of its kind
        placed.SetMetaData(key, image.GetMetaData(key))
    return placed


def mask_to_grid(mask: sitk.Image, image: sitk.Image) -> sitk.Image:
    """A mask (0 and 1) at the half level of its linear interpolation on the grid of an image."""
    return sitk.Cast(resampled(mask, image, sitk.sitkLinear) >= 0.5, sitk.sitkUInt8)


def at_least_as_fine(result: sitk.Image, sizes: tuple) -> tuple:
    """Voxels along i, j, k of a grid with a result's bounds that is nowhere coarser than ``sizes``."""
    return tuple(max(one, two) for one, two in zip(result.GetSize(), sizes))


def delivered(volume: sitk.Image, mask: sitk.Image | None, sizes: tuple) -> sitk.Image:
    """A result on a finer grid by cubic interpolation that does not see beyond its mask.

    Args:
        volume: the result.
        mask: where it holds, on its grid; None where it holds everywhere.
        sizes: voxels along i, j, k of the finer grid, which has the same bounds.
    """
    values = sitk.GetArrayFromImage(volume)
    if mask is not None:
        inside = sitk.GetArrayViewFromImage(mask) > 0
        if inside.any():
            nearest = ndimage.distance_transform_edt(~inside, return_distances=False, return_indices=True)
            values = values[tuple(nearest)]
    filled = sitk.GetImageFromArray(values)
    filled.CopyInformation(volume)
    target = _placed(np.zeros(tuple(reversed(sizes)), np.uint8), volume, sizes)
    fine = resampled(filled, target, sitk.sitkBSpline)
    if mask is None:
        return fine
    return sitk.Mask(fine, mask_to_grid(mask, target))


def resampled(image: sitk.Image, reference: sitk.Image, interpolator: int) -> sitk.Image:
    """An image as float32 on the grid of another one; beyond its outermost centres it goes on as it is there."""
    resampler = sitk.ResampleImageFilter()
    resampler.SetReferenceImage(reference)
    resampler.SetInterpolator(interpolator)
    resampler.SetOutputPixelType(sitk.sitkFloat32)
    # The outermost fine voxels lie beyond the centres of the coarse ones.
    resampler.UseNearestNeighborExtrapolatorOn()
    return resampler.Execute(image)


def _placed(array, image, sizes):
    placed = sitk.GetImageFromArray(array)
    factors = [new / old for new, old in zip(sizes, image.GetSize())]
    spacing, origin, direction = enlarged_geometry(image, factors)
    placed.SetSpacing(spacing)
    placed.SetOrigin(origin)
    placed.SetDirection(direction)
    return placed
