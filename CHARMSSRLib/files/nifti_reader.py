"""Reads NIfTI-1, NIfTI-2 and Analyze volumes by the letter of their formats.

ITK's reader replaces NaN by 0, adds an intercept whose slope is 0, mirrors an axis whose voxel size is
negative, turns Analyze volumes and keeps only one of a header's two geometries, all without a word.

Source: nifti1.h, nifti2.h.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .compressed import uncompressed_bytes
from .header_checks import deviation_from_rotation
from .itk_geometry import itk_geometry
from .nifti_forms import ITK_TOLERANCE
from .nifti_geometry import analyze_geometry, size_in, valid_forms
from .nifti_header import check_nifti
from .scan import Scan

_DATATYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
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
        geometry, forms, error = analyze_geometry(path, header, warnings), None, 0.0
    else:
        forms = valid_forms(path, header, warnings)
        geometry, error = _geometry(forms, size_in(header))
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


def _geometry(forms, size):
    """Spacing, origin and direction as ITK takes them, and how far (mm) a corner is from what the file says."""
    taken = itk_geometry(forms, size)
    if taken is not None and deviation_from_rotation(taken[2]) <= ITK_TOLERANCE:
        return taken, 0.0
    # Slightly sheared: whether ITK gives up depends on how the volume is turned.
    *geometry, error = forms.geometry(size)
    return geometry, error


def _check_image_axes(path, geometry):
    if not all(np.isfinite(part).all() for part in geometry):
        raise InputError(f"The header of {path.name} gives no valid voxel axes; export the volume again.")


def _voxels(path, header, warnings):
    """(z, y, x), scaled as the header says."""
    name = path.name
    if header["datatype"] not in _DATATYPES:
        raise InputError(
            f"{name} holds voxels of a kind that is not read here (NIfTI data type {header['datatype']}); "
            "save it as 16-bit integers or 32-bit floating-point numbers."
        )
    dtype = np.dtype(header["order"] + _DATATYPES[header["datatype"]])
    size = size_in(header)
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
