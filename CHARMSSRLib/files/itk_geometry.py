"""Where ITK puts a NIfTI volume, told by ITK itself.

Which of the two forms ITK takes depends on their codes, on how far the sform's axes are off right angles
and on how alike the two are, to the last digit of single precision; and it changes between versions. A
header of its own, without voxels, is a question that the ITK of this very process answers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from .header_checks import deviation_from_rotation, nearest_rotation
from .native_messages import native_messages_hidden
from .nifti_forms import ITK_TOLERANCE, NiftiForms, corners
from .nifti_quaternions import quaternion_of
from .nifti_writer import header_of_forms

_SAME_PLACE_MM = 2e-4
_ALIKE_MM = 1e-3


def index_to_lps(image: sitk.Image) -> np.ndarray:
    """4x4 matrix from voxel index (i, j, k) to LPS millimetres."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return matrix


def off_right_angles_mm(image: sitk.Image) -> float:
    """How far (mm) the nearest grid with axes at right angles puts a corner; 0 where ITK calls them right."""
    direction = np.reshape(image.GetDirection(), (3, 3))
    if deviation_from_rotation(direction) <= ITK_TOLERANCE:
        return 0.0
    moved = (direction - nearest_rotation(direction)) * image.GetSpacing()
    return float(np.linalg.norm(moved @ corners(image.GetSize())[:3], axis=0).max())


def itk_geometry(forms: NiftiForms, size: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Spacing and origin (mm) and direction (3x3) in LPS as ITK reads them; None where it refuses the header.

    Args:
        forms: of a NIfTI file.
        size: voxels along the three axes.
    """
    reader = sitk.ImageFileReader()
    reader.SetImageIO("NiftiImageIO")
    try:
        with tempfile.TemporaryDirectory(prefix="charmssr-") as folder, native_messages_hidden():
            path = Path(folder) / "header.nii"
            path.write_bytes(header_of_forms(forms, size, np.uint8))
            reader.SetFileName(str(path))
            reader.ReadImageInformation()
    except (RuntimeError, OSError):
        return None
    if len(reader.GetSize()) != 3:
        return None
    return (
        np.array(reader.GetSpacing()), np.array(reader.GetOrigin()), np.array(reader.GetDirection()).reshape(3, 3),
    )  # fmt: skip


def with_the_same_choice(forms: NiftiForms, image: sitk.Image) -> NiftiForms:
    """Forms of a result that ITK reads where it read the scan's.

    ITK takes the sform where the two are alike to 1e-4. On another grid, the same two may be a last digit
    less alike, or more; then the qform's offset is moved onto the sform's, or away from it, by so little.

    Args:
        forms: on the grid of ``image``.
        image: the result, where ITK put the scan.
    """
    if forms.qform_code <= 0 or forms.sform_code <= 0:
        return forms
    box = corners(image.GetSize())
    wanted = index_to_lps(image) @ box

    def distance(one):
        found = itk_geometry(one, image.GetSize())
        if found is None:
            return float("inf")
        spacing, origin, direction = found
        return float(np.abs((direction * spacing) @ box[:3] + origin[:, None] - wanted[:3]).max())

    if distance(forms) <= _SAME_PLACE_MM:
        return forms
    there = np.array(forms.sform).reshape(3, 4)[:, 3]
    if forms.unit * np.abs(there - forms.offset).max() > _ALIKE_MM:
        return forms
    for step in (0.0, 1.5e-4, -1.5e-4):
        moved = replace(forms, offset=tuple((there + [step, 0, 0]).tolist()))
        if distance(moved) <= _SAME_PLACE_MM + 1.5e-4 * forms.unit:
            return moved
    # The decomposition that ITK compares jumps in some rotations: only equal forms are alike to it then.
    axes = forms.sform_matrix()[:3, :3]
    quaternion, qfac = quaternion_of(axes / np.linalg.norm(axes, axis=0))
    equal = replace(forms, offset=tuple(there.tolist()), quaternion=quaternion, qfac=qfac)
    return min([forms, equal], key=distance)
