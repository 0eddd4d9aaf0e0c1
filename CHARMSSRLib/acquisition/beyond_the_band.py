"""What a scan holds beyond the band that it was enhanced from goes back into the result.

In a zero-filled scan that is rounding and what the magnitude leaks, next to nothing. Where the band did not end there
(a wrong alarm), it is what would be lost: with it, an alarm costs about nothing (docs/studies/acquisition.md).
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..preprocessing.head_mask import shrink_to
from .fourier import fourier_resize
from .measured_grid import resampled

_COARSE_MM = 4.0
_SMOOTH_MM = 12.0  # a bias field is smoother than this


def with_what_lay_beyond(
    result: sitk.Image, mask: sitk.Image | None, image: sitk.Image, sizes: tuple, corrected: bool
) -> sitk.Image:
    """A result with what its scan holds beyond the measured band.

    Args:
        result: float32, with the bounds of ``image``, nowhere coarser.
        mask: on the grid of ``result``, where it holds; None for everywhere.
        image: the scan.
        sizes: voxels along i, j, k of the measured grid.
        corrected: whether the result lost a bias field that the scan has.

    Returns:
        float32, on the grid of ``result``.
    """
    values = sitk.GetArrayFromImage(sitk.Cast(image, sitk.sitkFloat32))
    within = values
    for axis, size in enumerate(reversed(sizes)):
        if size != values.shape[axis]:
            within = fourier_resize(fourier_resize(within, size, axis), values.shape[axis], axis)
    beyond = values - within
    for axis, size in enumerate(reversed(result.GetSize())):
        beyond = fourier_resize(beyond, size, axis)
    added = sitk.GetImageFromArray(beyond)
    added.CopyInformation(result)
    if corrected:
        added = added * _field_ratio(result, mask, image)
    if mask is not None:
        added = sitk.Mask(added, mask)
    return result + added


def _field_ratio(result, mask, image):
    """The result's smooth brightness by the scan's, on the grid of the result: the inverse of the bias field."""
    seen = resampled(image, result, sitk.sitkLinear)
    inside = sitk.Cast(result > 0, sitk.sitkFloat32) if mask is None else sitk.Cast(mask > 0, sitk.sitkFloat32)
    small = [shrink_to(one, _COARSE_MM) for one in (result * inside, seen * inside, inside)]
    widths = [_SMOOTH_MM / step for step in reversed(small[0].GetSpacing())]
    after, before, weight = (ndimage.gaussian_filter(sitk.GetArrayFromImage(one), widths) for one in small)
    told = (weight > 0.05) & (before > 0)
    ratio = np.divide(after, before, out=np.ones_like(after), where=told)
    nearest = ndimage.distance_transform_edt(~told, return_distances=False, return_indices=True) if told.any() else None
    coarse = sitk.GetImageFromArray(ratio if nearest is None else ratio[tuple(nearest)])
    coarse.CopyInformation(small[0])
    return resampled(coarse, result, sitk.sitkLinear)
