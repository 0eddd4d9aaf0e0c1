"""Gates that a brain mask must pass; a mask that fails gets a warning, never silence."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..grids.orientation import LPSFrame
from .morphology import dilate, largest_component

SMALLEST_BRAIN_ML = 500.0
LARGEST_BRAIN_ML = 2500.0
# Adults' brains along z, y and x: what a scan of a part of the head is measured by.
_BRAIN_MM = (145.0, 175.0, 140.0)
# Of the mask's largest section across an axis: so much on a face of the volume means that the brain goes on.
_CUT_SECTION = 0.25
_WHOLE = (1.0, 1.0)
# Share of the mask that may lie in smaller parts (a lone voxel is no reason to warn).
_LOOSE_SHARE = 0.005
# Share of the mask that may lie outside the head.
_OUTSIDE_SHARE = 0.01
# Adults' heads are 135 mm wide and more, those of infants up to a year less than this.
_INFANT_WIDTH_MM = 118.0
# Head masks are made at 2 mm; a brain may touch their border.
_HEAD_TOLERANCE_MM = 4.0


def volume_ml(mask: sitk.Image) -> float:
    """Volume of the non-zero voxels of a mask image, in millilitres."""
    voxels = int(np.count_nonzero(sitk.GetArrayViewFromImage(mask)))
    return voxels * float(np.prod(mask.GetSpacing())) / 1000.0


def mask_warnings(mask: sitk.Image, head: sitk.Image | None = None) -> list[str]:
    """Sentences that say what is implausible about a brain mask; empty when nothing is.

    Of a brain that goes on beyond the volume, as in a slab, no more is asked for than its part can hold.

    Args:
        mask: non-zero inside the brain.
        head: head mask on the same grid.
    """
    volume = volume_ml(mask)
    if volume == 0:
        return ["The brain mask is empty."]
    warnings = []
    part = _part_of_a_brain(mask)
    smallest, largest = SMALLEST_BRAIN_ML * part[0], LARGEST_BRAIN_ML * part[1]
    if not smallest <= volume <= largest:
        shown = "" if part == _WHOLE else " for the part of the head that the scan shows"
        warnings.append(
            f"The brain mask holds {volume:.0f} ml, outside the plausible {smallest:.0f} to {largest:.0f} ml{shown}: "
            "check it, or give a mask."
        )
    inside = sitk.GetArrayFromImage(mask) > 0
    count = np.count_nonzero(inside)
    if np.count_nonzero(largest_component(inside)) < (1 - _LOOSE_SHARE) * count:
        warnings.append("The brain mask consists of several parts: check it, or give a mask.")
    if head is not None and _reaches_outside(inside, sitk.GetArrayFromImage(head) > 0, count, mask.GetSpacing()[::-1]):
        warnings.append("The brain mask reaches outside the head: check it, or give a mask.")
    return warnings


def narrow_head_warnings(head: sitk.Image) -> list[str]:
    """A sentence on a whole head (image, non-zero inside) that is as narrow as an infant's; empty for others.

    A head that is cut off at both sides tells no width.
    """
    frame = LPSFrame(head)
    across = np.asarray(sitk.GetArrayFromImage(frame.enter(head)).any(axis=(0, 1)))
    if not across.any() or across[0] or across[-1]:
        return []
    width = (np.ptp(np.flatnonzero(across)) + 1) * frame.enter(head).GetSpacing()[0]
    if width >= _INFANT_WIDTH_MM:
        return []
    return [
        f"The head is {width:.0f} mm wide, as that of an infant: infants are outside of what this program was made "
        "for. Check the mask, or give one."
    ]


def _part_of_a_brain(mask):
    """The least and the most of a brain that can lie in a volume which cuts the mask; (1, 1) where none is cut.

    A brain is about an ellipsoid: a slice of it as thick as the share t of its length holds t^2 (3 - 2t) of it at an
    end and t (3 - t^2) / 2 in the middle. The mask tells which axes are cut and how thick the slice is, but not
    where it lies.
    """
    frame = LPSFrame(mask)
    upright = frame.enter(mask)
    inside, spacing = sitk.GetArrayViewFromImage(upright) > 0, upright.GetSpacing()[::-1]
    least = most = 1.0
    for axis in range(3):
        sections = inside.sum(axis=tuple(other for other in range(3) if other != axis))
        if max(sections[0], sections[-1]) > _CUT_SECTION * sections.max():
            t = min(1.0, (np.ptp(np.flatnonzero(sections)) + 1) * spacing[axis] / _BRAIN_MM[axis])
            least, most = least * t**2 * (3 - 2 * t), most * t * (3 - t**2) / 2
    return least, most


def _reaches_outside(inside, head, count, spacing):
    allowed = _OUTSIDE_SHARE * count
    # Nearly every mask passes without the tolerance, whose distances take a second and ten times the mask's memory.
    if np.count_nonzero(inside & ~head) <= allowed:
        return False
    return np.count_nonzero(inside & ~dilate(head, _HEAD_TOLERANCE_MM, spacing)) > allowed
