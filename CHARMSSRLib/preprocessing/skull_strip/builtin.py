"""The built-in backend: classical, always present.

Otsu's classes, erosion that cuts the bridges between brain and scalp, the part nearest to the
head's centre, and growth back.
"""

import numpy as np
import SimpleITK as sitk

from ...errors import BackendError
from ..head_mask import head_mask, mask_on_grid, shrink_to
from ..morphology import close, dilate, erode, fill_holes, largest_component
from ..orientation import LPSFrame

HOW_TO_GET_IT = "The built-in skull-strip is part of CHARMSSR; its installation is damaged. Install it again."
_WORKING_SPACING_MM = 2.0
_BRIDGE_MM = 5.0


def is_available():
    """Always: it needs nothing but the core."""
    return True


def strip(image, device="cpu", is_cancelled=None):
    """Brain mask, UInt8 on the grid of ``image``; ``device`` makes no difference."""
    frame = LPSFrame(image)
    upright = frame.enter(sitk.Cast(image, sitk.sitkFloat32))
    small = shrink_to(upright, _WORKING_SPACING_MM)
    spacing = small.GetSpacing()[::-1]
    values = sitk.GetArrayFromImage(small)
    head = sitk.GetArrayFromImage(head_mask(small)) > 0
    interior = erode(head, 8.0, spacing)
    if not interior.any():
        raise BackendError("The built-in skull-strip found no head. Give a mask.")
    low, high = np.percentile(values[interior], (2, 98))
    tissue = interior & (values > low + 0.35 * (high - low))
    core = largest_component(erode(tissue, _BRIDGE_MM, spacing))
    brain = dilate(core, _BRIDGE_MM + 1.0, spacing) & interior
    brain = fill_holes(close(brain, 8.0, spacing))
    return frame.leave(mask_on_grid(brain, small, upright))
