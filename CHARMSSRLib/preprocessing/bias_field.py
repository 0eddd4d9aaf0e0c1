"""N4 bias-field correction inside a mask (Tustison et al., IEEE TMI 29(6), 2010)."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..grids.orientation import LPSFrame, bounding_box, image_like
from ..task import Task

BiasCorrection = namedtuple("BiasCorrection", "image field")
BiasCorrection.__doc__ = "Corrected image and field (image = input / field), both float32 on the input's grid."

WORKING_SPACING_MM = 4.0
ITERATIONS = (50, 40, 30)
# At 1e-3 the coarsest level, whose steps are small in a head, would end after two iterations; the finer ones would
# begin to follow the anatomy at less.
CONVERGENCE_THRESHOLDS = (2e-4, 1e-3, 1e-3)
# N4's time is that of its samples: every second one along an axis, as long as so many are left.
LEAST_SAMPLES = 5000
# The lattice has one span at the first level, doubled at each further one.
_SPLINE_ORDER = 3
_LEAST_SIZE = 8  # samples along an axis
# N4 works on logarithms and its histogram on their range: voxels below this share of the mask's
# bright tissue carry no bias but much noise there, so they do not take part.
_SMALLEST_SHARE = 0.01
# Of the bright tissue: N4's histogram of what varies less than this tells nothing, and it would make up a field.
_LEAST_RANGE = 1e-5
# Intensities are scaled to this before N4, so that the result does not depend on their unit.
_BRIGHT = 1000.0


def correct_bias_field(image: sitk.Image, mask: sitk.Image, task: Task | None = None) -> BiasCorrection:
    """Estimates the bias field at about 4 mm inside ``mask`` and divides it out.

    The field's geometric mean inside the mask is 1, so intensities keep their unit. Outside the
    mask's box the field is continued from the box's border.

    Args:
        image: scalar 3-D, any orientation and spacing; not changed.
        mask: non-zero where the field is to be estimated, on the same grid.
        task: asked before each of the three levels (a second or
            less each; the filter itself ignores Abort).

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

    box = _wide_enough(box, values.shape)
    factors = _shrink_factors([axis.stop - axis.start for axis in box], upright.GetSpacing()[::-1])
    inside = inside[box]
    small, small_mask = _shrunk(values[box] * np.float32(_BRIGHT / bright), inside, factors, upright.GetSpacing())
    thin, thin_mask, places = _thinned(small, small_mask)
    log_thin = _log_field(thin, thin_mask, task or Task())
    # Where the samples lie on the full grid.
    centres = [(place + 0.5) * factor - 0.5 for place, factor in zip(places, factors)]
    log_box = _evaluate(log_thin, centres, inside.shape)
    log_box -= log_box[inside].mean()

    around = [(axis.start, size - axis.stop) for axis, size in zip(box, values.shape)]
    field = np.pad(np.exp(log_box, out=log_box), around, mode="edge")
    values /= field
    return BiasCorrection(frame.leave(image_like(values, upright)), frame.leave(image_like(field, upright)))


def _wide_enough(box, shape):
    """A box of at least 8 voxels along each axis of a volume that has as many: N4 places its lattice on it."""
    starts = [
        max(0, min(axis.start, size - _LEAST_SIZE, (axis.start + axis.stop - _LEAST_SIZE) // 2))
        for axis, size in zip(box, shape)
    ]
    return tuple(
        axis if axis.stop - axis.start >= _LEAST_SIZE else slice(start, min(size, start + _LEAST_SIZE))
        for axis, start, size in zip(box, starts, shape)
    )


def _shrink_factors(shape, spacing):
    """Whole factors (z, y, x) that bring each spacing near 4 mm and leave at least 8 samples."""
    return [max(1, min(round(WORKING_SPACING_MM / step), size // _LEAST_SIZE)) for step, size in zip(spacing, shape)]


def _shrunk(values, inside, factors, spacing):
    """Block means over the voxels inside the mask, and the mask of blocks that are mostly inside."""
    inside = inside & (values > _SMALLEST_SHARE * _BRIGHT)
    weight = _block_sums(inside.astype(np.float32), factors)
    total = _block_sums(np.where(inside, values, np.float32(0)), factors)
    small = sitk.GetImageFromArray(total / np.maximum(weight, 1))
    small.SetSpacing([step * factor for step, factor in zip(spacing, factors[::-1])])
    small_mask = image_like((weight >= 0.5 * np.prod(factors)).astype(np.uint8), small)
    if not sitk.GetArrayViewFromImage(small_mask).any():
        raise InputError("The bias field cannot be estimated: the mask is too thin or too dark. Check the mask.")
    return small, small_mask


def _block_sums(array, factors):
    padded = np.pad(array, [(0, -size % factor) for size, factor in zip(array.shape, factors)])
    for axis, factor in enumerate(factors):
        starts = np.arange(0, padded.shape[axis], factor)
        padded = np.add.reduceat(padded, starts, axis=axis)
    return padded


def _thinned(small, small_mask):
    """Every second sample along the axes where that leaves enough, the finest axis first; and which: (z, y, x)."""
    left, sizes = int(sitk.GetArrayViewFromImage(small_mask).sum()), small.GetSize()
    strides = [1, 1, 1]
    for axis in np.argsort(small.GetSpacing(), kind="stable"):
        if left >= 2 * LEAST_SAMPLES and sizes[axis] >= 2 * _LEAST_SIZE:
            strides[axis], left = 2, left / 2
    # The grid keeps its middle.
    starts = [(size - 1) % stride // 2 for size, stride in zip(sizes, strides)]
    places = [np.arange(start, size, stride) for start, size, stride in zip(starts, sizes, strides)]
    kept = tuple(slice(start, None, stride) for start, stride in zip(starts, strides))
    return small[kept], small_mask[kept], places[::-1]


def _log_field(small, small_mask, task):
    """Logarithm of the field on the shrunk grid.

    The levels run as separate filters, each on the result of the one before: the same as one
    filter with three levels, as these only refine one running field, but cancellable in between.
    """
    tissue = sitk.GetArrayViewFromImage(small)[sitk.GetArrayViewFromImage(small_mask) > 0]
    if np.ptp(tissue) < _LEAST_RANGE * _BRIGHT:
        return np.zeros(small.GetSize()[::-1])
    total = None
    current = small
    for level, (iterations, threshold) in enumerate(zip(ITERATIONS, CONVERGENCE_THRESHOLDS)):
        task.check()
        n4 = sitk.N4BiasFieldCorrectionImageFilter()
        n4.SetMaximumNumberOfIterations([iterations])
        n4.SetConvergenceThreshold(threshold)
        n4.SetSplineOrder(_SPLINE_ORDER)
        n4.SetNumberOfControlPoints([2**level + _SPLINE_ORDER] * 3)
        current = n4.Execute(current, small_mask)
        log_field = sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(small)).astype(np.float64)
        total = log_field if total is None else total + log_field
    task.check()
    return total


def _evaluate(log_field, centres, shape):
    """The smooth log field at full resolution: cubic splines through the centres of its samples, (z, y, x)."""
    from scipy.interpolate import make_interp_spline  # a sixth of a second, which only this needs

    result = log_field.astype(np.float32)
    for axis, (own, size) in enumerate(zip(centres, shape)):
        if len(own) < size:
            spline = make_interp_spline(own, np.eye(len(own)), k=min(3, len(own) - 1))
            # One small matrix per axis: the interpolation is separable.
            matrix = spline(np.arange(size)).astype(np.float32)
            result = np.moveaxis(np.tensordot(matrix, result, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(result)
