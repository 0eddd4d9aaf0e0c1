"""What the headers of NRRD and MetaImage files say about themselves, read without ITK.

ITK repairs or passes over some geometries without a word, so what it would hide is refused here with
a reason. The formats that are read without ITK (NIfTI, Analyze, MGH) check themselves.

Sources: the NRRD format definition, the MetaImage documentation.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from .header_checks import check_axes, label_message


def check_raw_header(path: Path, start: bytes, labels_allowed: bool = False) -> list[str]:
    """Refuse what the header of a file shows to be unusable; formats that are not known here pass.

    Args:
        path: an existing regular file.
        start: its first bytes.
        labels_allowed: accept files that declare themselves label maps (masks are).

    Returns:
        Warnings, each one sentence.

    Raises:
        InputError: a label map, sheared axes, or a space that is no patient's.
    """
    if start[:4] == b"NRRD":
        return _check_nrrd(path, labels_allowed)
    if path.suffix.lower() in (".mha", ".mhd"):
        return _check_meta_image(path)
    return []


def reason_in_header(path: Path, start: bytes) -> str:
    """A clause that says why an NRRD or MetaImage file could not be read; empty for other formats."""
    if start[:4] == b"NRRD":
        fields, _ = _nrrd_header(path)
        encoding = fields.get("encoding", "").strip().lower()
        if encoding not in ("raw", "ascii", "text", "txt", "hex", "gzip", "gz"):
            return f'its voxels are packed as "{encoding}", which is not read here (save it raw or with gzip)'
        data = fields.get("data file", fields.get("datafile", "")).strip()
    elif path.suffix.lower() in (".mha", ".mhd"):
        lines = [line.partition("=") for line in _text_lines(path, b"ElementDataFile")]
        data = next((value.strip() for key, _, value in lines if key.strip() == "ElementDataFile"), "LOCAL")
    else:
        return ""
    is_a_name = data and not data.upper().startswith(("LIST", "LOCAL")) and "%" not in data
    if is_a_name and not (path.parent / data).is_file():
        return f"its data file {data} is missing (copy both)"
    return "its voxels are damaged or cut short (copy or export it again)"


def _check_nrrd(path, labels_allowed):
    fields, keys = _nrrd_header(path)
    if not labels_allowed and any(key.startswith("Segment0_") for key in keys):
        raise InputError(label_message(path.name))
    vectors = _vectors(fields.get("space directions", ""))
    if len(vectors) == 3 and all(len(vector) == 3 for vector in vectors):
        check_axes(path, np.array(vectors, dtype=float).T)
    return _nrrd_space(path, fields) + _nrrd_lengths(path, fields, vectors)


def _nrrd_space(path, fields):
    """Warnings about where an NRRD file lies.

    Raises:
        InputError: its space is left-handed without being a patient's: nothing tells which side is left.
    """
    space = fields.get("space", "").strip().lower()
    if space in ("3d-left-handed", "3dlh"):
        raise InputError(
            f'The space of {path.name} is "{fields["space"].strip()}": a mirror image of an unknown space, in which '
            'left and right cannot be told. Save it with an anatomical space ("left-posterior-superior").'
        )
    if ("axis mins" in fields or "axismins" in fields) and not ("centers" in fields or "centerings" in fields):
        raise InputError(
            f'{path.name} places its voxels by "axis mins" without telling ("centers") whether these are the edges or '
            'the centres of voxels; save it with "space directions" and "space origin".'
        )
    if space in _ANATOMICAL:
        return []
    named = f'its space is "{fields["space"].strip()}"' if space else "it names no space"
    return [f"{path.name} does not say how it lies in the patient ({named}); left-posterior-superior was assumed."]


def _nrrd_lengths(path, fields, vectors):
    """Warnings about voxel sizes that are not stated, or in a unit that ITK passes over."""
    warnings = []
    if len(vectors) < 3:
        numbers = fields.get("spacings", "").split()
        stated = [one for one in numbers if one.lower() != "nan"]
        if len(stated) < 3:
            warnings.append(_no_voxel_size(path))
    units = {one.strip().lower() for one in fields.get("space units", fields.get("units", "")).split('"')} - {""}
    others = sorted(units - {"mm", "millimeter", "millimeters", "millimetre", "millimetres", "none", "???", "s", "sec"})
    if others:
        warnings.append(
            f"{path.name} states its lengths in {', '.join(others)}, which ITK and Slicer pass over: they were taken "
            "as mm. Check the voxel size."
        )
    return warnings


def _no_voxel_size(path):
    return (
        f"{path.name} does not state the size of its voxels; 1 mm was taken where it is missing. Check the voxel size."
    )


_ANATOMICAL = (
    "left-posterior-superior", "lps", "right-anterior-superior", "ras", "left-anterior-superior", "las",
)  # fmt: skip


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
    fields = {}
    for line in _text_lines(path, b"ElementDataFile"):
        key, _, value = line.partition("=")
        fields[key.strip()] = value
    for key in ("TransformMatrix", "Rotation", "Orientation"):
        if key not in fields:
            continue
        try:
            numbers = np.array([float(number) for number in fields[key].split()])
        except ValueError:
            raise InputError(f"The header of {path.name} is damaged (its {key}); export it again.") from None
        if numbers.size == 9:
            check_axes(path, numbers.reshape(3, 3).T)
    return [] if "ElementSpacing" in fields or "ElementSize" in fields else [_no_voxel_size(path)]


def _text_lines(path, last):
    with open(path, "rb") as stream:
        for _ in range(200):
            line = stream.readline(4096)
            if not line:
                return
            yield line.decode("latin-1").strip()
            if line.startswith(last):
                return
