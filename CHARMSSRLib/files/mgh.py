"""Reads and writes FreeSurfer's volumes (.mgh, .mgz).

Source: the description of the format in FreeSurfer's wiki (MghFormat): 284 bytes of header, all
big-endian, then the voxels, the first axis fastest.
"""

from __future__ import annotations

import itertools
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .compressed import uncompressed_bytes, write_blocks
from .header_checks import check_axes, deviation_from_rotation, four_d_message, nearest_rotation
from .itk_geometry import index_to_lps
from .nifti_forms import LPS_TO_RAS, NiftiForms
from .nifti_writer import forms_of
from .scan import Scan

HEADER_BYTES = 284
_DATATYPES = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2", 10: ">u2"}
_CODES = {"uint8": 0, "int32": 1, "float32": 3, "int16": 4, "uint16": 10}
_RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])
_TRUNCATED = "{} is truncated: {:,} of {:,} bytes are there. Copy or export it again."


def is_mgh(path: Path) -> bool:
    """Whether a name is that of a FreeSurfer volume (the format has no mark of its own)."""
    return path.name.lower().endswith((".mgh", ".mgz", ".mgh.gz"))


def read_mgh(path: Path) -> Scan:
    """The volume of a FreeSurfer file, in its own pixel type.

    Raises:
        InputError: no 3-D volume of a known kind, sheared axes, or damaged voxels.
    """
    content = uncompressed_bytes(path)
    if len(content) < HEADER_BYTES:
        raise InputError(_TRUNCATED.format(path.name, len(content), HEADER_BYTES))
    version, *size, frames, kind, _ = struct.unpack_from(">7i", content)
    if version != 1 or min(size) < 1:
        raise InputError(f"{path.name} is damaged, or no FreeSurfer volume at all. Copy or export it again.")
    if frames > 1:
        raise InputError(four_d_message(path.name, frames))
    if kind not in _DATATYPES:
        raise InputError(f"{path.name} holds voxels of a kind not read here (MGH type {kind}); save it as float.")
    dtype = np.dtype(_DATATYPES[kind])
    count = int(np.prod([int(one) for one in size], dtype=object))
    needed = HEADER_BYTES + count * dtype.itemsize
    if len(content) < needed:
        raise InputError(_TRUNCATED.format(path.name, len(content), needed))
    array = np.frombuffer(content, dtype, count, HEADER_BYTES).reshape(size[::-1])
    image = sitk.GetImageFromArray(array.astype(dtype.newbyteorder("=")))
    forms, warnings = _place(path, image, content)
    return Scan(image, warnings, forms)


def mgh_spacing(start: bytes) -> tuple[float, float, float] | None:
    """Voxel size (mm) by the first bytes of an unpacked file; None where they do not tell."""
    if len(start) < 42 or struct.unpack_from(">h", start, 28)[0] <= 0:
        return None
    return struct.unpack_from(">3f", start, 30)


def _place(path, image, content):
    """Give the image the geometry of the header; returns it as forms, with axes as they stand, and warnings."""
    size = np.array(image.GetSize(), float)
    if struct.unpack_from(">h", content, 28)[0] <= 0:
        # FreeSurfer and nibabel fill in different axes.
        raise InputError(
            f"The header of {path.name} states no geometry (its RAS flag is 0), and programs guess differently; "
            "give it one with FreeSurfer's mri_convert first."
        )
    numbers = np.array(struct.unpack_from(">15f", content, 30), float)
    spacing, axes, centre = numbers[:3], numbers[3:12].reshape(3, 3).T, numbers[12:]
    warnings = []
    if not (np.isfinite(spacing).all() and (spacing > 0).all() and np.isfinite(centre).all()):
        raise InputError(f"The header of {path.name} gives no valid voxel size; export the volume again.")
    check_axes(path, axes * spacing)
    rotation = nearest_rotation(axes)
    if deviation_from_rotation(axes) > 1e-5:
        moved = float(np.abs(((axes - rotation) * spacing) @ (size / 2)).max())
        warnings.append(
            f"The voxel axes of {path.name} are slightly off right angles; the nearest grid with right angles was "
            f"taken, which moves a corner of the volume by up to {moved:.2g} mm."
        )
    # The header tells where the voxel of index size/2 lies.
    origin = centre - (rotation * spacing) @ (size / 2)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin((_RAS_TO_LPS * origin).tolist())
    image.SetDirection((_RAS_TO_LPS[:, None] * rotation).ravel().tolist())
    stated = np.column_stack([axes * spacing, centre - (axes * spacing) @ (size / 2)])
    return replace(forms_of(image), sform=tuple(stated.ravel().tolist())), warnings


def write_mgh(image: sitk.Image, path: Path, compressed: bool, forms: NiftiForms | None = None) -> None:
    """Write a scalar 3-D image; pixel types that the format lacks become float32.

    Args:
        image: SimpleITK image.
        path: file to create.
        compressed: gzip the file.
        forms: the geometries of the scan it was made from, on the image's grid. The format holds one: the
            one that FreeSurfer and nibabel take from a NIfTI file.

    Raises:
        OSError: the file cannot be written.
    """
    array = sitk.GetArrayViewFromImage(image)
    if array.dtype.name not in _CODES:
        array = array.astype(np.float32)
    code = _CODES[array.dtype.name]
    size = image.GetSize()
    matrix = forms.followed_by_most(size) if forms is not None else LPS_TO_RAS @ index_to_lps(image)
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    centre = matrix[:3, :3] @ (np.array(size) / 2) + matrix[:3, 3]
    axes = matrix[:3, :3] / spacing
    header = struct.pack(">7i", 1, *size, 1, code, 0)
    header += struct.pack(">h15f", 1, *spacing, *axes.T.ravel(), *centre)
    header = header.ljust(HEADER_BYTES, b"\0")
    slabs = (slab.astype(_DATATYPES[code]).tobytes() for slab in array)
    write_blocks(path, itertools.chain([header], slabs), compressed)
