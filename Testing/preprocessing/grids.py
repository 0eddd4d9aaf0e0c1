"""The same voxels on differently ordered and directed grids."""

import numpy as np
import SimpleITK as sitk

# Axis orders and flips; the first keeps the image as it is.
ARRANGEMENTS = [
    ((0, 1, 2), (False, False, False)),
    ((2, 0, 1), (True, False, True)),
    ((1, 2, 0), (False, True, False)),
    ((0, 2, 1), (True, True, True)),
]


def rearranged(image, order, flips):
    """``image`` with its axes permuted and flipped; every voxel stays at its place in the patient."""
    return sitk.Flip(sitk.PermuteAxes(image, order), flips)


def arranged_back(image, order, flips):
    """The inverse of :func:`rearranged`."""
    return sitk.PermuteAxes(sitk.Flip(image, flips), [int(axis) for axis in np.argsort(order)])


def tilted(image, degrees):
    """``image`` on an oblique grid: the same voxels, the patient's head turned."""
    angle = np.radians(degrees)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    result = sitk.Image(image)
    result.SetDirection((turn @ np.array(image.GetDirection()).reshape(3, 3)).ravel().tolist())
    return result


def dice(first, second):
    """Overlap of two masks, 0 to 1."""
    a, b = sitk.GetArrayFromImage(first) > 0, sitk.GetArrayFromImage(second) > 0
    return 2.0 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def lost(mask, truth):
    """Share of ``truth`` that ``mask`` misses, 0 to 1."""
    a, b = sitk.GetArrayFromImage(mask) > 0, sitk.GetArrayFromImage(truth) > 0
    return np.count_nonzero(b & ~a) / np.count_nonzero(b)


def same_geometry(first, second):
    """Whether two images have exactly the same grid."""
    return (
        first.GetSize() == second.GetSize()
        and first.GetSpacing() == second.GetSpacing()
        and first.GetOrigin() == second.GetOrigin()
        and first.GetDirection() == second.GetDirection()
    )
