"""Enhances from the pixels that were measured: a wrapper around the enhancement of a scan as it is stated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import SimpleITK as sitk

from ..acquisition.beyond_the_band import with_what_lay_beyond
from ..acquisition.findings import Acquisition
from ..acquisition.measured_grid import (
    MeasuredGrid,
    at_least_as_fine,
    delivered,
    grid_from_axes,
    grid_from_ratios,
    mask_to_grid,
    to_grid,
)
from ..errors import SettingsError
from ..grids.orientation import LPSFrame
from ..grids.slices import PLANE_NAMES, plane_axis, slice_axis
from ..settings import EnhancementSettings

if TYPE_CHECKING:
    from .result import Enhancement


@dataclass(frozen=True)
class Measured:
    """What a scan really measured, for one enhancement.

    Attributes:
        grid: voxels along the image's axes.
        settings: with the plane named, so that the coarser pixels do not choose another.
        report: for the report's key "resolution".
        sentence: what was found and done.
    """

    grid: MeasuredGrid
    settings: EnhancementSettings
    report: dict
    sentence: str


def measured(image: sitk.Image, settings: EnhancementSettings, axes: tuple | None) -> Measured:
    """The grid that an image is enhanced from, by ``settings.resolution``.

    Args:
        image: scalar 3-D.
        settings: of the enhancement.
        axes: what was found out about the image's axes; None where ``resolution`` is not "auto".

    Raises:
        SettingsError: factors that the image cannot have.
    """
    frame = LPSFrame(image)
    upright = frame.enter(image)
    lps_axis = slice_axis(upright) if settings.planes in ("acquisition", "three") else plane_axis(settings.planes)
    across = frame.image_axes(tuple(axis == lps_axis for axis in (2, 1, 0))).index(True)
    # Slices are enhanced one by one: what lies between them does not matter to the network.
    kept = () if settings.planes == "three" else (across,)
    if settings.planes == "acquisition":
        settings = replace(settings, planes=PLANE_NAMES[lps_axis])
    sizes = image.GetSize()
    if settings.resolution == "auto":
        assert axes is not None  # whoever asks for it has looked
        grid = grid_from_axes(sizes, axes, kept)
        found = Acquisition(axes).to_dict()["axes"]
    else:
        grid = grid_from_ratios(sizes, _ratios(settings.resolution, kept, sizes))
        found = None
    spacing = [step * old / new for step, old, new in zip(image.GetSpacing(), sizes, grid.sizes)]
    sentence = _sentence(image.GetSpacing(), spacing, grid.changed) if grid.differs else ""
    report = {
        "setting": settings.resolution,
        "stated_mm": list(image.GetSpacing()),
        "measured_mm": spacing,
        "measured_size": list(grid.sizes),
        "axes": found,
        "sentence": sentence,
    }
    return Measured(grid, settings, report, sentence)


def enhance_measured(
    enhance_stated: Callable, image: sitk.Image, what: Measured, mask: sitk.Image | None
) -> Enhancement:
    """Bring a scan to its measured grid, enhance it there, and deliver it at least as fine as it came.

    What the scan holds beyond the measured band is next to nothing; it is given back, so that a scan whose band did
    not end there loses nothing that it had.

    Args:
        enhance_stated: enhances an image as it is: (image, settings, mask).
        image: as it came.
        what: of :func:`measured`.
        mask: on the grid of ``image``, or None.

    Returns:
        What ``enhance_stated`` returns; its report's figures refer to the measured grid.
    """
    coarse = to_grid(image, what.grid.sizes)
    small_mask = None if mask is None else mask_to_grid(mask, coarse)
    result = enhance_stated(coarse, what.settings, small_mask)
    sizes = at_least_as_fine(result.image, image.GetSize())
    if sizes != result.image.GetSize():
        cut = None if what.settings.keep_skull else result.mask
        result.image = delivered(result.image, cut, sizes)
        result.maps = {name: delivered(one, cut, sizes) for name, one in result.maps.items()}
        result.mask = mask_to_grid(result.mask, result.image)
    field = what.settings.bias_correction and not what.settings.restore_bias
    result.image = with_what_lay_beyond(result.image, result.mask, image, what.grid.sizes, field)
    report = result.report
    report["input"] = {"size": list(image.GetSize()), "spacing_mm": list(image.GetSpacing())}
    report["output"] = {"size": list(result.image.GetSize()), "spacing_mm": list(result.image.GetSpacing())}
    report["resolution"] = what.report
    report["notes"] = [what.sentence, *report["notes"]]
    return result


def _ratios(text, kept, sizes):
    numbers = [float(one) for one in text.replace("x", ",").split(",")]
    if len(numbers) == 1:
        numbers = [1.0 if i in kept else numbers[0] for i in range(3)]
    if len(numbers) != 3:
        raise SettingsError(f"The resolution {text!r} names {len(numbers)} factors; give one, or one for each axis.")
    for number, size in zip(numbers, sizes):
        if not 1 <= number <= 8 or size / number < 16:
            raise SettingsError(
                f"The resolution {text!r} does not fit an axis of {size} voxels: give stated voxels by measured ones, "
                "from 1 up, so that at least 16 are left."
            )
    return numbers


def _sentence(stated, true, changed):
    def listed(values):
        return " x ".join(dict.fromkeys(f"{value:.2f}" for value, one in zip(values, changed) if one))

    return (
        f"The pixels are interpolated: {listed(stated)} mm stated, {listed(true)} mm measured. "
        "Enhanced from the measured ones."
    )
