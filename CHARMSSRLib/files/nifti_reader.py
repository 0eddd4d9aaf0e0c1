"""Reads NIfTI-1, NIfTI-2 and Analyze volumes by the letter of their formats.

ITK's reader replaces NaN by 0, adds an intercept whose slope is 0, mirrors an axis whose voxel size is
negative, turns Analyze volumes and keeps only one of a header's two geometries, all without a word.

Source: nifti1.h, nifti2.h; for Analyze, which states no orientation, the convention of SPM.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .compressed import uncompressed_bytes
from .header_checks import check_axes, deviation_from_rotation, first_bytes, listed
from .itk_geometry import itk_geometry
from .nifti_forms import ITK_TOLERANCE, LPS_TO_RAS, NiftiForms, space
from .nifti_header import check_nifti, parse_nifti
from .scan import Scan

_DATATYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
_UNITS_MM = {1: 1000.0, 3: 0.001}
_SCALE_TOLERANCE = 1e-3
_SCANNER_COORDINATES = 1
# A distortion below it is the rounding of the header's numbers, not worth a word (mm).
_SMALLEST_DISTORTION = 0.01


def read_nifti(path: Path, header: dict, labels_allowed: bool = False) -> Scan:
    """The volume of a NIfTI or Analyze file.

    Args:
        path: the file with the header (and, unless a data file lies beside it, the voxels).
        header: what ``parse_nifti`` found in it.
        labels_allowed: accept files that declare themselves label maps.

    Returns:
        Scan with the file's own pixel type (float32 where the header scales integers) and, for
        NIfTI, both forms.

    Raises:
        InputError: no scalar 3-D volume, impossible or sheared geometry, damaged or missing voxels.
    """
    check_nifti(path, header, labels_allowed)
    warnings: list[str] = []
    if header["version"] == 0:
        geometry, forms, error = _analyze_geometry(path, header, warnings), None, 0.0
    else:
        forms = _valid_forms(path, header, warnings)
        geometry, error = _geometry(forms, _size(header))
        _check_image_axes(path, geometry)
    image = sitk.GetImageFromArray(_voxels(path, header, warnings))
    spacing, origin, direction = geometry
    image.SetSpacing(np.asarray(spacing, float).tolist())
    image.SetOrigin(np.asarray(origin, float).tolist())
    image.SetDirection(np.asarray(direction, float).ravel().tolist())
    facts = {}
    if error > _SMALLEST_DISTORTION:
        facts["axes_error_mm"] = round(error, 4)
        warnings.append(
            f"The voxel axes of {path.name} are slightly off right angles; the nearest grid with right angles was "
            f"taken, which moves a corner of the volume by {error:.2g} mm."
        )
    return Scan(image, warnings, forms, facts)


def nifti_spacing(header: dict) -> tuple[float, float, float]:
    """Voxel size (mm) by the header; axes that it does not have count 1."""
    unit = _UNITS_MM.get(header.get("units", 0) & 7, 1.0)
    x, y, z = (abs(float(step)) * unit for step in header["pixdim"][1:4])
    return x, y, z


def nifti_forms(path: Path) -> NiftiForms | None:
    """Both geometries that a file's header states; None where the file is no NIfTI or its header is unusable."""
    try:
        header = parse_nifti(path, first_bytes(path))
        return _valid_forms(path, header, []) if header is not None and header["version"] else None
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
        _analyze_geometry(path, header, warnings)
    else:
        _valid_forms(path, header, warnings)
    return warnings


def _geometry(forms, size):
    """Spacing, origin and direction as ITK takes them, and how far (mm) a corner is from what the file says."""
    taken = itk_geometry(forms, size)
    if taken is not None and deviation_from_rotation(taken[2]) <= ITK_TOLERANCE:
        return taken, 0.0
    # Slightly sheared: whether ITK gives up depends on how the volume is turned.
    *geometry, error = forms.geometry(size)
    return geometry, error


def _size(header):
    return header["dim"][1:4]


def _valid_forms(path, header, warnings) -> NiftiForms:
    """The forms of a header, without one that is unusable beside another that is good."""
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
    difference = forms.difference(name, _size(header))
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


def _check_image_axes(path, geometry):
    if not all(np.isfinite(part).all() for part in geometry):
        raise InputError(f"The header of {path.name} gives no valid voxel axes; export the volume again.")


def _analyze_geometry(path, header, warnings):
    """Spacing, origin and direction (LPS) of an Analyze volume: right to left, back to front, up; centred.

    Analyze states no orientation. This is the reading of SPM and nibabel; a .mat file of SPM, which
    would state one, is not read.
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
    size, origin = np.asarray(_size(header)), np.array(header["spm_origin"], float)
    # SPM states the voxel at 0, counted from 1; without it, the middle is there.
    stated = origin.any() and (origin > -size).all() and (origin < 2 * size).all()
    matrix[:3, 3] = -(matrix[:3, :3] @ (origin - 1 if stated else (size - 1) / 2))
    matrix = LPS_TO_RAS @ matrix
    return spacing, matrix[:3, 3], matrix[:3, :3] / spacing


def _voxels(path, header, warnings):
    """(z, y, x), scaled as the header says."""
    name = path.name
    if header["datatype"] not in _DATATYPES:
        raise InputError(
            f"{name} holds voxels of a kind that is not read here (NIfTI data type {header['datatype']}); "
            "save it as 16-bit integers or 32-bit floating-point numbers."
        )
    dtype = np.dtype(header["order"] + _DATATYPES[header["datatype"]])
    size = _size(header)
    data, offset = path, max(header["offset"], 0)
    if header["single_file"]:
        if offset < header["header_bytes"]:
            warnings.append(
                f"The header of {name} lets the voxels begin inside the header (vox_offset {offset}); "
                f"they were read from byte {header['header_bytes']} on."
            )
            offset = header["header_bytes"]
    else:
        data = _data_file(path)
    count = int(np.prod([int(one) for one in size], dtype=object))
    needed = offset + count * dtype.itemsize
    content = uncompressed_bytes(data)
    if len(content) < needed:
        found = f"{len(content):,} of {needed:,} bytes are there"
        raise InputError(f"{name} is truncated: {found}. Copy or export it again.")
    array = np.frombuffer(content, dtype, count, offset).reshape(size[::-1])
    return _scaled(name, array.astype(dtype.newbyteorder("="), copy=False), header)


def _scaled(name, array, header):
    slope, intercept = header["scaling"]
    if header["version"] == 0:
        intercept = 0.0  # SPM's Analyze files have a slope alone
    # A slope of 0 says that there is no scaling at all, whatever the intercept.
    if slope == 0 or not np.isfinite(slope) or (slope, intercept) == (1, 0):
        return array
    if not np.isfinite(intercept):
        raise InputError(
            f"The header of {name} scales the voxels by {slope:g} but gives no valid intercept; correct its scl_inter."
        )
    scaled = array.astype(np.float64) * slope + intercept
    return scaled if array.dtype.itemsize == 8 else scaled.astype(np.float32)


def _data_file(path):
    """The file with the voxels that belongs to a header of its own."""
    stem = path.name[: -len(".gz")] if path.name.lower().endswith(".gz") else path.name
    base = path.with_name(stem)
    if base.suffix.lower() == ".img":
        return path
    candidates = [base.with_suffix(suffix) for suffix in (".img", ".IMG", ".img.gz", ".IMG.gz")]
    found = next((candidate for candidate in candidates if candidate.is_file()), None)
    if found is None:
        raise InputError(
            f"{path.name} cannot be read as a volume: its data file {candidates[0].name} is missing. Copy both files."
        )
    return found
