"""What a volume's file says about itself, read without ITK.

ITK repairs some geometries without a word (a sheared NIfTI sform is replaced by the qform, a scale
that contradicts the voxel size is dropped) and fills the missing end of a truncated NIfTI file with
zeros. So the headers of the common formats are read here as they stand, and what ITK would hide is
refused with a reason.

Sources: the NRRD format definition, the MetaImage documentation, the MGH format page of FreeSurfer;
NIfTI: see nifti_header.py.
"""

import struct
from pathlib import Path

import numpy as np

from ..errors import InputError
from .header_checks import check_axes, first_bytes, four_d_message, label_message
from .nifti_header import check_nifti, parse_nifti


def check_raw_header(path, labels_allowed=False):
    """Refuse what the header of a file shows to be unusable.

    Formats that are not known here pass: ITK judges them.

    Args:
        path: an existing regular file.
        labels_allowed: accept files that declare themselves label maps (masks are).

    Raises:
        InputError: 4-D, RGB, vector or complex data, label maps, sheared or contradictory geometry,
            or a file shorter than its header promises.
    """
    path = Path(path)
    start = first_bytes(path)
    if start[:4] == b"NRRD":
        _check_nrrd(path, labels_allowed)
    elif path.suffix.lower() in (".mha", ".mhd"):
        _check_meta_image(path)
    elif _is_mgh(path):
        _check_mgh(path, start)
    else:
        nifti = parse_nifti(path, start)
        if nifti is not None:
            check_nifti(path, nifti, labels_allowed)


def unreadable_reason(path):
    """A hint, one clause, why SimpleITK could not read a file; empty when none is known."""
    path = Path(path)
    try:
        start = first_bytes(path)
    except InputError:
        return "it is damaged"
    nifti = parse_nifti(path, start)
    if _is_mgh(path):
        return "FreeSurfer's MGH format is not read here (convert it with mri_convert)"
    if nifti is not None and nifti["version"] == 2:
        return "it is a NIfTI-2 file, which is not read here (save it as NIfTI-1)"
    if path.suffix.lower() == ".hdr" and not path.with_suffix(".img").exists():
        return f"its data file {path.with_suffix('.img').name} is missing"
    return ""


def _check_nrrd(path, labels_allowed):
    fields, keys = _nrrd_header(path)
    if not labels_allowed and any(key.startswith("Segment0_") for key in keys):
        raise InputError(label_message(path.name))
    vectors = _vectors(fields.get("space directions", ""))
    if len(vectors) == 3 and all(len(vector) == 3 for vector in vectors):
        check_axes(path, np.array(vectors, dtype=float).T)


def _nrrd_header(path):
    """Fields ("name: value") and keys ("key:=value") of an NRRD header."""
    fields, keys = {}, {}
    with open(path, "rb") as stream:
        for line in stream:
            text = line.decode("utf-8", "replace").strip()
            if not text:
                break
            if ":=" in text:
                key, value = text.split(":=", 1)
                keys[key] = value
            elif ": " in text and not text.startswith("#"):
                key, value = text.split(": ", 1)
                fields[key.lower()] = value
    return fields, keys


def _vectors(text):
    """The vectors of a "space directions" field; axes without a direction ("none") are left out."""
    vectors = []
    for part in text.replace(" ", "").split("("):
        numbers = part.split(")")[0]
        if "," in numbers:
            try:
                vectors.append([float(number) for number in numbers.split(",")])
            except ValueError:
                return []
    return vectors


def _check_meta_image(path):
    for line in _text_lines(path, b"ElementDataFile"):
        key, _, value = line.partition("=")
        if key.strip() in ("TransformMatrix", "Rotation", "Orientation"):
            try:
                numbers = np.array([float(number) for number in value.split()])
            except ValueError:
                raise InputError(
                    f"The header of {path.name} is damaged (its {key.strip()}); export it again."
                ) from None
            if numbers.size == 9:
                check_axes(path, numbers.reshape(3, 3).T)


def _text_lines(path, last):
    with open(path, "rb") as stream:
        for _ in range(200):
            line = stream.readline(4096)
            if not line:
                return
            yield line.decode("latin-1").strip()
            if line.startswith(last):
                return


def _is_mgh(path):
    return path.name.lower().endswith((".mgh", ".mgz", ".mgh.gz"))


def _check_mgh(path, start):
    if len(start) < 90:
        raise InputError(f"{path.name} is truncated: even its header is incomplete. Copy or export it again.")
    frames = struct.unpack_from(">i", start, 16)[0]
    if frames > 1:
        raise InputError(four_d_message(path.name, frames))
    if struct.unpack_from(">h", start, 28)[0] > 0:
        check_axes(path, np.array(struct.unpack_from(">9f", start, 42), dtype=float).reshape(3, 3).T)
