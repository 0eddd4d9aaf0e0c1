"""The rigid transform between two scans of one head: Mattes mutual information, coarse to fine.

Mattes et al., "PET-CT image registration in the chest using free-form deformations", TMI 2003.
Heads may be turned by 30 degrees (and more) and lie anywhere: the search starts from the
centroids of the brain masks and from a lattice of rotations, scored on coarse images.
"""

from __future__ import annotations

import itertools

import numpy as np
import SimpleITK as sitk

from ...errors import Cancelled
from ...grids.orientation import bounding_box, image_like
from ...preprocessing.head_mask import shrink_to
from ...preprocessing.morphology import dilate
from ...task import Task

# Rotations (radians) about each axis from which the coarse search starts: 0 and +- 25 degrees. The
# mutual information of brains at 4 mm is smooth over more than half of that.
_START_ANGLE = np.deg2rad(25.0)
_KEPT_STARTS = 3
_BINS = 40
_COARSE_MM, _MIDDLE_MM, _FINE_MM = 4.0, 2.0, 1.0
# The outline of the brain steers the coarse search; the fine one sees the brain alone.
_COARSE_RIM_MM, _FINE_RIM_MM = 12.0, 3.0
_START_SAMPLES, _COARSE_SAMPLES, _MIDDLE_SAMPLES, _FINE_SAMPLES = 8000, 20000, 30000, 60000
# The optimiser works in units of this length, about the radius of gyration of a brain: then a radian
# and a unit of translation move it equally far, and steps need no scales.
_UNIT_MM = 60.0
# Bright vessels and residual scalp would take most of the histogram's bins.
_BRIGHT_PERCENTILE = 99.5


def register_rigid(
    fixed: sitk.Image,
    fixed_mask: sitk.Image,
    moving: sitk.Image,
    moving_mask: sitk.Image,
    seed: int = 0,
    task: Task | None = None,
) -> sitk.Euler3DTransform:
    """The rigid transform that takes physical points of ``fixed`` to those of ``moving``.

    Deterministic for one seed and number of threads.

    Args:
        fixed: float32, 3-D.
        moving: likewise.
        fixed_mask: UInt8, the brain, each on its image's grid.
        moving_mask: likewise.
        seed: of the metric's random samples.
        task: told of the steps; asked at every iteration whether to stop.

    Returns:
        SimpleITK.Euler3DTransform about the centroid of ``fixed_mask``.

    Raises:
        Cancelled: the task was cancelled.
        RuntimeError: from ITK, when the brains come apart during the search.
    """
    task = task or Task()
    fixed, fixed_mask = _around_brain(fixed, fixed_mask)
    moving, moving_mask = _around_brain(moving, moving_mask)
    centre, moving_centre = centroid(fixed_mask), centroid(moving_mask)

    task.tell(0.0, "Looking for the rough position")
    coarse = [
        _level(image, mask, _COARSE_MM, _COARSE_RIM_MM, masked=True)
        for image, mask in ((fixed, fixed_mask), (moving, moving_mask))
    ]
    fixed_level, moving_level = coarse
    starts = _scored_starts(
        fixed_level, moving_level, centre / _UNIT_MM, (moving_centre - centre) / _UNIT_MM, seed, task
    )
    found = []
    for number, start in enumerate(starts[:_KEPT_STARTS]):
        task.tell(0.1 + 0.2 * number / _KEPT_STARTS, "Looking for the rough position")
        found.append(_optimised(fixed_level, moving_level, start, _COARSE_SAMPLES, 4.0, 60, seed, task))
    transform = min(found, key=lambda one: one[1])[0]
    for share, message, spacing, rim, samples, step, iterations in (
        (0.3, "Registering", _MIDDLE_MM, _COARSE_RIM_MM / 2, _MIDDLE_SAMPLES, 1.0, 50),
        (0.5, "Registering finely", _FINE_MM, _FINE_RIM_MM, _FINE_SAMPLES, 0.3, 40),
    ):
        task.tell(share, message)
        fixed_level, moving_level = (
            _level(image, mask, spacing, rim, masked=spacing == _MIDDLE_MM)
            for image, mask in ((fixed, fixed_mask), (moving, moving_mask))
        )
        transform = _optimised(fixed_level, moving_level, transform, samples, step, iterations, seed, task)[0]
    task.tell(1.0, "Registered")
    shift = [_UNIT_MM * step for step in transform.GetTranslation()]
    rotation = (transform.GetAngleX(), transform.GetAngleY(), transform.GetAngleZ())
    return sitk.Euler3DTransform(centre.tolist(), *rotation, shift)


