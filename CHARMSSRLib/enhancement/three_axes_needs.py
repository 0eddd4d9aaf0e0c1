"""What a job along all three axes needs: refused before any work where it is not there, and reported."""

from __future__ import annotations

from typing import Any

import SimpleITK as sitk

from ..errors import SettingsError
from ..grids.slices import enlargement, is_isotropic
from ..machine import memory
from ..settings import EnhancementSettings
from .fusion import FUSION
from .three_planes import ThreePlanes
from .volume import Volume, chosen_axis, stacked_axes

THINNEST, THICKEST = 0.2, 5.0  # slices by their distance


def refuse_what_does_not_fit(lps: sitk.Image, settings: EnhancementSettings, scale: int) -> None:
    """Size a job along three axes before any work; the brain's box is not known yet, so the frame stands for it.

    Args:
        lps: the scan in the LPS frame.
        settings: of the enhancement; slice by slice nothing is refused.
        scale: of the checkpoint.

    Raises:
        SettingsError: slices of a thickness that the scan cannot have, or not enough memory.
    """
    if settings.planes != "three":
        return
    axis = chosen_axis(lps, settings.planes)
    size, spacing = (stacked_axes(one[::-1], axis) for one in (lps.GetSize(), lps.GetSpacing()))
    factors = enlargement(spacing, scale, "three")
    _refuse_thickness(settings.slice_thickness, spacing)
    memory.require_memory(memory.estimate_bytes(size, size, factors, *_extras(settings)))


def three_axes_report(volume: Volume, way: Any, settings: EnhancementSettings) -> dict:
    """What a report says beyond that of a slice-wise run; empty for one of those.

    Args:
        volume: the scan.
        way: the object that enhanced it.
        settings: of the enhancement.
    """
    if settings.planes != "three":
        return {}
    box = [part.stop - part.start for part in volume.box]
    report: dict = {
        "memory_estimate_bytes": memory.estimate_bytes(volume.acquired.shape, box, volume.factors, *_extras(settings)),
    }
    if volume.thickness is not None:
        distance = volume.spacing[0]
        report["slice_profile"] = {"thickness_mm": volume.thickness * distance, "distance_mm": distance}
    if isinstance(way, ThreePlanes):
        report["fusion"] = FUSION
    return report


def _refuse_thickness(thickness, spacing):
    if thickness and not is_isotropic(spacing) and not THINNEST <= thickness / spacing[0] <= THICKEST:
        raise SettingsError(
            f"Slices {thickness:g} mm thick do not fit a scan with one every {spacing[0]:.3g} mm: give the thickness of"
            " the slices in mm, or 0."
        )


def _extras(settings):
    """What else takes memory along three axes: (maps, turned copies)."""
    return settings.maps, settings.quality == "best"
