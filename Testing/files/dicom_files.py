"""Writes small DICOM files with pydicom: classic slices and Enhanced multi-frame objects."""

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

MR, ENHANCED_MR, ENHANCED_CT = (
    "1.2.840.10008.5.1.4.1.1.4",
    "1.2.840.10008.5.1.4.1.1.4.1",
    "1.2.840.10008.5.1.4.1.1.2.1",
)
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
OBLIQUE = (0.0, 0.8, -0.6, 0.0, 0.6, 0.8)
ORIGIN = np.array([5.0, -7.0, 11.0])
SIZE = (18, 40, 34)  # slices, rows, columns
SPACING = (2.5, 0.8, 0.9)


def stack(seed=3, count=SIZE[0], dtype=np.uint16):
    """Stored values (z, y, x); every slice differs."""
    noise = np.random.default_rng(seed).integers(0, 50, (count, *SIZE[1:]))
    return (100 + 10 * np.arange(count)[:, None, None] + noise).astype(dtype)


def positions(count=SIZE[0], orientation=AXIAL, step=SPACING[0]):
    """Where slice k lies: along the normal."""
    row, column = np.reshape(orientation, (2, 3))
    return ORIGIN + np.arange(count)[:, None] * step * np.cross(row, column)


def affine(orientation=AXIAL):
    """4x4 LPS matrix of the stack that the two functions above make."""
    row, column = np.reshape(orientation, (2, 3))
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([row, column, np.cross(row, column)]) * (SPACING[2], SPACING[1], SPACING[0])
    matrix[:3, 3] = ORIGIN
    return matrix


def item(**values):
    """A sequence of one item."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return Sequence([dataset])


def _base(
    class_uid, uid, series="1.2.3", number=4, description="T1 MPRAGE", modality="MR", syntax=ExplicitVRLittleEndian
):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = class_uid
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = uid
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = "1.2", series, "1.2.9"
    dataset.SeriesNumber, dataset.SeriesDescription, dataset.Modality = number, description, modality
    dataset.PatientName, dataset.PatientID, dataset.Manufacturer = "Nobody", "0", "Ours"
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = dataset.AcquisitionDate = "20200101"
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = dataset.AcquisitionTime = "120000"
    return dataset


def _set_pixels(dataset, pixels):
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = pixels.dtype.itemsize * 8
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW"


def write_slices(
    folder, pixels=None, orientation=AXIAL, places=None, uid="1.2.3", text=str, tags=None, preamble=True, ending=".dcm",
    series_of=None, first=0, **options,
):  # fmt: skip
    """A classic series.

    Args:
        text: how a coordinate is written.
        tags: function of the slice's number -> further attributes by keyword.
        series_of: function of the slice's number -> SeriesInstanceUID.
        first: number of the first instance.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pixels = stack() if pixels is None else pixels
    places = positions(len(pixels), orientation) if places is None else places
    for k, (one, place) in enumerate(zip(pixels, places)):
        series = series_of(k) if series_of else uid
        dataset = _base(MR, f"{uid}.{first + k + 1}", series, **options)
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
        dataset.InstanceNumber = first + k + 1
        dataset.ImagePositionPatient = [text(value) for value in place]
        dataset.ImageOrientationPatient = list(orientation)
        dataset.PixelSpacing, dataset.SliceThickness = list(SPACING[1:]), SPACING[0]
        _set_pixels(dataset, one)
        for keyword, value in (tags(k) if tags else {}).items():
            setattr(dataset, keyword, value)
        # The names do not follow the order of the slices.
        path = folder / f"IM{(k * 7) % 1000:03d}_{first}{ending}"
        if preamble:
            dataset.save_as(path, enforce_file_format=True)
        else:
            del dataset.file_meta
            dataset.save_as(path, implicit_vr=True, little_endian=True)
    return pixels


def write_enhanced(
    path, pixels=None, order=None, orientation=AXIAL, places=None, scaling=None, shared_scaling=None, per_frame=None,
    class_uid=ENHANCED_MR, orientations=None, repeated_groups=True, **options,
):  # fmt: skip
    """An Enhanced multi-frame object.

    Args:
        pixels: stored values (z, y, x).
        order: which slice each frame holds.
        scaling: function of the slice's number -> (slope, intercept).
        shared_scaling: (slope, intercept) of all frames.
        per_frame: function of the frame's number -> further groups by keyword.
        orientations: function of the slice's number -> orientation.
        repeated_groups: False puts what all frames share into the shared groups.
    """
    pixels = stack() if pixels is None else pixels
    places = positions(len(pixels), orientation) if places is None else places
    order = [int(k) for k in (range(len(pixels)) if order is None else order)]
    dataset = _base(class_uid, f"1.2.3.{path.stem.__hash__() % 10**6}", **options)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "T1", "NONE"]
    dataset.InstanceNumber, dataset.NumberOfFrames = 1, len(order)
    measures = item(PixelSpacing=list(SPACING[1:]), SliceThickness=SPACING[0])
    shared, frames = Dataset(), []
    if not repeated_groups:
        shared.PixelMeasuresSequence = measures
        shared.PlaneOrientationSequence = item(ImageOrientationPatient=list(orientation))
    if shared_scaling:
        shared.PixelValueTransformationSequence = _transformation(*shared_scaling)
    for number, k in enumerate(order):
        frame = Dataset()
        frame.PlanePositionSequence = item(ImagePositionPatient=[float(value) for value in places[k]])
        frame.FrameContentSequence = item(StackID="1", InStackPositionNumber=k + 1, DimensionIndexValues=[1, k + 1])
        if repeated_groups:
            one = orientations(k) if orientations else orientation
            frame.PlaneOrientationSequence = item(ImageOrientationPatient=list(one))
            frame.PixelMeasuresSequence = measures
        if scaling:
            frame.PixelValueTransformationSequence = _transformation(*scaling(k))
        for keyword, value in (per_frame(number) if per_frame else {}).items():
            setattr(frame, keyword, value)
        frames.append(frame)
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    _set_pixels(dataset, pixels[order])
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def _transformation(slope, intercept):
    return item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="US")


def write_dicomdir(path, with_icon=True):
    """A directory object whose record carries an icon, as discs do."""
    record = Dataset()
    record.DirectoryRecordType = "IMAGE"
    if with_icon:
        icon = Dataset()
        _set_pixels(icon, np.zeros((64, 64), np.uint8))
        record.IconImageSequence = Sequence([icon])
    _object_without_image(path, "1.2.840.10008.1.3.10", DirectoryRecordSequence=Sequence([record]))


def write_presentation_state(path):
    icon = Dataset()
    _set_pixels(icon, np.zeros((64, 64), np.uint8))
    _object_without_image(path, "1.2.840.10008.5.1.4.1.1.11.1", IconImageSequence=Sequence([icon]))


def _object_without_image(path, class_uid, **attributes):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = class_uid, "1.2.7.7"
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = class_uid, "1.2.7.7", "PR"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)


def rle(path):
    """Pack the pixels of a file without loss."""
    dataset = pydicom.dcmread(path)
    dataset.compress(pydicom.uid.RLELossless)
    dataset.save_as(path)
