"""Settings that a scan itself fills in, where the user left them to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import SimpleITK as sitk

from ..grids.slices import is_isotropic
from ..settings import AUTOMATIC, EnhancementSettings
from .checkpoint_choice import Choice, choose_checkpoint
from .claims import slice_thickness
from .inspect import inspect_grid, inspect_image
from .tags import number


@dataclass(frozen=True)
class FilledIn:
    """The settings of one enhancement once the scan was looked at.

    Attributes:
        settings: with a checkpoint by name, and the thickness of the slices where it matters.
        axes: what was found out about the image's axes i, j, k; None where nothing asked for it.
        choice: the checkpoint and why, where it was left to the scan.
    """

    settings: EnhancementSettings
    axes: tuple | None = None
    choice: Choice | None = None


def filled_in(settings: EnhancementSettings, image: sitk.Image, tags: dict | None = None) -> FilledIn:
    """What a scan's voxels and tags say where the settings leave it to them; it is examined once at most.

    The thickness of the slices (planes three, thick slices, none given) is what the tags state; without a tag, what
    the voxels show. It is filled in only where it differs from the slices' distance.

    Args:
        settings: the user's.
        image: the scan.
        tags: of :func:`~.tags.tags_of`; what its files claim.
    """
    tags = dict(tags or {})
    thick = settings.planes == "three" and not settings.slice_thickness and not is_isotropic(image.GetSpacing())
    stated = number(tags, "SliceThickness") is not None
    choice = found = None
    if settings.checkpoint == AUTOMATIC:
        found = inspect_image(image, tags)
        choice = choose_checkpoint(found)
        settings = replace(settings, checkpoint=choice.name)
    elif settings.resolution == "auto" or (thick and not stated):
        found = inspect_grid(image, tags)
    if thick:
        thickness = slice_thickness(tags, image.GetSpacing()) if found is None else found.slice_thickness_mm
        settings = settings if thickness is None else replace(settings, slice_thickness=thickness)
    return FilledIn(settings, None if found is None else found.axes, choice)
