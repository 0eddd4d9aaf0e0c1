"""Decides whether an image in memory can be enhanced, and brings a user's mask onto its grid."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..files.header_checks import (
    complex_message,
    four_d_message,
    is_orthonormal,
    sheared_message,
    vector_message,
)
from ..scan_limits import CT_THRESHOLD, MINIMUM_IN_PLANE, MINIMUM_SLICES, SPACING_RANGE
from .mask_values import mask_threshold

PLAUSIBLE_FIELD_OF_VIEW = (80.0, 400.0)

_COMPLEX = (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64)
# Real scans: at least 230 different values and at most 54 % equal neighbours (a phantom in noise-free
# air; heads stay below 30 %). Segmentations: more than 80 % equal neighbours.
_LABEL_VALUES = 256
_LABEL_EQUAL_NEIGHBOURS = 0.75


def check_image(image: sitk.Image) -> list[str]:
    """Refuse what cannot be enhanced; say what looks doubtful.

    Args:
        image: SimpleITK image of any pixel type.

    Returns:
        List of warnings, each one sentence.

    Raises:
        InputError: not a scalar 3-D image of at least 16 slices of 32 x 32 voxels, spacing outside
            0.1 to 10 mm, axes not at right angles, voxels that are not finite, all equal, below -500
            (CT), or labels.
    """
    check_grid(image, "The image")
    _check_size(image.GetSize())
    _check_spacing(image.GetSpacing())
    array = sitk.GetArrayViewFromImage(image)
    lowest, highest = _finite_range(array)
    if lowest == highest:
        raise InputError(f"The image is constant (every voxel is {lowest:g}); give a scan with content.")
    if lowest < CT_THRESHOLD:
        raise InputError(
            f"The image has voxels below {CT_THRESHOLD} (lowest {lowest:g}) as CT has; only MR can be enhanced. "
            "If it is MR, clip or shift its negative values first."
        )
    if looks_like_labels(array):
        raise InputError(
            "The image looks like a label map (few whole numbers in flat regions); give the scan that it belongs to."
        )
    return _warnings(image, lowest)


def check_grid(image: sitk.Image, what: str) -> None:
    """Refuse images that are not scalar, real and 3-D with voxel axes at right angles.

    Args:
        image: SimpleITK image.
        what: how messages name it ("The image", "The mask").

    Raises:
        InputError: see above.
    """
    if not isinstance(image, sitk.Image):
        raise InputError(f"{what} is not a volume ({type(image).__name__}); give a SimpleITK image.")
    if image.GetPixelID() in _COMPLEX:
        raise InputError(complex_message(what))
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(vector_message(what, image.GetNumberOfComponentsPerPixel()))
    if image.GetDimension() > 3:
        raise InputError(four_d_message(what, image.GetSize()[3]))
    if image.GetDimension() != 3:
        raise InputError(f"{what} is {image.GetDimension()}-D; give a 3-D volume.")
    if not is_orthonormal(image.GetDirection()):
        raise InputError(sheared_message(what))


def match_mask(mask: sitk.Image, image: sitk.Image) -> sitk.Image:
    """A mask as UInt8 (1 inside) on the grid of an image.

    Voxels count as inside where the mask is not zero (probabilities and percents: above one half).
    A mask on another grid is resampled to the nearest voxel.

    Args:
        mask: scalar 3-D SimpleITK image.
        image: SimpleITK image that gives the grid.

    Raises:
        InputError: not a scalar 3-D mask, no voxel inside, or no overlap with the image.
    """
    check_grid(mask, "The mask")
    array = sitk.GetArrayViewFromImage(mask)
    inside = array > mask_threshold(array).value
    if not inside.any():
        raise InputError("The mask is empty; give one that marks the brain or the head with non-zero voxels.")
    binary = sitk.GetImageFromArray(inside.astype(np.uint8))
    binary.CopyInformation(mask)
    if not same_grid(mask, image):
        binary = sitk.Resample(binary, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
        if not sitk.GetArrayViewFromImage(binary).any():
            raise InputError("The mask does not overlap the image; give a mask that was drawn on the same scan.")
    binary.CopyInformation(image)
    return binary


def same_grid(first: sitk.Image, second: sitk.Image) -> bool:
    """Whether two images have the same size and every voxel at the same place (to 1 % of a voxel)."""
    if first.GetSize() != second.GetSize():
        return False
    tolerance = 0.01 * min(second.GetSpacing())
    last = [size - 1 for size in first.GetSize()]
    corners = [[last[axis] if corner >> axis & 1 else 0 for axis in range(3)] for corner in range(8)]
    return all(
        np.allclose(
            first.TransformIndexToPhysicalPoint(corner),
            second.TransformIndexToPhysicalPoint(corner),
            rtol=0,
            atol=tolerance,
        )
        for corner in corners
    )


def looks_like_labels(array: np.ndarray) -> bool:
    """Whether an array holds labels rather than intensities.

    A file does not say so. Labels are few whole numbers, and away from the background nearly every
    voxel has the same value as its neighbours; the noise of a scan never lets that happen.

    Args:
        array: (z, y, x), any real type.
    """
    if array.dtype.kind == "f" and not _all_whole(array):
        return False
    values, counts = np.unique(array, return_counts=True)
    if len(values) > _LABEL_VALUES:
        return False
    background = values[counts.argmax()]
    neighbours = equal = 0
    for axis in range(3):
        here, there = array.swapaxes(0, axis)[:-1], array.swapaxes(0, axis)[1:]
        both_inside = (here != background) & (there != background)
        neighbours += int(both_inside.sum())
        equal += int((both_inside & (here == there)).sum())
    return equal >= _LABEL_EQUAL_NEIGHBOURS * neighbours


def _all_whole(array):
    # A coarse sample settles it for nearly every scan.
    return all((part == np.rint(part)).all() for part in (array[::4, ::4, ::4], array))


def _check_size(size):
    smallest, *others = sorted(size)
    if smallest < MINIMUM_SLICES or others[0] < MINIMUM_IN_PLANE:
        raise InputError(
            f"The image of {' x '.join(map(str, size))} voxels is too small: it needs at least {MINIMUM_SLICES} slices "
            f"of {MINIMUM_IN_PLANE} x {MINIMUM_IN_PLANE}. Give a whole 3-D scan."
        )


def _check_spacing(spacing):
    lowest, highest = SPACING_RANGE
    if not all(lowest <= step <= highest for step in spacing):
        raise InputError(
            f"The voxel size of {_listed(spacing)} mm lies outside {lowest:g} to {highest:g} mm; "
            "correct the spacing in the volume's header."
        )


def _finite_range(array):
    """Lowest and highest value; both show any voxel that is not finite."""
    with np.errstate(invalid="ignore"):
        lowest, highest = array.min(), array.max()
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        count = int((~np.isfinite(array)).sum())
        raise InputError(
            f"The image has {count:,} voxel{'s' if count > 1 else ''} that {'are' if count > 1 else 'is'} not a number "
            "or infinite; replace them first (by 0, say)."
        )
    return float(lowest), float(highest)


def _warnings(image, lowest):
    warnings = []
    if lowest < 0:
        warnings.append(f"The image has negative voxels (lowest {lowest:g}), which is unusual for MR magnitude images.")
    extent = [size * spacing for size, spacing in zip(image.GetSize(), image.GetSpacing())]
    if min(extent) < PLAUSIBLE_FIELD_OF_VIEW[0] or max(extent) > PLAUSIBLE_FIELD_OF_VIEW[1]:
        warnings.append(
            f"The field of view of {_listed(extent)} mm is unusual for a brain; check the voxel size and the result."
        )
    return warnings


def _listed(numbers):
    return " x ".join(f"{number:.4g}" for number in numbers)
