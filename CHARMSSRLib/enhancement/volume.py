"""A scan on the network's intensity scale, its enlarged grid, and what is measured on the result."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..grids.cubic import resized
from ..grids.slices import PLANE_NAMES, box_of, enlargement, is_isotropic, plane_axis, slice_axis
from ..grids.stacks import enlarged_mask, interpolated, interpolated_across
from ..measures.banding import banding
from ..measures.gradients import through_plane_gradient_ratio
from ..measures.noise import noise_before_and_after
from ..preprocessing.intensity import fit_intensity_scale
from .data_consistency import Operator, project, residual
from .detail_map import added_detail, removed_detail
from .result_levels import to_scan_levels

if TYPE_CHECKING:
    from ..preprocessing.pipeline import Preprocessed
    from ..settings import EnhancementSettings
    from ..task import Task

NOISE_SLICES = 16  # on which the noise is looked at
CUBIC_REACH = 2  # voxels around one that cubic interpolation reads


class Volume:
    """One volume in the LPS frame as a stack: axis 0 runs across the slices.

    Attributes:
        axis: LPS array axis (z, y, x) that is the stack's axis 0.
        factors: enlargement of the stack's axes.
        acquired: (n, h, w) float32, bias-corrected, normalised, not masked: what D must make of the result.
        brain: boolean (n, h, w).
        foreground: boolean (n, h, w), what is enhanced: the brain, or the head with its skull kept.
        masked: whether the result is cut out along the foreground. The network's input never is: an edge of
            the mask is none that a scan has, and what the network makes of it would lie in the cortex.
        box: foreground and the card's margin, three slice objects.
        large_mask: UInt8 foreground on the enlarged grid.
        spacing: mm along the stack's axes.
        thickness: of the slices by their distance; None where slices are enhanced one by one, or voxels are isotropic.
        lowest: smallest value of the scan, in the units of the prepared image.
        raised: how many voxels of the result were raised to it (after ``to_input_units``).
    """

    raised = 0

    def __init__(self, prepared: Preprocessed, lps: sitk.Image, settings: EnhancementSettings, card: dict) -> None:
        self.settings, self.scale = settings, card["scale"]
        self.offset, self.background = prepared.offset, prepared.background
        self._backend = prepared.strip.backend if prepared.strip is not None else "none"
        self._voxel_ml = float(np.prod(lps.GetSpacing())) / 1000
        self._field = prepared.field if settings.restore_bias else None
        values = sitk.GetArrayFromImage(prepared.image)
        brain = sitk.GetArrayFromImage(prepared.mask) > 0
        if not brain.any():
            raise InputError("No brain was found in the image; give a mask (--mask), or check that it is a head.")
        foreground = sitk.GetArrayFromImage(prepared.head) > 0 if settings.keep_skull else brain
        self.axis = chosen_axis(lps, settings.planes)
        self.spacing = stacked_axes(lps.GetSpacing()[::-1], self.axis)
        self.factors = enlargement(self.spacing, self.scale, settings.planes)
        self.lowest = float(sitk.GetArrayViewFromImage(lps).min()) - prepared.offset
        self.intensity = fit_intensity_scale(values, brain, card["intensity"])
        self.thickness = self._thickness()
        self.operator = Operator(card["data_consistency_operator"], self.scale, self.factors[0], self.thickness)
        self.acquired = np.moveaxis(self.intensity.apply(values), self.axis, 0)
        self.brain = np.moveaxis(brain, self.axis, 0)
        self.foreground = np.moveaxis(foreground, self.axis, 0)
        self.masked = not settings.keep_skull
        self.margin = card["margin"]
        self.box = box_of(self.foreground, self.margin)

    def _thickness(self):
        """Thickness of the slices by their distance; None where it does not matter."""
        if self.settings.planes != "three" or is_isotropic(self.spacing):
            return None
        return self.settings.slice_thickness / self.spacing[0] or 1.0

    @functools.cached_property
    def large_mask(self) -> np.ndarray:
        """Made when it is first asked for: while the network runs nobody needs it."""
        return enlarged_mask(self.foreground, self.factors)

    def lps_axes(self, stacked: Sequence) -> tuple:
        """Three values per axis of the stack in the order of the LPS array axes (z, y, x)."""
        others = list(stacked[1:])
        return tuple(stacked[0] if i == self.axis else others.pop(0) for i in range(3))

    def network_input(self) -> np.ndarray:
        """(n, h, w): what the network reads: the scan as it is, brain and head and air.

        What is darker than the scale's 0, which a scale by the brain's extrema leaves outside the brain only,
        is 0 as it was in training.
        """
        return self.acquired if self.intensity.lower <= 0 else np.maximum(self.acquired, np.float32(0))

    def consistency(self, output: np.ndarray, task: Task) -> dict:
        """Measure (and with "project" enforce, in place) that the degraded output is the input.

        Args:
            output: (n', s*h, s*w) float32, normalised, not masked.
            task: asked between slabs whether to stop.

        Returns:
            dict of mode, operator, and the distance before and after (None where nothing is measured).
        """
        mode = self.settings.data_consistency
        report: dict[str, Any] = {"mode": mode, "operator": self.operator.name, "before": None, "after": None}
        if mode == "none":
            return report
        report["before"] = report["after"] = residual(output, self.acquired, self.brain, self.operator)
        if mode == "project":
            project(output, self.acquired, self.brain, self.operator, task)
            report["after"] = residual(output, self.acquired, self.brain, self.operator)
        return report

    def banding(self, output: np.ndarray) -> dict:
        """The banding figure, inside the brain, of the input and of the output, both on the input's grid.

        The output (n', s*h, s*w) is not to be masked yet: on the way to the input's grid the mask's edge would bleed
        inwards.

        Where the slice axis is enlarged too, "output_grid" holds the figures of the output and of
        cubic interpolation on the enlarged grid, across the slices of each plane.
        """
        down = self.operator.down_stack(output)
        report = {"input": banding(self.acquired, self.brain), "output": banding(down, self.brain)}
        if self.factors[0] > 1:
            report["output_grid"] = self._banding_on_the_output_grid(output)
        return report

    def _banding_on_the_output_grid(self, output):
        box = box_of(self.brain, CUBIC_REACH)
        large = tuple(slice(part.start * f, part.stop * f) for part, f in zip(box, self.factors))
        brain = enlarged_mask(self.brain[box], self.factors) > 0
        cubic, inside = interpolated(self.acquired[box], self.factors), output[large]
        report = {}
        for stacked, lps in enumerate(stacked_axes((0, 1, 2), self.axis)):
            figures = [banding(np.moveaxis(one, stacked, 0), np.moveaxis(brain, stacked, 0)) for one in (inside, cubic)]
            report[PLANE_NAMES[lps]] = dict(zip(("output", "interpolation"), figures))
        return report

    def gradient_ratio(self, output: np.ndarray) -> dict:
        """``through_plane_gradient_ratio`` of input (n, h, w) and output (n', s*h, s*w), each on its own grid."""
        box = box_of(self.brain, 0)
        large = tuple(slice(part.start * f, part.stop * f) for part, f in zip(box, self.factors))
        fine = [step / factor for step, factor in zip(self.spacing, self.factors)]
        brain = self.brain[box]
        return {
            "input": through_plane_gradient_ratio(self.acquired[box], brain, self.spacing),
            "output": through_plane_gradient_ratio(output[large], enlarged_mask(brain, self.factors) > 0, fine),
        }

    def detail_map(self, output: np.ndarray) -> np.ndarray:
        """The detail beyond the input's band, in input units, of an output (n', s*h, s*w) that is not masked yet."""
        return self.to_input_units_map(added_detail(output, self.factors))

    def removed_map(self, output: np.ndarray) -> np.ndarray:
        """What of the scan is not in the output (n', s*h, s*w) any more, in input units; not masked yet."""
        return self.to_input_units_map(removed_detail(output, self.acquired, self.factors))

    def noise(self, output: np.ndarray, share: int) -> dict:
        """The noise in even tissue before (cubic interpolation) and after, in input units, on a few slices.

        Args:
            output: (n', s*h, s*w), not masked yet.
            share: percent of the noise that was to be taken away.
        """
        report: dict[str, Any] = {"denoise": share, "before": None, "after": None, "ratio": None}
        chosen = np.flatnonzero(self.brain.any(axis=(1, 2)))
        chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, NOISE_SLICES).astype(int))]
        t, (rows, columns) = self.factors[0], box_of(self.brain, 0)[1:]
        large = tuple(slice(part.start * f, part.stop * f) for part, f in zip((rows, columns), self.factors[1:]))
        cubic = interpolated(self.acquired[chosen][:, rows, columns], (1, *self.factors[1:]))
        inside = enlarged_mask(self.brain[chosen][:, rows, columns], (1, *self.factors[1:]))
        figures = noise_before_and_after(cubic, output[t * chosen + t // 2][:, large[0], large[1]], inside)
        if figures is not None and figures[0] > 0:
            unit = self.intensity.upper - self.intensity.lower
            report.update(before=figures[0] * unit, after=figures[1] * unit, ratio=figures[1] / figures[0])
        return report

    def to_input_units(self, output: np.ndarray) -> None:
        """Undo the intensity scaling in place (and the bias correction when that was asked for), and mask.

        Slice by slice: nothing of the result's size is needed beside it, and slices that stay empty take no memory.

        Args:
            output: (n', s*h, s*w) float32, normalised; in the scan's units afterwards.
        """
        unit, lower = np.float32(self.intensity.upper - self.intensity.lower), np.float32(self.intensity.lower)
        field = self._field_across()
        for i, one in enumerate(output):
            if self.masked and not self.large_mask[i].any():
                if one.any():
                    one[...] = 0
                continue
            one *= unit
            one += lower
            if field is not None:
                one *= resized(field[i], *one.shape)
            if self.masked:
                one *= self.large_mask[i]
        mask = self.large_mask if self.masked else None
        self.raised = to_scan_levels(output, mask, self.lowest, self.offset, self.background)

    def _field_across(self):
        """The bias field at the output's slices, on the input's grid in plane; None where it is not wanted."""
        if self._field is None:
            return None
        field = np.moveaxis(sitk.GetArrayViewFromImage(self._field), self.axis, 0)
        return field if self.factors[0] == 1 else interpolated_across(field, self.factors[0])

    def to_input_units_map(self, stack: np.ndarray) -> np.ndarray:
        """A map of differences (n', s*h, s*w), normalised, in input units, masked, in place."""
        stack *= np.float32(self.intensity.upper - self.intensity.lower)
        stack *= self.large_mask
        return stack

    def strip_report(self, has_user_mask: bool) -> dict:
        """The report's part about the brain mask."""
        backend = "user mask" if has_user_mask else self._backend
        volume_ml = round(float(self.brain.sum()) * self._voxel_ml, 1)
        return {"backend": backend, "volume_ml": volume_ml, "skull_kept": self.settings.keep_skull}


def chosen_axis(lps: sitk.Image, planes: str) -> int:
    """LPS array axis of the slices: that of the named plane, or the acquired one."""
    return slice_axis(lps) if planes in ("acquisition", "three") else plane_axis(planes)


def stacked_axes(zyx: Sequence, axis: int) -> tuple:
    """Three values per LPS array axis (z, y, x) in the order of the axes of a stack along ``axis``."""
    return (zyx[axis], *(one for i, one in enumerate(zyx) if i != axis))
