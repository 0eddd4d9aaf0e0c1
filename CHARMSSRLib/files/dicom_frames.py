"""What one DICOM image says about itself: a classic file is one frame, a multi-frame file holds many.

Classic headers are read by SimpleITK. Multi-frame files keep position, orientation, spacing, scaling
and the kind of each frame in nested sequences (functional groups), which only pydicom shows.

Source: DICOM PS3.3, C.7.6.16 (functional groups) and C.8.13 (Enhanced MR).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .functional_groups import functional_macro
from .native_messages import native_messages_hidden

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
_MR, _CT = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.2"
_SCALING = "PixelValueTransformationSequence"
_PIXEL_DATA_TAG = b"\xe0\x7f\x10\x00"
_FIRST_VRS = (b"UI", b"CS", b"UL", b"SH", b"LO", b"DA", b"TM", b"OB")


@dataclass(frozen=True)
class Frame:
    """One image of a series.

    Attributes:
        path: file that holds it.
        index: its place in a multi-frame file, from 0; None in a classic file.
        series, number, description, modality, uid: of the series and the image, as texts.
        study: identifier of the study.
        size: columns and rows.
        pixel_type: SimpleITK's, after the scaling.
        components: values per pixel.
        position, orientation: LPS, mm (3 and 6 numbers); None where the file gives none.
        spacing: mm along the rows and along the columns (x, y); None where the file gives none.
        slice_spacing: mm from slice to slice, as the file says; None where it does not.
        slope, intercept: scaling of the stored values (multi-frame only; SimpleITK applies a classic file's).
        padding: stored value that stands for "no data"; None where none is declared.
        traits: what tells images of different kinds at one place apart, by name; texts, "" where unknown.
    """

    path: Path
    index: int | None
    series: str
    number: str
    description: str
    modality: str
    uid: str
    study: str
    size: tuple[int, int]
    pixel_type: int
    components: int
    position: np.ndarray | None
    orientation: np.ndarray | None
    spacing: tuple[float, float] | None = None
    slice_spacing: float | None = None
    slope: float = 1.0
    intercept: float = 0.0
    padding: float | None = None
    traits: dict[str, str] = field(default_factory=dict)


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
            if _scales_by_zero(path):
                raise _no_scale(path) from error
            raise InputError(
                f"The DICOM file {path.name} is damaged or packed in a way that cannot be read; "
                "export the series again, uncompressed."
            ) from error
        return []

    def text(tag: str) -> str:
        return reader.GetMetaData(tag).strip(" \0") if reader.HasMetaDataKey(tag) else ""

    if text("0008|0016").startswith(_NO_IMAGES):
        return []
    several = _number(text("0028|0008"))
    if (several is not None and several > 1) or (len(reader.GetSize()) > 2 and reader.GetSize()[2] > 1):
        return _multi_frame(path, reader)
    if not text("0020|0032") and _is_enhanced(text("0008|0016")):
        return _multi_frame(path, reader)
    spacing = _vector(text("0028|0030"), 2)
    frame = Frame(
        path=path,
        index=None,
        series=text("0020|000e"),
        number=text("0020|0011"),
        description=text("0008|103e"),
        modality=_modality(text("0008|0016"), text("0008|0060")),
        uid=text("0008|0018"),
        study=text("0020|000d"),
        size=reader.GetSize()[:2],
        pixel_type=reader.GetPixelID(),
        components=reader.GetNumberOfComponents(),
        position=_vector(text("0020|0032"), 3),
        orientation=_vector(text("0020|0037"), 6),
        spacing=None if spacing is None else (float(spacing[1]), float(spacing[0])),
        slice_spacing=_number(text("0018|0088")),
        slope=_or(_number(text("0028|1053")), 1.0),
        intercept=_or(_number(text("0028|1052")), 0.0),
        padding=_number(text("0028|0120")),
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


def _multi_frame(path: Path, reader: sitk.ImageFileReader) -> list[Frame]:
    """The frames of a multi-frame file, in the file's order."""
    try:
        import pydicom
        from pydicom.errors import InvalidDicomError
    except ModuleNotFoundError:
        raise InputError(
            f"{path.name} is a multi-frame DICOM file; to read these, install pydicom: pip install 'charmssr[dicom]'."
        ) from None
    try:
        dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        count = int(dataset.NumberOfFrames)
        return [_frame(path, dataset, index, count, reader) for index in range(count)]
    except (InvalidDicomError, AttributeError, ValueError, IndexError, TypeError) as error:
        raise InputError(f"The multi-frame DICOM file {path.name} is damaged ({error}); export it again.") from error


def _frame(path, dataset, index, count, reader):
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if per_frame and len(per_frame) < count:
        raise ValueError(f"it tells about {len(per_frame)} of {count} frames")
    groups = [group for group in ((per_frame[index] if per_frame else None), shared) if group is not None]

    def macro(name: str, keyword: str, default: Any = None) -> Any:
        """A value of this frame's functional groups, or of the shared ones."""
        for group in groups:
            for item in group.get(name) or []:
                value = item.get(keyword)
                if value is not None and value != "":
                    return value
        return default

    measures = macro("PixelMeasuresSequence", "PixelSpacing", dataset.get("PixelSpacing"))
    frame_type = (
        macro("MRImageFrameTypeSequence", "FrameType")
        or macro("CTImageFrameTypeSequence", "FrameType")
        or macro("PETFrameTypeSequence", "FrameType")
        or dataset.get("ImageType")
        or []
    )
    slope = float(macro(_SCALING, "RescaleSlope", dataset.get("RescaleSlope", 1.0)))
    if slope == 0:
        raise _no_scale(path)
    component = macro("MRImageFrameTypeSequence", "ComplexImageComponent", dataset.get("ComplexImageComponent", ""))
    converted = "UnassignedPerFrameConvertedAttributesSequence"
    plain = {
        "echo time": macro("MREchoSequence", "EffectiveEchoTime", macro(converted, "EchoTime", "")),
        "inversion time": macro("MRModifierSequence", "InversionTimes", macro(converted, "InversionTime", "")),
        "temporal position": macro("FrameContentSequence", "TemporalPositionIndex", ""),
        "acquisition number": macro("FrameContentSequence", "FrameAcquisitionNumber", ""),
        "b-value": macro("MRDiffusionSequence", "DiffusionBValue", ""),
        "complex component": component,
        "repetition time": macro("MRTimingAndRelatedParametersSequence", "RepetitionTime", ""),
        "trigger time": macro("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime", ""),
        "flip angle": macro("MRTimingAndRelatedParametersSequence", "FlipAngle", ""),
        "diffusion direction": _direction(macro("MRDiffusionSequence", "DiffusionGradientDirectionSequence")),
    }
    return Frame(
        path=path,
        index=index,
        series=str(dataset.get("SeriesInstanceUID", "")),
        number=str(dataset.get("SeriesNumber", "") or ""),
        description=str(dataset.get("SeriesDescription", "") or ""),
        modality=_modality(str(dataset.get("SOPClassUID", "")), str(dataset.get("Modality", "") or "")),
        uid=f"{dataset.get('SOPInstanceUID', '')}/{index}",
        study=str(dataset.get("StudyInstanceUID", "")),
        size=(int(dataset.Columns), int(dataset.Rows)),
        pixel_type=reader.GetPixelID(),
        components=int(dataset.get("SamplesPerPixel", 1)),
        position=_array(macro("PlanePositionSequence", "ImagePositionPatient"), 3),
        orientation=_array(macro("PlaneOrientationSequence", "ImageOrientationPatient"), 6),
        spacing=None if measures is None else (float(measures[1]), float(measures[0])),
        slice_spacing=_number(macro("PixelMeasuresSequence", "SpacingBetweenSlices", "")),
        slope=slope,
        intercept=float(macro(_SCALING, "RescaleIntercept", dataset.get("RescaleIntercept", 0.0))),
        padding=_number(dataset.get("PixelPaddingValue", "")),
        traits={
            "image type": "\\".join(str(part) for part in list(frame_type)[2:]),
            **{name: _plain_text(value) for name, value in plain.items()},
        },
    )


def _scales_by_zero(path: Path) -> bool:
    """Whether a frame's scaling is by 0, which GDCM refuses as if the file were damaged."""
    try:
        import pydicom

        dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        count = max(1, int(dataset.get("NumberOfFrames") or 1))
        slopes = (functional_macro(dataset, index)(_SCALING, "RescaleSlope") for index in range(count))
        return any(slope is not None and float(slope) == 0 for slope in (dataset.get("RescaleSlope"), *slopes))
    except (ModuleNotFoundError, OSError, AttributeError, ValueError, TypeError, EOFError, NotImplementedError):
        return False


def _no_scale(path: Path) -> InputError:
    return InputError(
        f"The DICOM file {path.name} says that its values are to be multiplied by 0 (RescaleSlope): nothing would be"
        " left of them; export it again, or correct the slope."
    )


def _modality(class_uid: str, stated: str) -> str:
    """CT by its class, too, whatever a converter wrote."""
    return "CT" if class_uid == _CT or class_uid.startswith(f"{_CT}.") else stated


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


def _direction(sequence):
    return _plain_text(sequence[0].get("DiffusionGradientOrientation")) if sequence else ""


def _plain_text(value):
    if value is None:
        return ""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return str(value)
    return "\\".join(str(one) for one in value)


def _vector(text: str, count: int) -> np.ndarray | None:
    return _array(text.split("\\") if text else None, count)


def _array(values: Any, count: int) -> np.ndarray | None:
    try:
        numbers = np.array([float(number) for number in values])
    except (TypeError, ValueError):
        return None
    return numbers if numbers.size == count and np.isfinite(numbers).all() else None


def _number(text: Any) -> float | None:
    try:
        number = float(text)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
