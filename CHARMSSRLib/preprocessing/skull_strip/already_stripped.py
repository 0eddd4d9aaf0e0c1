"""Recognises volumes that hold nothing but a brain, so that they are not stripped twice."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ...grids.orientation import LPSFrame, bounding_box, image_like
from ..background import foreground_of
from ..plausibility import SMALLEST_BRAIN_ML

ALREADY_STRIPPED = "already-stripped"
# Stricter than the plausibility gate: the largest brains hold 1.9 L, a small head in zeroed air 2.2 L.
_LARGEST_STRIPPED_ML = 2000.0
# A brain cropped to its box touches the faces in a few voxels; a neck or a cut head covers much of one.
_LARGEST_CUT = 0.35
# Adults' brains rarely hold less; the heads of infants do.
SMALL_ML = 950.0


def foreground_if_stripped(image: sitk.Image) -> sitk.Image | None:
    """The foreground's mask when ``image`` is stripped already, else None.

    It is when at least 30 % of the volume is a constant (0 or another value; after resampling:
    nearly so), and the rest is one part of plausible brain volume that is not cut off by a face of
    the volume.

    Args:
        image: scalar 3-D; not changed.

    Returns:
        SimpleITK.Image or None: UInt8 on the grid of ``image``.
    """
    frame = LPSFrame(image)
    upright = frame.enter(image)
    foreground = foreground_of(sitk.GetArrayFromImage(upright))
    if foreground is None:
        return None
    volume = np.count_nonzero(foreground) * np.prod(image.GetSpacing()) / 1000.0
    if not SMALLEST_BRAIN_ML <= volume <= _LARGEST_STRIPPED_ML or _is_cut(foreground):
        return None
    return frame.leave(image_like(foreground.astype(np.uint8), upright))


def small_brain_warnings(volume: float) -> list[str]:
    """A sentence on a foreground (ml) that may as well be an infant's whole head."""
    if volume >= SMALL_ML:
        return []
    return [
        f"The volume holds {volume:.0f} ml on a constant background and was taken for a brain without its skull. If it "
        "is the head of a newborn or an infant, the mask holds the skull, too: infants are outside of what this "
        "program was made for; give a mask."
    ]


def _is_cut(foreground):
    """Whether a face of the volume cuts through a large part of the foreground's cross-section."""
    box = bounding_box(foreground)
    for axis in range(3):
        areas = foreground.sum(axis=tuple(other for other in range(3) if other != axis))
        largest = areas.max()
        touches_start, touches_end = box[axis].start == 0, box[axis].stop == foreground.shape[axis]
        if touches_start and areas[0] > _LARGEST_CUT * largest:
            return True
        if touches_end and areas[-1] > _LARGEST_CUT * largest:
            return True
    return False
