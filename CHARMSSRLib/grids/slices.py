"""Which axis is sliced, which slices and which part of them hold brain.

Arrays are (z, y, x) of a volume in LPS order, so array axis 0 runs superior (axial
slices), 1 posterior (coronal), 2 left (sagittal).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    import SimpleITK as sitk

PLANE_NAMES = ("axial", "coronal", "sagittal")  # by the array axis (z, y, x) across the slices
AXES = {name: axis for axis, name in enumerate(PLANE_NAMES)}
ANISOTROPY = 1.05  # a spacing that exceeds both others by more than 5 % marks the slice axis
ISOTROPIC = 1.3  # largest ratio of spacings at which three planes are treated alike
LARGEST_THROUGH_FACTOR = 8
BEYOND = 2  # slices past the foreground's ends that cubic interpolation across the slices reads


def plane_axis(plane: str) -> int:
    """Array axis across which the named plane's slices are stacked."""
    return AXES[plane]


def slice_axis(image: sitk.Image) -> int:
    """Array axis of the acquired slices of an LPS image: the coarse one, else the superior one."""
    return coarse_axis(image.GetSpacing()[::-1]) or 0


def coarse_axis(spacing: Sequence[float]) -> int | None:
    """Number of the spacing that exceeds both others by more than 5 %: of the slices' axis; None where none does."""
    coarsest = int(np.argmax(spacing))
    others = [step for axis, step in enumerate(spacing) if axis != coarsest]
    return coarsest if spacing[coarsest] > ANISOTROPY * max(others) else None


def is_isotropic(spacing: Sequence[float]) -> bool:
    """Whether all three planes have about the same pixels: spacings (mm) within a ratio of 1.3."""
    return max(spacing) <= ISOTROPIC * min(spacing)


def enlargement(spacing: Sequence[float], scale: int, planes: str) -> tuple[int, int, int]:
    """Factors of a stack's axes, the slice axis first.

    With three planes, isotropic input gets ``scale`` everywhere. In anisotropic input the slice
    axis gets the power of 2 (at most 8) that brings it nearest to the new in-plane grid without
    making it finer.

    Args:
        spacing: mm along the stack's axes.
        scale: enlargement, 2 or 4.
        planes: one of the settings' PLANES.
    """
    if planes != "three":
        return 1, scale, scale
    if is_isotropic(spacing):
        return scale, scale, scale
    ratio = spacing[0] * scale / max(spacing[1:])
    power = math.floor(math.log2(ratio * (1 + 1e-6))) if ratio > 1 else 0
    return min(2**power, LARGEST_THROUGH_FACTOR), scale, scale


@dataclass(frozen=True)
class SlicePlan:
    """What of a volume goes through the network.

    Attributes:
        axis: array axis of the slices.
        indices: the slices that hold foreground.
        rows, columns: the in-plane box, the same for each of them, as slice objects.
        count: number of slices of the volume.
    """

    axis: int
    indices: tuple
    rows: slice
    columns: slice
    count: int

    @property
    def pixels(self) -> int:
        """Of the box."""
        return (self.rows.stop - self.rows.start) * (self.columns.stop - self.columns.start)

    def cut(self, volume: np.ndarray) -> np.ndarray:
        """The stack (n, h, w) of an array (z, y, x) that is to be enhanced, as a view where possible."""
        stack = np.moveaxis(volume, self.axis, 0)
        return stack[self.indices[0] : self.indices[-1] + 1, self.rows, self.columns]


def plan_slices(foreground: np.ndarray, axis: int, margin: int) -> SlicePlan:
    """Which slices, rows and columns are enhanced.

    Args:
        foreground: boolean (z, y, x).
        axis: of it, across the slices.
        margin: pixels that are kept around its box.

    Raises:
        ValueError: when the foreground is empty.
    """
    stack = np.moveaxis(foreground, axis, 0)
    occupied = np.flatnonzero(stack.any(axis=(1, 2)))
    if not len(occupied):
        raise ValueError("the foreground is empty")
    return SlicePlan(
        axis=axis,
        indices=tuple(int(i) for i in occupied),
        rows=_box(stack.any(axis=(0, 2)), margin),
        columns=_box(stack.any(axis=(0, 1)), margin),
        count=len(stack),
    )


def plan_runs(foreground: np.ndarray, margin: int, longest: int) -> list[SlicePlan]:
    """Plans for runs of neighbouring slices, each with a box of its own: slices at the brain's ends need a small one.

    Args:
        foreground: boolean (n, h, w).
        margin: LR pixels around the box of each.
        longest: slices of a run at most.

    Returns:
        List of SlicePlan whose ``indices`` and ``count`` are those of the whole volume.

    Raises:
        ValueError: when the foreground is empty.
    """
    whole = plan_slices(foreground, 0, margin)
    runs = []
    for start in range(0, len(whole.indices), longest):
        indices = whole.indices[start : start + longest]
        one = plan_slices(foreground[indices[0] : indices[-1] + 1], 0, margin)
        runs.append(SlicePlan(0, indices, one.rows, one.columns, whole.count))
    return runs


def slices_around(foreground: np.ndarray, axis: int) -> list[int]:
    """Numbers of the slices across ``axis`` of a (z, y, x) foreground that hold some, and ``BEYOND`` more at each end.

    Where what is added to the slices is interpolated or filtered across them, its end lies off the foreground.
    """
    occupied = foreground.any(axis=tuple({0, 1, 2} - {axis}))
    return np.flatnonzero(ndimage.binary_dilation(occupied, iterations=BEYOND)).tolist()


def box_of(foreground: np.ndarray, margin: int) -> tuple[slice, slice, slice]:
    """Three slice objects around the non-empty part of a boolean volume (z, y, x), wider by ``margin`` voxels."""
    return tuple(_box(foreground.any(axis=tuple({0, 1, 2} - {axis})), margin) for axis in range(3))


def _box(occupied, margin):
    hits = np.flatnonzero(occupied)
    return slice(max(0, int(hits[0]) - margin), min(len(occupied), int(hits[-1]) + 1 + margin))
