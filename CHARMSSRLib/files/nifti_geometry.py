"""Where the header of a NIfTI or Analyze file puts its volume, and what is refused by that alone.

Source: nifti1.h, nifti2.h; for Analyze, which states no orientation, the convention of SPM.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from .header_checks import check_axes, first_bytes, listed
from .nifti_forms import LPS_TO_RAS, NiftiForms, space
from .nifti_header import check_nifti, parse_nifti

_UNITS_MM = {1: 1000.0, 3: 0.001}
_SCALE_TOLERANCE = 1e-3
_SCANNER_COORDINATES = 1


def nifti_spacing(header: dict) -> tuple[float, float, float]:
    """Voxel size (mm) by the header; axes that it does not have count 1."""
    unit = _UNITS_MM.get(header.get("units", 0) & 7, 1.0)
    x, y, z = (abs(float(step)) * unit for step in header["pixdim"][1:4])
    return x, y, z


def nifti_forms(path: Path) -> NiftiForms | None:
    """Both geometries that a file's header states; None where the file is no NIfTI or its header is unusable."""
    try:
        header = parse_nifti(path, first_bytes(path))
        return valid_forms(path, header, []) if header is not None and header["version"] else None
    except (InputError, OSError, EOFError):
        return None


def check_nifti_header(path: Path, header: dict, labels_allowed: bool = False) -> list[str]:
    """What ``read_nifti`` refuses or warns about by the header alone; returns the warnings.

    Raises:
        InputError: see ``read_nifti``.
    """
    check_nifti(path, header, labels_allowed)
    warnings: list[str] = []
    if header["version"] == 0:
        analyze_geometry(path, header, warnings)
    else:
        valid_forms(path, header, warnings)
    return warnings


def size_in(header: dict) -> tuple[int, int, int]:
    """Voxels along the three axes."""
    return header["dim"][1:4]


def valid_forms(path: Path, header: dict, warnings: list[str]) -> NiftiForms:
    """The forms of a NIfTI header, without one that is unusable beside another that is good.

    Args:
        path: of the file, for messages.
        header: what ``parse_nifti`` found in it.
        warnings: what was doubtful is added, a sentence each.

    Raises:
        InputError: sheared, contradictory or no axes.
    """
    name = path.name
    b, c, d, *offset = header["qform"]
    spacing = np.abs(header["pixdim"][1:4]).astype(float)
    forms = NiftiForms(
        qform_code=max(0, header["qform_code"]),
        sform_code=max(0, header["sform_code"]),
        quaternion=(float(b), float(c), float(d)),
        qfac=-1.0 if header["pixdim"][0] < 0 else 1.0,
        offset=tuple(float(number) for number in offset),
        spacing=tuple(spacing.tolist()),
        sform=tuple(float(number) for number in header["sform"]),
        unit=_UNITS_MM.get(header["units"] & 7, 1.0),
        doubles=header["version"] == 2,
    )
    if min(header["pixdim"][1:4]) < 0:
        warnings.append(
            f"The header of {name} gives a negative voxel size; its absolute value was taken, as NIfTI demands "
            "(some programs mirror the volume instead)."
        )
    if not np.isfinite(header["qform"]).all():
        forms = _without(forms, "qform", name, warnings)
    if not forms.sform_code and not np.isfinite(header["sform"]).all():
        forms = _without(forms, "sform", name, warnings)
    if forms.sform_code:
        axes = forms.sform_matrix()[:3, :3]
        lengths = np.linalg.norm(axes, axis=0)
        unusable = not np.isfinite(header["sform"]).all() or (lengths <= 0).any() or abs(np.linalg.det(axes)) == 0
        if unusable and forms.qform_code:
            forms = _without(forms, "sform", name, warnings)
        else:
            check_axes(path, axes)
            _check_scale(name, forms, lengths, warnings)
    if not (forms.qform_code or forms.sform_code):
        warnings.append(
            f"The header of {name} gives no orientation (both of its codes are 0): which way is up, and which side "
            "is left, cannot be known. A NIfTI result keeps both codes at 0, and lies a fraction of a voxel off in "
            "Slicer and ANTs, which read no position beside such codes; for these, name the result .nrrd."
        )
    difference = forms.difference(name, size_in(header))
    if difference:
        warnings.append(difference)
    return forms


def _without(forms, which, name, warnings):
    if which == "sform":
        changed = replace(forms, sform_code=0, sform=(0.0,) * 12)
    else:
        changed = replace(forms, qform_code=0, quaternion=(0.0,) * 3, offset=(0.0,) * 3)
    if (forms.sform_code if which == "sform" else forms.qform_code) > 0:
        warnings.append(f"The {which} of {name} is unusable although its code says that it is there; it was left out.")
    return changed


def _check_scale(name, forms, lengths, warnings):
    """Axes of the sform that are longer or shorter than the voxel size says."""
    spacing = np.asarray(forms.spacing)
    if np.abs(lengths / spacing - 1).max() <= _SCALE_TOLERANCE:
        return
    if not forms.qform_code or forms.sform_code == _SCANNER_COORDINATES:
        raise InputError(
            f"The header of {name} contradicts itself: voxels of {listed(spacing)} mm, but axes of "
            f"{listed(lengths)} mm (a scaling that was not applied). Resample the volume or correct its header first."
        )
    # An affine alignment to another space: the qform and the voxel size still tell the scan's own geometry.
    warnings.append(
        f"The sform (code {forms.sform_code}, {space(forms.sform_code)}) of {name} also scales the voxels "
        f"({listed(spacing)} mm become {listed(lengths)} mm); the voxel size was taken."
    )


def analyze_geometry(path: Path, header: dict, warnings: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spacing, origin and direction (LPS) of an Analyze volume: right to left, back to front, up; centred.

    Analyze states no orientation. This is the reading of SPM and nibabel; a .mat file of SPM, which
    would state one, is not read.

    Args:
        path: of the header.
        header: what ``parse_nifti`` found in it.
        warnings: what was assumed is added.

    Raises:
        InputError: there is such a .mat file.
    """
    warnings.append(
        f"{path.name} is an Analyze file, which gives no orientation: it was read as SPM and nibabel do, from the "
        "patient's right to the left, from back to front, and upwards. Check left and right, best by converting "
        "the original scan to NIfTI."
    )
    if any(path.with_suffix(suffix).is_file() for suffix in (".mat", ".MAT")):
        raise InputError(
            f"{path.name} comes with a .mat file of SPM that turns it, which is not read here; "
            "save it as NIfTI in SPM first."
        )
    spacing = np.abs(header["pixdim"][1:4]).astype(float)
    matrix = np.eye(4)
    matrix[:3, :3] = np.diag([-1.0, 1.0, 1.0]) * spacing
    size, origin = np.asarray(size_in(header)), np.array(header["spm_origin"], float)
    # SPM states the voxel at 0, counted from 1; without it, the middle is there.
    stated = origin.any() and (origin > -size).all() and (origin < 2 * size).all()
    matrix[:3, 3] = -(matrix[:3, :3] @ (origin - 1 if stated else (size - 1) / 2))
    matrix = LPS_TO_RAS @ matrix
    return spacing, matrix[:3, 3], matrix[:3, :3] / spacing
