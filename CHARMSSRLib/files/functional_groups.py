"""One frame of an enhanced multi-frame object as a classic image's attributes.

Source: DICOM PS3.3, C.7.6.16 and C.8.13 (functional groups of Enhanced MR) against C.8.3.1 (MR Image).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

# Macro, attribute there, attribute of a classic image; values are taken as they are.
_SAME = (
    ("PixelMeasuresSequence", "PixelSpacing", "PixelSpacing"),
    ("PixelMeasuresSequence", "SliceThickness", "SliceThickness"),
    ("PixelMeasuresSequence", "SpacingBetweenSlices", "SpacingBetweenSlices"),
    ("PlanePositionSequence", "ImagePositionPatient", "ImagePositionPatient"),
    ("PlaneOrientationSequence", "ImageOrientationPatient", "ImageOrientationPatient"),
    ("FrameVOILUTSequence", "WindowCenter", "WindowCenter"),
    ("FrameVOILUTSequence", "WindowWidth", "WindowWidth"),
    ("PixelValueTransformationSequence", "RescaleSlope", "RescaleSlope"),
    ("PixelValueTransformationSequence", "RescaleIntercept", "RescaleIntercept"),
    ("PixelValueTransformationSequence", "RescaleType", "RescaleType"),
    ("MRTimingAndRelatedParametersSequence", "RepetitionTime", "RepetitionTime"),
    ("MRTimingAndRelatedParametersSequence", "FlipAngle", "FlipAngle"),
    ("MRTimingAndRelatedParametersSequence", "EchoTrainLength", "EchoTrainLength"),
    ("MREchoSequence", "EffectiveEchoTime", "EchoTime"),
    ("MRAveragesSequence", "NumberOfAverages", "NumberOfAverages"),
    ("MRImagingModifierSequence", "PixelBandwidth", "PixelBandwidth"),
    ("MRImagingModifierSequence", "TransmitterFrequency", "ImagingFrequency"),
    ("MRReceiveCoilSequence", "ReceiveCoilName", "ReceiveCoilName"),
    ("MRTransmitCoilSequence", "TransmitCoilName", "TransmitCoilName"),
    ("MRFOVGeometrySequence", "PercentSampling", "PercentSampling"),
    ("MRFOVGeometrySequence", "PercentPhaseFieldOfView", "PercentPhaseFieldOfView"),
    ("FrameContentSequence", "FrameAcquisitionNumber", "AcquisitionNumber"),
    ("FrameContentSequence", "FrameAcquisitionDateTime", "AcquisitionDateTime"),
    ("MRImageFrameTypeSequence", "FrameType", "ImageType"),
    ("FrameAnatomySequence", "AnatomicRegionSequence", "AnatomicRegionSequence"),
)
_CHARACTERS = 16  # of a coil's name in a classic image


def classic_frame(dataset: Any, index: int) -> Any:
    """A frame's attributes as those of a classic image (without pixels).

    Args:
        dataset: pydicom dataset of a multi-frame object.
        index: of the frame, from 0.

    Returns:
        pydicom dataset: the object's own attributes and those of its functional groups.
    """
    from pydicom.dataset import Dataset

    frame = Dataset()
    # Copies: an attribute that is set would otherwise change in all frames.
    for element in elements_of(dataset):
        if element.keyword not in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "PixelData"):
            frame[element.tag] = copy.copy(element)
    frame.file_meta = getattr(dataset, "file_meta", None)  # type: ignore[assignment]  # tells how the pixels are packed
    macro = functional_macro(dataset, index)
    # Converted objects keep whatever had no place elsewhere.
    for name in ("UnassignedSharedConvertedAttributesSequence", "UnassignedPerFrameConvertedAttributesSequence"):
        for group in _groups(dataset, index):
            for item in group.get(name) or []:
                for element in elements_of(item):
                    frame[element.tag] = copy.copy(element)
    for sequence, source, target in _SAME:
        value = macro(sequence, source)
        if value is not None:
            setattr(frame, target, value)
    _sequence_of(frame, macro)
    _geometry_of(frame, macro)
    return frame


def elements_of(dataset: Any) -> Iterator[Any]:
    """The elements of a dataset whose values can be understood at all."""
    for tag in list(dataset.keys()):
        try:
            yield dataset[tag]
        except (ValueError, TypeError, AttributeError, NotImplementedError, OverflowError):
            continue


def _groups(dataset, index):
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    return [*per_frame[index : index + 1], *shared[:1]]


def functional_macro(dataset: Any, index: int) -> Callable[[str, str], Any]:
    """A function of (sequence, keyword) -> the value in a frame's functional groups, or in the shared ones; or None."""
    groups = _groups(dataset, index)

    def macro(sequence: str, keyword: str) -> Any:
        for group in groups:
            for item in group.get(sequence) or []:
                value = item.get(keyword)
                if value is not None and value != "":
                    return value
        return None

    return macro


def _sequence_of(frame, macro):
    """What was played out, in the words of a classic image."""
    echo = str(frame.get("EchoPulseSequence", ""))
    sequences = {"SPIN": ["SE"], "GRADIENT": ["GR"], "BOTH": ["SE", "GR"]}.get(echo, [])
    times = macro("MRModifierSequence", "InversionTimes")
    if macro("MRModifierSequence", "InversionRecovery") == "YES":
        sequences.append("IR")
    if times is not None:
        first = times[0] if hasattr(times, "__iter__") and not isinstance(times, str) else times
        frame.InversionTime = float(first)
    if sequences and "ScanningSequence" not in frame:
        frame.ScanningSequence = sequences
    variants = []
    if str(frame.get("SegmentedKSpaceTraversal", "")) not in ("", "SINGLE", "FULL"):
        variants.append("SK")
    if macro("MRModifierSequence", "Spoiling") not in (None, "NONE"):
        variants.append("SP")
    if variants and "SequenceVariant" not in frame:
        frame.SequenceVariant = variants
    name = str(frame.get("PulseSequenceName", ""))
    if name and "SequenceName" not in frame:
        frame.SequenceName = name[:_CHARACTERS]
    nucleus = frame.get("ResonantNucleus")
    if nucleus and "ImagedNucleus" not in frame:
        frame.ImagedNucleus = nucleus if isinstance(nucleus, str) else list(nucleus)[0]


def _geometry_of(frame, macro):
    direction = macro("MRFOVGeometrySequence", "InPlanePhaseEncodingDirection")
    if direction in ("ROW", "COLUMN"):
        frame.InPlanePhaseEncodingDirection = {"ROW": "ROW", "COLUMN": "COL"}[direction]
    phase = macro("MRFOVGeometrySequence", "MRAcquisitionPhaseEncodingStepsInPlane")
    frequency = macro("MRFOVGeometrySequence", "MRAcquisitionFrequencyEncodingSteps")
    if phase and frequency and direction in ("ROW", "COLUMN"):
        # Frequency rows, frequency columns, phase rows, phase columns; phase runs along what it is named after.
        along_rows = direction == "ROW"
        frame.AcquisitionMatrix = [frequency, 0, 0, phase] if along_rows else [0, frequency, phase, 0]
    if phase:
        frame.NumberOfPhaseEncodingSteps = phase
    moment = str(frame.get("AcquisitionDateTime", ""))
    if len(moment) >= 14:
        frame.AcquisitionDate, frame.AcquisitionTime = moment[:8], moment[8:].partition("+")[0].partition("-")[0]
