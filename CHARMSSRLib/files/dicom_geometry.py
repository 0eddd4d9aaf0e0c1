"""How the images of one series lie in space: one parallel, gapless stack, or a clear reason why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .dicom_frame import Frame
from .dicom_mixtures import refuse_mixtures
from .header_checks import ORTHONORMAL_TOLERANCE, check_axes_of, nearest_rotation

_SPACING_TOLERANCE = 0.02
_SAME_PLACE = 1e-3
# Coordinates with at least so many decimals are exact for this purpose.
_MOST_DECIMALS = 4


@dataclass
class Stack:
    """Images in the order of their places.

    Attributes:
        frames: sorted along the normal.
        spacing: mm along x, y, z.
        origin: LPS, mm, of the first voxel's centre.
        direction: 3x3 direction cosines, the slice axis along the normal.
        warnings: sentences.
    """

    frames: list[Frame]
    spacing: tuple[float, float, float]
    origin: np.ndarray
    direction: np.ndarray
    warnings: list[str]


def stack_of(name: str, frames: Sequence[Frame]) -> Stack:
    """Sort the images of a series and make sure that they are one volume.

    Args:
        name: how messages name the series ("The series in FOLDER").
        frames: at least one.

    Raises:
        InputError: no positions, differing sizes or orientations, images of several kinds, several
            images at one place, gaps, or a tilt of the stack.
    """
    if any(frame.position is None or frame.orientation is None for frame in frames):
        raise InputError(f"{name} does not say where its slices lie; export it again with positions and orientations.")
    orientation = np.asarray(frames[0].orientation)
    sizes = Counter(frame.size for frame in frames)
    if len(sizes) > 1 or any(
        np.abs(np.asarray(frame.orientation) - orientation).max() > ORTHONORMAL_TOLERANCE for frame in frames
    ):
        raise InputError(
            f"{name} mixes slices of different sizes or orientations (a localizer?); give one parallel stack."
        )
    spacings = {frame.spacing for frame in frames if frame.spacing is not None}
    if any(frame.spacing is None for frame in frames):
        raise InputError(f"{name} does not say how large its pixels are; export it again with its pixel spacing.")
    if max(np.ptp([spacing[axis] for spacing in spacings]) for axis in (0, 1)) > 1e-3:
        raise InputError(f"{name} mixes slices of different pixel sizes; give one parallel stack.")
    rotation = _rotation(name, orientation)
    ordered, places = _sorted(frames, rotation[:, 2])
    repeated = bool((np.diff(places) < _SAME_PLACE).any())
    warnings = refuse_mixtures(name, ordered, repeated)
    if repeated:
        raise InputError(
            f"{name} has several images at the same place (a time series, several echoes or copies); "
            "put the ones of a single volume in a folder of their own."
        )
    if len(ordered) == 1:
        step = ordered[0].slice_spacing or 1.0
    else:
        _refuse_tilt(name, ordered, rotation[:, 2])
        step = _even_step(name, places, _rounding(ordered))
    return Stack(list(ordered), (*ordered[0].spacing, step), ordered[0].position, rotation, warnings)


def _rotation(name, orientation):
    """Direction cosines of rows, columns and normal as columns, at right angles."""
    row, column = orientation[:3], orientation[3:]
    normal = np.cross(row, column)
    length = np.linalg.norm(normal)
    if length < 0.5:
        raise InputError(f"{name} gives no valid orientation of its slices; export it again.")
    axes = np.column_stack([row, column, normal / length])
    check_axes_of(name, axes)
    return nearest_rotation(axes)


def _sorted(frames, normal):
    places = np.array([normal @ frame.position for frame in frames])
    order = np.argsort(places, kind="stable")
    return [frames[index] for index in order], places[order]


def _refuse_tilt(name, ordered, normal):
    across = ordered[-1].position - ordered[0].position
    length = float(normal @ across)
    allowed = ORTHONORMAL_TOLERANCE * length + 2 * _rounding(ordered)
    if np.linalg.norm(across - normal * length) > allowed:
        raise InputError(
            f"{name} was taken with a tilted gantry: each slice is shifted against the next. "
            "Resample it to a regular grid first (Slicer's DICOM import can regularize it)."
        )


def _even_step(name, places, rounding):
    """The distance of the slices, mm, if it is the same everywhere but for the rounding of the positions."""
    steps = np.diff(places)
    spacing = float(places[-1] - places[0]) / len(steps)
    if np.abs(steps - np.median(steps)).max() <= _SPACING_TOLERANCE * np.median(steps):
        return spacing
    # Rounded positions: no slice may be further from an even grid than rounding puts it.
    index = np.arange(len(places))
    slope, start = np.polyfit(index, places, 1)
    if rounding > 0 and np.abs(start + slope * index - places).max() <= 1.2 * rounding:
        return float(slope)
    raise InputError(
        f"{name} has slices missing or unevenly spaced (distances of {steps.min():.3g} to "
        f"{steps.max():.3g} mm); complete it or resample it first."
    )


def _rounding(frames):
    """How far (mm) a slice may be from its true place along the normal, told by the digits of the positions."""
    values = np.array([frame.position for frame in frames])
    for decimals in range(_MOST_DECIMALS):
        if np.abs(values - np.round(values, decimals)).max() < 1e-6:
            return 0.5 * 10.0**-decimals * np.sqrt(3)
    return 0.0
