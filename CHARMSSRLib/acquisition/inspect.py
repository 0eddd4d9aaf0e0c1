"""The whole examination of a scan, in a second or two."""

from __future__ import annotations

import time

import numpy as np
import SimpleITK as sitk

from ..errors import CHARMSSRError
from ..grids.orientation import LPSFrame
from ..preprocessing.head_mask import head_mask, shrink_to
from .claims import compare, slice_thickness, slices
from .contrast import likely_contrast
from .findings import (
    CUBIC,
    LINEAR,
    NEAREST,
    NONE,
    NOT_TOLD,
    UNKNOWN,
    ZERO_FILLED,
    ZERO_FILLED_WITH_FILTER,
    Acquisition,
    Axis,
    Finding,
)
from .kspace_shape import elliptical, partial_fourier
from .noise import air_values, bit_depth, noise_kind, noise_level, ringing
from .physicist import warnings_about
from .resampling import find_resampling
from .slice_overlap import overlap
from .spectrum import axis_spectrum, tissue_mask
from .tags import number
from .zero_filling import find_end

DIRECTIONS = ("foot-head", "back-front", "left-right")  # of array axes z, y, x in LPS order
_SURE = 0.85  # confidence from which on a period counts more than an end with a filter
_FEW_VALUES = 12  # different values: a mask
_WORKING_MM = 2.0
_VALUES = (1e-6, 1e9)  # the largest of an image
_SIZES_MM = (0.02, 50.0)  # of a voxel


def inspect_image(image: sitk.Image, tags: dict | None = None) -> Acquisition:
    """What a scan really measured.

    Args:
        image: scalar 3-D, any orientation; not changed.
        tags: of :func:`~.tags.tags_of`; what the files claim.

    Returns:
        Acquisition; whatever cannot be told is "unknown". Nothing is raised for odd voxels.
    """
    started = time.perf_counter()
    tags = dict(tags or {})
    frame = LPSFrame(image)
    upright = _of_usual_size(frame.enter(sitk.Cast(image, sitk.sitkFloat32)))
    values = sitk.GetArrayFromImage(upright)
    spacing = upright.GetSpacing()[::-1]
    reason = _unfit(values, spacing)
    bits, quantum = (NOT_TOLD, 0.0) if reason else bit_depth(values)
    if reason:
        axes = [Axis(DIRECTIONS[i], spacing[i], evidence=reason) for i in range(3)]
        found = Acquisition(tuple(axes), bits=bits, warnings=[f"Nothing can be told: {reason}."], tags=tags)
    else:
        found = _examined(upright, values, spacing, tags, bits, quantum)
    _join_tags(found, frame, image)
    found.seconds = round(time.perf_counter() - started, 3)
    return found


def inspect_grid(image: sitk.Image, tags: dict | None = None) -> Acquisition:
    """The axes and the slices of :func:`inspect_image` alone, the rest "unknown": half the time."""
    frame = LPSFrame(image)
    upright = _of_usual_size(frame.enter(sitk.Cast(image, sitk.sitkFloat32)))
    values = sitk.GetArrayFromImage(upright)
    spacing = upright.GetSpacing()[::-1]
    found = Acquisition((), tags=dict(tags or {}))
    reason = _unfit(values, spacing)
    if reason:
        found.axes = tuple(Axis(DIRECTIONS[i], spacing[i], evidence=reason) for i in range(3))
    else:
        axes, spectra, _ = _axes(values, spacing, bit_depth(values)[1])
        found.axes = tuple(axes)
        found.slices, found.slice_thickness_mm = overlap(axes, spectra)
    _join_tags(found, frame, image)
    return found


def _of_usual_size(image):
    """An image whose values are so large or small that their squares are no numbers, brought to thousands."""
    largest = float(np.abs(sitk.GetArrayViewFromImage(image)).max())
    usual = _VALUES[0] <= largest <= _VALUES[1] or largest == 0 or not np.isfinite(largest)
    return image if usual else image * (1000 / largest)


def _join_tags(found, frame, image):
    """Bring the axes from the LPS array's order (z, y, x) to the image's own (i, j, k), and hear the tags."""
    found.axes = frame.image_axes(tuple(found.axes)[::-1])
    size, spacing = image.GetSize(), image.GetSpacing()
    told = slices(found.tags, spacing)
    stated = number(found.tags, "SliceThickness") is not None
    if told.value != UNKNOWN or found.slices.value == UNKNOWN and stated:
        found.slices = told
    if stated:
        found.slice_thickness_mm = slice_thickness(found.tags, spacing)
    compare(found, size, spacing)


def _axes(values, spacing, quantum):
    tissue = tissue_mask(values)
    spectra = [axis_spectrum(values, tissue, axis) for axis in range(3)]
    axes = [_axis(values, tissue, spectra[i], i, spacing[i], quantum) for i in range(3)]
    return axes, spectra, tissue


def _unfit(values, spacing):
    if not all(_SIZES_MM[0] <= step <= _SIZES_MM[1] for step in spacing):
        return "voxels of the stated size are no brain scan's"
    if not np.isfinite(values).all():
        return "some voxels are no numbers"
    if min(values.shape) < 8:
        return "the image has too few slices"
    if len(np.unique(values[::3, ::3, ::3])) < _FEW_VALUES:
        return "the image holds hardly any different values, as a mask does"
    return ""


def _examined(upright, values, spacing, tags, bits, quantum):
    axes, spectra, tissue = _axes(values, spacing, quantum)
    brightness = float(np.median(values[::2, ::2, ::2][tissue[::2, ::2, ::2]])) if tissue.any() else 0.0
    air = air_values(values, tissue)
    noise = noise_level(spectra, [axis.share or 1.0 for axis in axes], air, brightness)
    small = shrink_to(upright, _WORKING_MM)
    steps = small.GetSpacing()[::-1]
    array = sitk.GetArrayFromImage(small)
    try:
        head = sitk.GetArrayFromImage(head_mask(small)) > 0
    except CHARMSSRError:
        head = None
    told, thickness = overlap(axes, spectra)
    contrast = Finding(UNKNOWN) if head is None or not head.any() else likely_contrast(array, head, steps)
    return Acquisition(
        tuple(axes), noise=noise, noise_kind=noise_kind(air), ringing=ringing(axes, spectra, noise, brightness),
        partial_fourier=partial_fourier(axes, spectra), elliptical=elliptical(values, tissue, axes),
        contrast=contrast, bits=bits, slices=told, slice_thickness_mm=thickness,
        warnings=warnings_about(array, head, steps, contrast, tags), tags=tags,
    )  # fmt: skip


def _axis(values, tissue, spectrum, axis, spacing, quantum):
    found, period = find_end(spectrum, quantum), find_resampling(values, tissue, axis)
    # A kernel that explains the lines as no other does is no chance. Without one, an end without a filter is seen in
    # zero-filled scans only, and a faint period beside any end is chance.
    least = {ZERO_FILLED: 1.0, ZERO_FILLED_WITH_FILTER: _SURE}.get(found.interpolation, 0.0)
    if period.interpolation in (NEAREST, LINEAR, CUBIC) or period.interpolation != NONE and period.confidence > least:
        found = period
    return Axis(DIRECTIONS[axis], spacing, found.share, found.interpolation, round(found.confidence, 2), found.evidence)
