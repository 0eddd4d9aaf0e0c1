"""One frame for all preprocessing: axes in the order nearest LPS, identity directions, origin 0.

Everything inside works in this frame, so any axis order, flip or direction of the same
voxels takes the same path, and results return onto the caller's grid exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import SimpleITK as sitk


class LPSFrame:
    """The way from an image's own grid to the LPS frame and back.

    Args:
        reference: 3-D image that defines the grid; it is only read.
    """

    def __init__(self, reference: sitk.Image) -> None:
        direction = np.array(reference.GetDirection()).reshape(3, 3)
        # Columns are image axes, rows are patient axes. The assignment maximises the sum of
        # |cosines|, so every patient axis gets an image axis of its own, however oblique.
        cosines = np.abs(direction)
        nearest = max(permutations(range(3)), key=lambda axes: sum(cosines[i, axis] for i, axis in enumerate(axes)))
        self._order = [int(axis) for axis in nearest]
        self._inverse_order = [int(axis) for axis in np.argsort(nearest)]
        flips = [bool(direction[patient, axis] < 0) for patient, axis in enumerate(nearest)]
        # SimpleITK counts axes from the fastest one, numpy from the slowest.
        self._flipped_axes = tuple(axis for axis in range(3) if flips[2 - axis])
        self._reference = _geometry_of(reference)

    def enter(self, image: sitk.Image) -> sitk.Image:
        """``image`` (on the reference's grid) in the LPS frame; a new image, values unchanged."""
        # numpy's transposition of an array is many times faster than ITK's PermuteAxes.
        array = sitk.GetArrayViewFromImage(image).transpose([2 - axis for axis in self._order[::-1]])
        spacing = image.GetSpacing()
        entered = sitk.GetImageFromArray(np.flip(array, self._flipped_axes))
        entered.SetSpacing([spacing[axis] for axis in self._order])
        return entered

    def leave(self, image: sitk.Image) -> sitk.Image:
        """``image`` (in the LPS frame) on the reference's grid, with exactly its geometry."""
        left = sitk.GetImageFromArray(self.restore_axes(sitk.GetArrayViewFromImage(image)))
        spacing, origin, direction = self._reference
        left.SetSpacing(spacing)
        left.SetOrigin(origin)
        left.SetDirection(direction)
        return left

    def restore_axes(self, array: np.ndarray) -> np.ndarray:
        """A view of ``array`` (z, y, x; in the LPS frame, of any size) in the order of the reference's array axes."""
        flipped = np.flip(array, self._flipped_axes)
        return flipped.transpose([2 - axis for axis in self._inverse_order[::-1]])

    def image_axes(self, per_lps_axis: Sequence) -> tuple:
        """One value per LPS axis (x, y, z) -> one per image axis (i, j, k)."""
        return tuple(per_lps_axis[axis] for axis in self._inverse_order)


def _geometry_of(image):
    return image.GetSpacing(), image.GetOrigin(), image.GetDirection()


def image_like(array: np.ndarray, reference: sitk.Image) -> sitk.Image:
    """An image of ``array`` (z, y, x) with the geometry of ``reference``."""
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(reference)
    return image


def bounding_box(mask_array: np.ndarray, margin: Sequence[int] = (0, 0, 0)) -> tuple[slice, ...] | None:
    """Slices (z, y, x) of the box around the non-zero voxels, widened by ``margin`` voxels.

    Returns None when the mask is empty.
    """
    box = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        filled = np.flatnonzero(mask_array.any(axis=others))
        if filled.size == 0:
            return None
        start = max(0, int(filled[0]) - margin[axis])
        stop = min(mask_array.shape[axis], int(filled[-1]) + 1 + margin[axis])
        box.append(slice(start, stop))
    return tuple(box)
