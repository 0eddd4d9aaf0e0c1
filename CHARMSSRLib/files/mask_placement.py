"""Where a mask from a file lies on a scan from a file."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from .itk_geometry import index_to_lps
from .nifti_forms import LPS_TO_RAS, corners
from .scan import Scan

# Of a voxel: a mask that is this near was drawn on the scan's own grid.
_SAME_PLACE = 0.5


def placed_mask(mask: Scan, scan: Scan) -> sitk.Image:
    """The mask's image, in the coordinates of the scan's image.

    The two forms of a NIfTI file may differ, and a program that made the mask may have followed
    either. A mask of the scan's size is taken voxel by voxel if any form of the one agrees with any
    of the other; a mask on another grid is placed by the sform of both, which most programs follow,
    where the forms of either differ.

    Args:
        mask: as ``read_scan`` gave them.
        scan: likewise.

    Returns:
        The mask's image, or a copy with another geometry where that is needed.
    """
    image = sitk.Image(mask.image)
    size = scan.image.GetSize()
    if image.GetSize() == size and _agree(scan, mask):
        image.CopyInformation(scan.image)
        return image
    if not (_forms_differ(scan) or _forms_differ(mask)):
        return image
    scan_matrix, mask_matrix = _followed_by_most(scan), _followed_by_most(mask)
    # From the mask's indices by its form to the scan's indices by its form, then to where ITK has them.
    moved = index_to_lps(scan.image) @ np.linalg.solve(scan_matrix, mask_matrix)
    lengths = np.linalg.norm(moved[:3, :3], axis=0)
    image.SetSpacing(lengths.tolist())
    image.SetOrigin(moved[:3, 3].tolist())
    image.SetDirection((moved[:3, :3] / lengths).ravel().tolist())
    return image


def _agree(scan, mask):
    box = corners(scan.image.GetSize())
    tolerance = _SAME_PLACE * min(scan.image.GetSpacing())
    return any(
        np.linalg.norm(((one - other) @ box)[:3], axis=0).max() <= tolerance
        for one in _geometries(scan)
        for other in _geometries(mask)
    )


def _geometries(scan):
    """Every geometry (4x4, LPS, mm) that the file states."""
    found = [index_to_lps(scan.image)]
    if scan.forms is not None:
        to_mm = np.diag([scan.forms.unit] * 3 + [1.0])
        found += [to_mm @ LPS_TO_RAS @ matrix for matrix in scan.forms.matrices().values()]
    return found


def _forms_differ(scan):
    size, spacing = scan.image.GetSize(), scan.image.GetSpacing()
    return scan.forms is not None and scan.forms.distance(size) > 0.01 * min(spacing)


def _followed_by_most(scan):
    """The sform where there is one, as most programs do; 4x4, LPS, mm."""
    if scan.forms is None or scan.forms.sform_code <= 0:
        return index_to_lps(scan.image)
    return LPS_TO_RAS @ scan.forms.followed_by_most(scan.image.GetSize())
