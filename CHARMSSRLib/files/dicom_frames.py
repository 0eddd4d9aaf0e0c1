"""What one DICOM image says about itself: a classic file is one frame, a multi-frame file holds many.

Classic headers are read by SimpleITK, multi-frame files in ``multi_frame.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from .dicom_frame import Frame, array_of, modality_of, no_scale, number_of
from .dicom_header import header_reader
from .multi_frame import multi_frame, scales_by_zero

# Objects without an image of their own, though many hold an icon: by their class's identifier.
_NO_IMAGES = (
    "1.2.840.10008.1.3.10",  # DICOMDIR
    "1.2.840.10008.5.1.4.1.1.11.",  # presentation states
    "1.2.840.10008.5.1.4.1.1.88.",  # structured reports, key objects
    "1.2.840.10008.5.1.4.1.1.104.",  # encapsulated documents
    "1.2.840.10008.5.1.4.1.1.9.",  # waveforms
    "1.2.840.10008.5.1.4.1.1.66",  # raw data, registrations, segmentations, surfaces
    "1.2.840.10008.5.1.4.1.1.67",
    "1.2.840.10008.5.1.4.1.1.4.2",  # MR spectroscopy
    "1.2.840.10008.5.1.4.1.1.30",  # maps of parameters: floats, which GDCM does not read
    "1.2.840.10008.5.1.4.1.1.481.2",  # radiotherapy: dose, structures, plans
    "1.2.840.10008.5.1.4.1.1.481.3",
    "1.2.840.10008.5.1.4.1.1.481.5",
    "1.2.840.10008.5.1.4.34",
    "1.2.840.10008.5.1.4.38",
)
_MR = "1.2.840.10008.5.1.4.1.1.4"
_PIXEL_DATA_TAG = b"\xe0\x7f\x10\x00"


def read_frames(path: Path) -> list[Frame]:
    """The images of a DICOM file; none for an object without an image (reports, DICOMDIR).

    Raises:
        InputError: the file is damaged, or packed in a way that is not known here.
    """
    if _class_in_meta(path).startswith(_NO_IMAGES):
        return []
    try:
        reader = header_reader(path)
    except RuntimeError as error:
        # A class of images without any is a file that was cut short.
        if _class_in_meta(path).startswith(_MR) or _PIXEL_DATA_TAG in path.read_bytes():
            if scales_by_zero(path):
                raise no_scale(path) from error
            raise InputError(
                f"The DICOM file {path.name} is damaged or packed in a way that cannot be read; "
                "export the series again, uncompressed."
            ) from error
        return []

    def text(tag: str) -> str:
        return reader.GetMetaData(tag).strip(" \0") if reader.HasMetaDataKey(tag) else ""

    if text("0008|0016").startswith(_NO_IMAGES):
        return []
    several = number_of(text("0028|0008"))
    if (several is not None and several > 1) or (len(reader.GetSize()) > 2 and reader.GetSize()[2] > 1):
        return multi_frame(path, reader)
    if not text("0020|0032") and _is_enhanced(text("0008|0016")):
        return multi_frame(path, reader)
    spacing = _vector(text("0028|0030"), 2)
    frame = Frame(
        path=path,
        index=None,
        series=text("0020|000e"),
        number=text("0020|0011"),
        description=text("0008|103e"),
        modality=modality_of(text("0008|0016"), text("0008|0060")),
        uid=text("0008|0018"),
        study=text("0020|000d"),
        size=reader.GetSize()[:2],
        pixel_type=reader.GetPixelID(),
        components=reader.GetNumberOfComponents(),
        position=_vector(text("0020|0032"), 3),
        orientation=_vector(text("0020|0037"), 6),
        spacing=None if spacing is None else (float(spacing[1]), float(spacing[0])),
        slice_spacing=number_of(text("0018|0088")),
        slope=_or(number_of(text("0028|1053")), 1.0),
        intercept=_or(number_of(text("0028|1052")), 0.0),
        padding=number_of(text("0028|0120")),
        traits={
            "image type": "\\".join(part.strip() for part in text("0008|0008").split("\\")[2:]),
            "echo time": text("0018|0081"),
            "inversion time": text("0018|0082"),
            "temporal position": text("0020|0100"),
            "acquisition number": text("0020|0012"),
            "b-value": text("0018|9087"),
            "repetition time": text("0018|0080"),
            "trigger time": text("0018|1060"),
            "flip angle": text("0018|1314"),
            "title": text("0008|103e"),
        },
    )
    return [frame]


def _is_enhanced(class_uid: str) -> bool:
    """Whether a class keeps its geometry in functional groups."""
    return class_uid in (
        "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.3", "1.2.840.10008.5.1.4.1.1.4.4",
        "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2", "1.2.840.10008.5.1.4.1.1.128.1",
        "1.2.840.10008.5.1.4.1.1.130",
    )  # fmt: skip


def _class_in_meta(path: Path) -> str:
    """The class of the object from the file's own header, "" where that does not tell."""
    try:
        with open(path, "rb") as stream:
            start = stream.read(1024)
    except OSError:
        return ""
    place = start.find(b"\x02\x00\x02\x00UI", 128)
    if place < 0:
        return ""
    length = int.from_bytes(start[place + 6 : place + 8], "little")
    return start[place + 8 : place + 8 + length].decode("ascii", "replace").strip(" \0")


def _vector(text: str, count: int) -> np.ndarray | None:
    return array_of(text.split("\\") if text else None, count)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
