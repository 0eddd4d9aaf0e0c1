"""Settings that a scan's own tags fill in, where the user left them to the scan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import SimpleITK as sitk

from ..settings import EnhancementSettings
from .claims import slice_thickness
from .inspect import estimated_thickness
from .tags import number, tags_of


def with_tags(
    settings: EnhancementSettings, image: sitk.Image, path: Path | str, series: str = "", more: dict | None = None
) -> EnhancementSettings:
    """The settings with the thickness of the slices that a scan's tags state, or, without a tag, its voxels show.

    Only where it matters (planes three), was left to the scan (0), and differs from the slices' distance.

    Args:
        settings: the user's. image: the scan. path, series: where its tags stand, as for :func:`~.tags.tags_of`.
        more: tags that are known from elsewhere (a dataset's other sidecars); those beside the scan count more.
    """
    if settings.planes != "three" or settings.slice_thickness:
        return settings
    tags = {**(more or {}), **tags_of(path, series)}
    if number(tags, "SliceThickness") is None:
        thickness = estimated_thickness(image)
    else:
        thickness = slice_thickness(tags, image.GetSpacing())
    return settings if thickness is None else replace(settings, slice_thickness=thickness)