def centroid(mask: sitk.Image) -> np.ndarray:
    """Centre of mass of a mask, physical point in mm (numpy, 3)."""
    indices = [values.mean() for values in np.nonzero(sitk.GetArrayViewFromImage(mask))]
    return np.array(mask.TransformContinuousIndexToPhysicalPoint([float(i) for i in indices[::-1]]))


def _around_brain(image, mask):
    """Image and mask cut to the brain's box with room for the rim."""
    array = sitk.GetArrayViewFromImage(mask) > 0
    margin = [int(np.ceil(_COARSE_RIM_MM / step)) for step in mask.GetSpacing()[::-1]]
    box = bounding_box(array, margin)[::-1]
    return image[box], mask[box]


def _level(image, mask, spacing_mm, rim_mm, masked):
    """Image and metric mask near ``spacing_mm``, in units of 60 mm; with ``masked``, zero outside the brain."""
    bright = np.percentile(sitk.GetArrayViewFromImage(image)[sitk.GetArrayViewFromImage(mask) > 0], _BRIGHT_PERCENTILE)
    image = sitk.Clamp(sitk.Cast(image, sitk.sitkFloat32), sitk.sitkFloat32, 0.0, float(bright))
    if masked:
        image = sitk.Mask(image, mask)
    small = shrink_to(image, spacing_mm)
    share = sitk.GetArrayFromImage(shrink_to(sitk.Cast(mask, sitk.sitkFloat32), spacing_mm))
    rim = dilate(share >= 0.5, rim_mm, small.GetSpacing()[::-1])
    rim = image_like(rim.astype(np.uint8), small)
    for one in (small, rim):
        one.SetSpacing([step / _UNIT_MM for step in one.GetSpacing()])
        one.SetOrigin([step / _UNIT_MM for step in one.GetOrigin()])
    return small, rim


def _method(fixed, samples, seed):
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(_BINS)
    method.SetMetricFixedMask(fixed[1])
    method.SetInterpolator(sitk.sitkLinear)
    # Random positions, not voxel centres: on aligned grids those favour whole-voxel shifts.
    inside = np.count_nonzero(sitk.GetArrayViewFromImage(fixed[1]))
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(min(1.0, samples / max(1, inside)), seed + 1)
    return method


def _scored_starts(fixed, moving, centre, shift, seed, task):
    """Rigid transforms of the lattice, the best mutual information first."""
    method = _method(fixed, _START_SAMPLES, seed)
    # Scores need no gradients.
    method.SetMetricUseFixedImageGradientFilter(False)
    method.SetMetricUseMovingImageGradientFilter(False)
    scored = []
    angles = (0.0, -_START_ANGLE, _START_ANGLE)
    for number, rotation in enumerate(itertools.product(angles, repeat=3)):
        task.check()
        start = sitk.Euler3DTransform(centre.tolist(), *rotation, shift.tolist())
        method.SetInitialTransform(start)
        scored.append((method.MetricEvaluate(fixed[0], moving[0]), number, start))
    return [start for _, _, start in sorted(scored, key=lambda one: one[:2])]


def _optimised(fixed, moving, start, samples, step_mm, iterations, seed, task):
    """(transform, metric) after gradient descent with shrinking steps."""
    method = _method(fixed, samples, seed)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=step_mm / _UNIT_MM,
        minStep=step_mm / _UNIT_MM / 200,
        numberOfIterations=iterations,
        relaxationFactor=0.6,
        gradientMagnitudeTolerance=1e-8,
    )
    transform = sitk.Euler3DTransform(start)
    method.SetInitialTransform(transform, inPlace=True)
    stopped = []

    def ask():
        if task.is_cancelled() and not stopped:
            stopped.append(True)
            method.StopRegistration()

    method.AddCommand(sitk.sitkIterationEvent, ask)
    method.Execute(fixed[0], moving[0])
    if stopped:
        raise Cancelled()
    return transform, method.GetMetricValue()
