"""Gates that a brain mask must pass; a mask that fails gets a warning, never silence."""

import numpy as np
import SimpleITK as sitk

from ..grids.orientation import LPSFrame
from .morphology import dilate, largest_component

SMALLEST_BRAIN_ML = 500.0
LARGEST_BRAIN_ML = 2500.0
# Share of the mask that may lie in smaller parts (a lone voxel is no reason to warn).
_LOOSE_SHARE = 0.005
# Share of the mask that may lie outside the head.
_OUTSIDE_SHARE = 0.01
# Adults' heads are 135 mm wide and more, those of infants up to a year less than this.
_INFANT_WIDTH_MM = 118.0
# Head masks are made at 2 mm; a brain may touch their border.
_HEAD_TOLERANCE_MM = 4.0


def volume_ml(mask):
    """Volume of the non-zero voxels of a mask image, in millilitres."""
    voxels = int(np.count_nonzero(sitk.GetArrayViewFromImage(mask)))
    return voxels * float(np.prod(mask.GetSpacing())) / 1000.0


def mask_warnings(mask, head=None):
    """Sentences that say what is implausible about a brain mask; empty when nothing is.

    Args:
        mask (SimpleITK.Image): non-zero inside the brain.
        head (SimpleITK.Image, optional): head mask on the same grid.
    """
    volume = volume_ml(mask)
    if volume == 0:
        return ["The brain mask is empty."]
    warnings = []
    if not SMALLEST_BRAIN_ML <= volume <= LARGEST_BRAIN_ML:
        warnings.append(
            f"The brain mask holds {volume:.0f} ml, outside the plausible {SMALLEST_BRAIN_ML:.0f} to "
            f"{LARGEST_BRAIN_ML:.0f} ml: check it, or give a mask."
        )
    inside = sitk.GetArrayFromImage(mask) > 0
    count = np.count_nonzero(inside)
    if np.count_nonzero(largest_component(inside)) < (1 - _LOOSE_SHARE) * count:
        warnings.append("The brain mask consists of several parts: check it, or give a mask.")
    if head is not None and _reaches_outside(inside, sitk.GetArrayFromImage(head) > 0, count, mask.GetSpacing()[::-1]):
        warnings.append("The brain mask reaches outside the head: check it, or give a mask.")
    return warnings


def narrow_head_warnings(head):
    """A sentence on a whole head (image, non-zero inside) that is as narrow as an infant's; empty for others.

    A head that is cut off at both sides tells no width.
    """
    frame = LPSFrame(head)
    across = sitk.GetArrayFromImage(frame.enter(head)).any(axis=(0, 1))
    if not across.any() or across[0] or across[-1]:
        return []
    width = (np.ptp(np.flatnonzero(across)) + 1) * frame.enter(head).GetSpacing()[0]
    if width >= _INFANT_WIDTH_MM:
        return []
    return [
        f"The head is {width:.0f} mm wide, as that of an infant: infants are outside of what this program was made "
        "for. Check the mask, or give one."
    ]


def _reaches_outside(inside, head, count, spacing):
    allowed = _OUTSIDE_SHARE * count
    # Nearly every mask passes without the tolerance, whose distances take a second and ten times the mask's memory.
    if np.count_nonzero(inside & ~head) <= allowed:
        return False
    return np.count_nonzero(inside & ~dilate(head, _HEAD_TOLERANCE_MM, spacing)) > allowed
