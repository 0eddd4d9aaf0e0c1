"""Grids: the enlarged grid of the result, with the same physical bounds as the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

if TYPE_CHECKING:
    from .orientation import LPSFrame

SLABS = 16  # in which an array becomes an image


def enlarged_geometry(image: sitk.Image, factors: Sequence[float]) -> tuple[tuple, tuple, tuple]:
    """Spacing, origin and direction when the image axes (i, j, k) are refined by ``factors``.

    M_out = M_in diag(1/s); the origin, a voxel's centre, moves by -(1/2)(1 - 1/s) input voxels
    along each refined axis, so that voxel edges and physical bounds stay.

    Returns:
        (spacing, origin, direction) as SimpleITK takes them, mm in LPS.
    """
    finer = np.asarray(factors, float)
    spacing = np.asarray(image.GetSpacing())
    direction = np.asarray(image.GetDirection()).reshape(3, 3)
    shift = direction @ (spacing * -0.5 * (1 - 1 / finer))
    origin = np.asarray(image.GetOrigin()) + shift
    return tuple((spacing / finer).tolist()), tuple(origin.tolist()), image.GetDirection()


def image_on_enlarged_grid(
    array: np.ndarray, frame: LPSFrame, reference: sitk.Image, factors_zyx: Sequence[float]
) -> sitk.Image:
    """An array of the enlarged grid as an image with the reference's orientation and bounds.

    Args:
        array: (z, y, x), enlarged by ``factors_zyx``, turned back by ``frame.restore_axes``; a view will do.
        frame: the ``LPSFrame`` of the reference.
        reference: the input image.
        factors_zyx: per array axis of the LPS frame.
    """
    image = image_of(array)
    factors = frame.image_axes(tuple(factors_zyx)[::-1])
    spacing, origin, direction = enlarged_geometry(reference, factors)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(direction)
    return image


def image_of(array: np.ndarray) -> sitk.Image:
    """An image of an array (z, y, x), which may be a view: copied slab by slab, so that no second array is needed."""
    first = sitk.GetImageFromArray(np.ascontiguousarray(array[:1]))
    image = sitk.Image(array.shape[::-1], first.GetPixelID())
    step = -(-len(array) // SLABS)
    for start in range(0, len(array), step):
        slab = np.ascontiguousarray(array[start : start + step])
        image[:, :, start : start + len(slab)] = sitk.GetImageFromArray(slab)
    return image
