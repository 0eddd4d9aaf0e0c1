"""Writes NIfTI single files: NIfTI-1, or NIfTI-2 where a scan was one whose qform NIfTI-1 cannot state.

ITK's own writer neither reports a full disk reliably nor lets the compression level be chosen; here
every byte goes through Python's file objects, so that each failure is an OSError.

Source: nifti1.h and nifti2.h of the NIfTI formats.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from .compressed import write_blocks
from .nifti_forms import NiftiForms, corners
from .nifti_quaternions import C_LIBRARY, NIBABEL, quaternion_of, stored_quaternion

_DATATYPES = {
    "uint8": 2, "int16": 4, "int32": 8, "float32": 16, "float64": 64,
    "int8": 256, "uint16": 512, "uint32": 768, "int64": 1024, "uint64": 1280,
}  # fmt: skip
_HEADER_BYTES, _HEADER_BYTES_2 = 352, 544
# Of a corner of the volume: what rounding to single precision may move.
_COARSE_MM = 2e-4
_SCANNER_COORDINATES = 1
_MILLIMETRES, _SECONDS = 2, 8
_LENGTH_UNITS = {1000.0: 1, 0.001: 3}


def write_nifti(
    image: sitk.Image, path: Path, compressed: bool, description: str = "", forms: NiftiForms | None = None
) -> None:
    """Write a scalar 3-D image; sform and qform both state its geometry, unless ``forms`` says more.

    Args:
        image: SimpleITK image, geometry in LPS (turned into NIfTI's RAS here).
        path: file to create.
        compressed: gzip the file.
        description: free text, up to 79 bytes.
        forms: NiftiForms on the image's grid: both geometries and codes of the scan it was made from.

    Raises:
        OSError: the file cannot be written.
        ValueError: the pixel type has no NIfTI counterpart.
    """
    array = sitk.GetArrayViewFromImage(image)
    if array.dtype.name not in _DATATYPES or array.ndim != 3:
        raise ValueError(f"NIfTI cannot hold a {array.ndim}-D image of {array.dtype.name} here.")
    header = nifti_header(image, array.dtype, description, forms)
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    slabs = (np.ascontiguousarray(slab).data for slab in little_endian)
    write_blocks(path, itertools.chain([header], slabs), compressed)


def nifti_header(image: sitk.Image, dtype: Any, description: str = "", forms: NiftiForms | None = None) -> bytes:
    """The bytes before the voxels: the header, and 4 that say "no extension"."""
    forms, size = forms if forms is not None else forms_of(image), image.GetSize()
    if forms.doubles and not single_precision_serves(forms, size):
        return header_in_doubles(forms, size, dtype, description)
    return header_of_forms(forms, size, dtype, description)


def single_precision_serves(forms: NiftiForms, size: Sequence[int]) -> bool:
    """Whether NIfTI-1 puts a volume where NIfTI-2 does, for every reader: its qform is coarse near half turns."""
    rounded = replace(
        forms,
        quaternion=stored_quaternion(forms.quaternion),
        offset=tuple(np.asarray(forms.offset, np.float32).astype(float)),
        spacing=tuple(np.asarray(forms.spacing, np.float32).astype(float)),
        sform=tuple(np.asarray(forms.sform, np.float32).astype(float)),
    )
    meant = forms.qform_matrix(0.0)
    found = [(rounded.qform_matrix(cut), meant) for cut in (C_LIBRARY, NIBABEL)] if forms.qform_code else []
    found += [(rounded.sform_matrix(), forms.sform_matrix())]
    moved = max(float(np.abs((one - other) @ corners(size)).max()) for one, other in found)
    return forms.unit * moved <= _COARSE_MM


def header_of_forms(forms: NiftiForms, size: Sequence[int], dtype: Any, description: str = "") -> bytes:
    """The 352 bytes of a NIfTI-1 header of a volume that has this size and these forms."""
    dtype = np.dtype(dtype)
    header = bytearray(_HEADER_BYTES)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *size, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, _DATATYPES[dtype.name], dtype.itemsize * 8)
    struct.pack_into("<8f", header, 76, forms.qfac, *forms.spacing, 1, 1, 1, 1)
    struct.pack_into("<3f", header, 108, _HEADER_BYTES, 1, 0)
    struct.pack_into("<B", header, 123, _LENGTH_UNITS.get(forms.unit, _MILLIMETRES) | _SECONDS)
    struct.pack_into("<80s", header, 148, description.encode("ascii", "replace")[:79])
    struct.pack_into("<2h", header, 252, forms.qform_code, forms.sform_code)
    struct.pack_into("<6f", header, 256, *stored_quaternion(forms.quaternion), *forms.offset)
    struct.pack_into("<12f", header, 280, *forms.sform)
    struct.pack_into("<4s", header, 344, b"n+1\0")
    return bytes(header)


def header_in_doubles(forms: NiftiForms, size: Sequence[int], dtype: Any, description: str = "") -> bytes:
    """The 544 bytes of a NIfTI-2 header, likewise."""
    dtype = np.dtype(dtype)
    header = bytearray(_HEADER_BYTES_2)
    struct.pack_into("<i8s", header, 0, 540, b"n+2\0\r\n\x1a\n")
    struct.pack_into("<2h", header, 12, _DATATYPES[dtype.name], dtype.itemsize * 8)
    struct.pack_into("<8q", header, 16, 3, *size, 1, 1, 1, 1)
    struct.pack_into("<8d", header, 104, forms.qfac, *forms.spacing, 1, 1, 1, 1)
    struct.pack_into("<q2d", header, 168, _HEADER_BYTES_2, 1, 0)
    struct.pack_into("<80s", header, 240, description.encode("ascii", "replace")[:79])
    struct.pack_into("<2i", header, 344, forms.qform_code, forms.sform_code)
    struct.pack_into("<6d", header, 352, *forms.quaternion, *forms.offset)
    struct.pack_into("<12d", header, 400, *forms.sform)
    struct.pack_into("<i", header, 500, _LENGTH_UNITS.get(forms.unit, _MILLIMETRES) | _SECONDS)
    return bytes(header)


def forms_of(image: sitk.Image) -> NiftiForms:
    """NiftiForms that both state the geometry of an image, with the codes of scanner coordinates."""
    affine = ras_affine(image)
    spacing = image.GetSpacing()
    quaternion, qfac = quaternion_of(affine[:, :3] / spacing)
    return NiftiForms(
        qform_code=_SCANNER_COORDINATES,
        sform_code=_SCANNER_COORDINATES,
        quaternion=quaternion,
        qfac=qfac,
        offset=tuple(affine[:, 3].tolist()),
        spacing=spacing,
        sform=tuple(affine.ravel().tolist()),
    )


def ras_affine(image: sitk.Image) -> np.ndarray:
    """3x4 matrix from voxel index (i, j, k) to RAS millimetres."""
    to_ras = np.array([-1.0, -1.0, 1.0])[:, None]
    axes = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    return to_ras * np.column_stack([axes, image.GetOrigin()])
