"""NIfTI-1, NIfTI-2 and Analyze headers as they stand: what they say, and what is refused by them alone.

Source: nifti1.h and nifti2.h of the NIfTI formats.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from ..errors import InputError
from .header_checks import (
    colour_message,
    complex_message,
    first_bytes,
    four_d_message,
    label_message,
    listed,
    vector_message,
)

_RGB = {128: "RGB", 2304: "RGBA"}
_COMPLEX = (32, 1792, 2048)
_LABEL_INTENT = 1002
_CIFTI_INTENTS = range(3000, 3100)


def parse_nifti(path: Path, start: bytes) -> dict | None:
    """Header fields of NIfTI-1, NIfTI-2 or Analyze as a dict; None if the file is none of them."""
    if path.suffix.lower() == ".img" and path.with_suffix(".hdr").is_file():
        start = first_bytes(path.with_suffix(".hdr"))
    if len(start) < 348:
        return None
    for order in "<>":
        size = struct.unpack_from(order + "i", start)[0]
        if size == 348:
            return _parse_nifti1(start, order)
        if size == 540 and len(start) >= 540:
            return _parse_nifti2(start, order)
    return None


def _parse_nifti1(start, order):
    magic = start[344:348]
    return {
        "version": 1 if magic[:3] in (b"n+1", b"ni1") else 0,
        "single_file": magic[:3] == b"n+1",
        "dim": struct.unpack_from(order + "8h", start, 40),
        "intent": struct.unpack_from(order + "h", start, 68)[0],
        "datatype": struct.unpack_from(order + "h", start, 70)[0],
        "bits": struct.unpack_from(order + "h", start, 72)[0],
        "pixdim": struct.unpack_from(order + "8f", start, 76),
        "offset": _whole(struct.unpack_from(order + "f", start, 108)[0]),
        "scaling": struct.unpack_from(order + "2f", start, 112),
        "units": start[123],
        "spm_origin": struct.unpack_from(order + "3h", start, 253),
        "description": start[148:228].split(b"\0")[0],
        "qform_code": struct.unpack_from(order + "h", start, 252)[0],
        "sform_code": struct.unpack_from(order + "h", start, 254)[0],
        "qform": struct.unpack_from(order + "6f", start, 256),
        "sform": struct.unpack_from(order + "12f", start, 280),
        "order": order,
        "header_bytes": 352,
    }


def _whole(number):
    return int(number) if np.isfinite(number) else 0


def _parse_nifti2(start, order):
    return {
        "version": 2,
        "single_file": start[4:7] == b"n+2",
        "dim": struct.unpack_from(order + "8q", start, 16),
        "intent": struct.unpack_from(order + "i", start, 504)[0],
        "datatype": struct.unpack_from(order + "h", start, 12)[0],
        "bits": struct.unpack_from(order + "h", start, 14)[0],
        "pixdim": struct.unpack_from(order + "8d", start, 104),
        "offset": struct.unpack_from(order + "q", start, 168)[0],
        "scaling": struct.unpack_from(order + "2d", start, 176),
        "units": struct.unpack_from(order + "i", start, 500)[0],
        "description": start[240:320].split(b"\0")[0],
        "qform_code": struct.unpack_from(order + "i", start, 344)[0],
        "sform_code": struct.unpack_from(order + "i", start, 348)[0],
        "qform": struct.unpack_from(order + "6d", start, 352),
        "sform": struct.unpack_from(order + "12d", start, 400),
        "order": order,
        "header_bytes": 544,
    }


def check_nifti(path: Path, header: dict, labels_allowed: bool) -> None:
    """Refuse, by the header alone, what is no scalar 3-D volume with valid sizes.

    Raises:
        InputError: 4-D, RGB, vector or complex data, label maps, impossible sizes or voxel sizes.
    """
    name, dim = path.name, header["dim"]
    rank = dim[0]
    if not 1 <= rank <= 7 or any(size < 1 for size in dim[1 : rank + 1]):
        raise InputError(f"The header of {name} is damaged (sizes {dim[1:4]}); export the volume again.")
    if header["intent"] in _CIFTI_INTENTS:
        raise InputError(f"{name} is a CIFTI file (surfaces, connectivity), not a volume; give a 3-D scan.")
    if header["datatype"] in _RGB:
        raise InputError(colour_message(name, _RGB[header["datatype"]]))
    if header["datatype"] in _COMPLEX:
        raise InputError(complex_message(name))
    if rank > 4 and max(dim[5 : rank + 1]) > 1:
        raise InputError(vector_message(name, max(dim[5 : rank + 1])))
    if rank > 3 and dim[4] > 1:
        raise InputError(four_d_message(name, dim[4]))
    if rank < 3:
        raise InputError(f"{name} is a single 2-D picture; give a 3-D volume.")
    if header["intent"] == _LABEL_INTENT and not labels_allowed:
        raise InputError(label_message(name))
    spacing = np.abs(header["pixdim"][1:4])
    if not np.isfinite(spacing).all() or (spacing == 0).any():
        raise InputError(f"The header of {name} gives no valid voxel size ({listed(spacing)} mm); correct it first.")
