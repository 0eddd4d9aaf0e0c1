"""N4 bias-field correction inside a mask (Tustison et al., IEEE TMI 29(6), 2010)."""

from collections import namedtuple

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..grids.orientation import LPSFrame, bounding_box, image_like
from ..task import Task
from .n4 import log_bias_field

BiasCorrection = namedtuple("BiasCorrection", "image field")
BiasCorrection.__doc__ = "Corrected image and field (image = input / field), both float32 on the input's grid."

WORKING_SPACING_MM = 4.0
ITERATIONS = (50, 40, 30)
# 1e-3 in ITK's filter, whose running mean over the mask loses digits and makes it go on to about this.
CONVERGENCE_THRESHOLD = 0.9e-3
# N4 works on logarithms and its histogram on their range: voxels below this share of the mask's
# bright tissue carry no bias but much noise there, so they do not take part.
_SMALLEST_SHARE = 0.01
# Intensities are scaled to this before N4, so that the result does not depend on their unit.
_BRIGHT = 1000.0


def correct_bias_field(image, mask, task=None):
    """Estimates the bias field at about 4 mm inside ``mask`` and divides it out.

    The field's geometric mean inside the mask is 1, so intensities keep their unit. Outside the
    mask's box the field is continued from the box's border.

    Args:
        image (SimpleITK.Image): scalar 3-D, any orientation and spacing; not changed.
        mask (SimpleITK.Image): non-zero where the field is to be estimated, on the same grid.
        task (Task, optional): asked before each iteration.

    Returns:
        BiasCorrection: ``image`` and ``field``, both float32 on the input's grid.

    Raises:
        InputError: the mask is empty or holds no positive voxels.
        Cancelled: the task was cancelled.
    """
    frame = LPSFrame(image)
    upright = frame.enter(sitk.Cast(image, sitk.sitkFloat32))
    values = sitk.GetArrayFromImage(upright)
    inside = sitk.GetArrayFromImage(frame.enter(mask)) > 0
    box = bounding_box(inside)
    bright = np.percentile(values[inside], 99) if box is not None else 0.0
    if bright <= 0:
        raise InputError("The bias field cannot be estimated: the mask holds no positive voxels. Check the mask.")

    factors = _shrink_factors([axis.stop - axis.start for axis in box], upright.GetSpacing()[::-1])
    inside = inside[box]
    log_small = _log_field(*_shrunk(values[box] * np.float32(_BRIGHT / bright), inside, factors), task or Task())
    log_box = _evaluate(log_small, factors, inside.shape)
    log_box -= log_box[inside].mean()

    around = [(axis.start, size - axis.stop) for axis, size in zip(box, values.shape)]
    field = np.pad(np.exp(log_box, out=log_box), around, mode="edge")
    values /= field
    return BiasCorrection(frame.leave(image_like(values, upright)), frame.leave(image_like(field, upright)))


def _shrink_factors(shape, spacing):
    """Whole factors (z, y, x) that bring each spacing near 4 mm and leave at least 8 samples."""
    return [max(1, min(round(WORKING_SPACING_MM / step), size // 8)) for step, size in zip(spacing, shape)]


def _shrunk(values, inside, factors):
    """Block means over the voxels inside the mask, and which blocks are mostly inside."""
    inside = inside & (values > _SMALLEST_SHARE * _BRIGHT)
    weight = _block_sums(inside.astype(np.float32), factors)
    total = _block_sums(np.where(inside, values, np.float32(0)), factors)
    small_inside = weight >= 0.5 * np.prod(factors)
    if not small_inside.any():
        raise InputError("The bias field cannot be estimated: the mask is too thin or too dark. Check the mask.")
    return total / np.maximum(weight, 1), small_inside


def _block_sums(array, factors):
    padded = np.pad(array, [(0, -size % factor) for size, factor in zip(array.shape, factors)])
    for axis, factor in enumerate(factors):
        starts = np.arange(0, padded.shape[axis], factor)
        padded = np.add.reduceat(padded, starts, axis=axis)
    return padded


def _log_field(small, inside, task):
    """Logarithm of the field on the shrunk grid: three levels, each with splines of half the width on what is left."""
    total = np.zeros(small.shape)
    for level, iterations in enumerate(ITERATIONS):
        total += log_bias_field(small / np.exp(total), inside, 2**level, iterations, CONVERGENCE_THRESHOLD, task.check)
    return total


def _evaluate(log_small, factors, shape):
    """The smooth log field at full resolution: cubic splines through the centres of the blocks."""
    result = log_small.astype(np.float32)
    for axis, (factor, size) in enumerate(zip(factors, shape)):
        if factor > 1:
            # One small matrix per axis: the interpolation is separable.
            matrix = spline_matrix(result.shape[axis], factor, size).astype(np.float32)
            result = np.moveaxis(np.tensordot(matrix, result, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(result)


def spline_matrix(samples, factor, size):
    """Cubic spline ("not a knot" at its ends) through the means of blocks, at the voxels: (size, samples).

    Args:
        samples: of the blocks, at least 4, each of ``factor`` voxels; the last one may reach beyond ``size``.
    """
    # Second derivatives at the samples by their values: the usual three-term equations, and no jump of the third
    # derivative at the second and the last but one sample.
    left, right = np.zeros((samples, samples)), np.zeros((samples, samples))
    for i in range(1, samples - 1):
        left[i, i - 1 : i + 2] = 1, 4, 1
        right[i, i - 1 : i + 2] = 6, -12, 6
    left[0, :3] = left[-1, -3:] = 1, -2, 1
    curvature = np.linalg.solve(left, right)
    places = (np.arange(size) + 0.5) / factor - 0.5
    first = np.clip(np.floor(places).astype(int), 0, samples - 2)
    b = (places - first)[:, None]
    a, identity = 1 - b, np.eye(samples)
    straight = a * identity[first] + b * identity[first + 1]
    return straight + ((a**3 - a) * curvature[first] + (b**3 - b) * curvature[first + 1]) / 6
