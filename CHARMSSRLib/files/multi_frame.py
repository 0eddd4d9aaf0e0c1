"""The frames of a multi-frame DICOM file.

Position, orientation, spacing, scaling and the kind of each frame lie in nested sequences (functional groups), which
only pydicom shows. Source: DICOM PS3.3, C.7.6.16 (functional groups) and C.8.13 (Enhanced MR).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import SimpleITK as sitk

from ..errors import InputError
from .dicom_frame import Frame, array_of, modality_of, no_scale, number_of, plain_text
from .functional_groups import functional_macro

SCALING = "PixelValueTransformationSequence"


def multi_frame(path: Path, reader: sitk.ImageFileReader) -> list[Frame]:
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
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if per_frame and len(per_frame) < count:
        raise ValueError(f"it tells about {len(per_frame)} of {count} frames")
    value_of = functional_macro(dataset, index)

    def macro(name: str, keyword: str, default: Any = None) -> Any:
        value = value_of(name, keyword)
        return default if value is None else value

    measures = macro("PixelMeasuresSequence", "PixelSpacing", dataset.get("PixelSpacing"))
    frame_type = (
        macro("MRImageFrameTypeSequence", "FrameType")
        or macro("CTImageFrameTypeSequence", "FrameType")
        or macro("PETFrameTypeSequence", "FrameType")
        or dataset.get("ImageType")
        or []
    )
    slope = float(macro(SCALING, "RescaleSlope", dataset.get("RescaleSlope", 1.0)))
    if slope == 0:
        raise no_scale(path)
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
        modality=modality_of(str(dataset.get("SOPClassUID", "")), str(dataset.get("Modality", "") or "")),
        uid=f"{dataset.get('SOPInstanceUID', '')}/{index}",
        study=str(dataset.get("StudyInstanceUID", "")),
        size=(int(dataset.Columns), int(dataset.Rows)),
        pixel_type=reader.GetPixelID(),
        components=int(dataset.get("SamplesPerPixel", 1)),
        position=array_of(macro("PlanePositionSequence", "ImagePositionPatient"), 3),
        orientation=array_of(macro("PlaneOrientationSequence", "ImageOrientationPatient"), 6),
        spacing=None if measures is None else (float(measures[1]), float(measures[0])),
        slice_spacing=number_of(macro("PixelMeasuresSequence", "SpacingBetweenSlices", "")),
        slope=slope,
        intercept=float(macro(SCALING, "RescaleIntercept", dataset.get("RescaleIntercept", 0.0))),
        padding=number_of(dataset.get("PixelPaddingValue", "")),
        traits={
            "image type": "\\".join(str(part) for part in list(frame_type)[2:]),
            **{name: plain_text(value) for name, value in plain.items()},
        },
    )


def scales_by_zero(path: Path) -> bool:
    """Whether a frame's scaling is by 0, which GDCM refuses as if the file were damaged."""
    try:
        import pydicom

        dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        count = max(1, int(dataset.get("NumberOfFrames") or 1))
        slopes = (functional_macro(dataset, index)(SCALING, "RescaleSlope") for index in range(count))
        return any(slope is not None and float(slope) == 0 for slope in (dataset.get("RescaleSlope"), *slopes))
    except (ModuleNotFoundError, OSError, AttributeError, ValueError, TypeError, EOFError, NotImplementedError):
        return False


def _direction(sequence):
    return plain_text(sequence[0].get("DiffusionGradientOrientation")) if sequence else ""
