"""Whether a file is DICOM, and its tags without its pixels."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from .native_messages import native_messages_hidden

_FIRST_VRS = (b"UI", b"CS", b"UL", b"SH", b"LO", b"DA", b"TM", b"OB")


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM: it carries the mark after the preamble, or begins with DICOM's first group."""
    try:
        with open(path, "rb") as stream:
            start = stream.read(132)
    except OSError:
        return False
    if start[128:] == b"DICM":
        return True
    if len(start) < 16 or start[:2] not in (b"\x08\x00", b"\x02\x00") or start[3:4] != b"\x00":
        return False
    # Explicit value representations come as two letters, implicit ones leave a small even length.
    length = int.from_bytes(start[4:8], "little")
    return start[4:6] in _FIRST_VRS or (length < 256 and length % 2 == 0)


def header_reader(path: Path) -> sitk.ImageFileReader:
    """A reader that knows the tags of a DICOM file, not its pixels.

    Raises:
        RuntimeError: it holds no image that can be read.
    """
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    with native_messages_hidden():
        reader.ReadImageInformation()
    return reader
