"""Series as a scanner sends them: full headers of MR Image Storage, so that validators find no fault in the source."""

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from Testing.files.dicom_files import item

MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
# Turned by awkward angles about two axes: no cosine is a short decimal.
OBLIQUE = (0.9396926207859084, 0.2961981327260238, -0.17101007166283436, -0.3420201433256687, 0.813797681349374,
           -0.4698463103929541)  # fmt: skip
SIZE = (18, 40, 36)  # slices, rows, columns
PIXEL = (0.8, 0.9)  # between rows, between columns
STEP = 2.2
ORIGIN = (-63.123456, -81.987654, 17.135791)


def voxels(count=SIZE[0], highest=900, seed=3):
    """Stored values (z, y, x): a bright ellipsoid in noise, every slice different."""
    z, y, x = np.ogrid[-1 : 1 : count * 1j, -1 : 1 : SIZE[1] * 1j, -1 : 1 : SIZE[2] * 1j]
    inside = z**2 + y**2 + x**2 < 0.8
    noise = np.random.default_rng(seed).integers(0, highest // 10, (count, *SIZE[1:]))
    return (inside * int(highest * 0.8) + noise + np.arange(count)[:, None, None]).astype(np.uint16)


def affine(orientation=AXIAL, step=STEP):
    """4x4 matrix from voxel index (i, j, k) to LPS mm of the stack that ``write_series`` writes."""
    row, column = np.reshape(orientation, (2, 3))
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([row, column, np.cross(row, column)]) * (PIXEL[1], PIXEL[0], step)
    matrix[:3, 3] = ORIGIN
    return matrix


def series_uid(name):
    """An identifier for a named series of the tests."""
    return "1.2.826.0.1.3680043.8.498." + "".join(str(ord(letter)) for letter in name)[:24]


def headers(pixels, orientation=AXIAL, step=STEP, name="t1", number=4, tags=None, reverse=False, remove=()):
    """Complete datasets of a classic series, slice by slice.

    Args:
        pixels: stored values (z, y, x).
        tags: function of the slice's number -> further attributes by keyword.
        reverse: count the instances against the slices.
        remove: keywords of attributes that are left out.
    """
    matrix = affine(orientation, step)
    found = []
    for k, plane in enumerate(pixels):
        one = _patient_and_study()
        one.SOPClassUID, one.SOPInstanceUID = MR, f"{series_uid(name)}.{k + 1}"
        one.SeriesInstanceUID, one.SeriesNumber, one.SeriesDescription = series_uid(name), number, "T1 MPRAGE sag"
        one.InstanceNumber = len(pixels) - k if reverse else k + 1
        one.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
        one.ImagePositionPatient = [f"{value:.9g}" for value in matrix[:3, 3] + matrix[:3, 2] * k]
        one.ImageOrientationPatient = [f"{value:.12g}" for value in orientation]
        one.PixelSpacing, one.SliceThickness = list(PIXEL), step
        one.SpacingBetweenSlices = step
        one.AcquisitionNumber, one.AcquisitionTime = 1, f"1012{k % 60:02d}.5"
        _acquisition(one)
        _pixels(one, plane)
        for keyword, value in (tags(k) if tags else {}).items():
            setattr(one, keyword, value)
        for keyword in remove:
            if keyword in one:
                delattr(one, keyword)
        found.append(one)
    return found


def write_series(folder, pixels=None, pack=None, **options):
    """Write a series; the names of its files do not follow the order of the slices. Returns the stored values."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = voxels() if pixels is None else pixels
    for k, one in enumerate(headers(pixels, **options)):
        if pack:
            one.compress(pack, generate_instance_uid=False)
        one.save_as(folder / f"{(k * 7) % 1000:03d}_{options.get('number', 4)}.dcm", enforce_file_format=True)
    return pixels


def write_multi_frame(path, pixels=None, orientation=AXIAL, order=None, step=STEP):
    """The same series as one Enhanced MR object with functional groups. Returns the stored values."""
    pixels = voxels() if pixels is None else pixels
    order = [int(k) for k in (range(len(pixels)) if order is None else order)]
    matrix = affine(orientation, step)
    whole = _patient_and_study()
    whole.SOPClassUID, whole.SOPInstanceUID = ENHANCED_MR, f"{series_uid('enhanced')}.1"
    whole.SeriesInstanceUID, whole.SeriesNumber, whole.SeriesDescription = series_uid("enhanced"), 7, "T1 3D"
    whole.InstanceNumber, whole.NumberOfFrames, whole.ImageType = 1, len(order), ["ORIGINAL", "PRIMARY", "T1", "NONE"]
    whole.MagneticFieldStrength, whole.ResonantNucleus = 3.0, "1H"
    whole.EchoPulseSequence, whole.PulseSequenceName = "GRADIENT", "*tfl3d1"
    whole.AcquisitionDateTime = "20240229101112"
    shared = Dataset()
    shared.PixelMeasuresSequence = item(PixelSpacing=list(PIXEL), SliceThickness=step)
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=[float(value) for value in orientation])
    shared.MRTimingAndRelatedParametersSequence = item(RepetitionTime=2300.0, FlipAngle=9.0, EchoTrainLength=1)
    shared.MREchoSequence = item(EffectiveEchoTime=2.98)
    shared.MRModifierSequence = item(InversionRecovery="YES", InversionTimes=[900.0], Spoiling="RF")
    shared.MRReceiveCoilSequence = item(ReceiveCoilName="HeadNeck_64")
    shared.MRImagingModifierSequence = item(PixelBandwidth=240.0, TransmitterFrequency=123.25)
    shared.MRFOVGeometrySequence = item(
        InPlanePhaseEncodingDirection="ROW", MRAcquisitionFrequencyEncodingSteps=40,
        MRAcquisitionPhaseEncodingStepsInPlane=36, PercentSampling=100.0, PercentPhaseFieldOfView=90.0,
    )  # fmt: skip
    shared.PixelValueTransformationSequence = item(RescaleSlope=1, RescaleIntercept=0, RescaleType="US")
    frames = []
    for k in order:
        frame = Dataset()
        frame.PlanePositionSequence = item(
            ImagePositionPatient=[round(float(value), 9) for value in matrix[:3, 3] + matrix[:3, 2] * k]
        )
        frame.FrameContentSequence = item(
            StackID="1", InStackPositionNumber=k + 1, DimensionIndexValues=[1, k + 1],
            FrameAcquisitionDateTime=f"202402291013{k % 60:02d}.5",
        )  # fmt: skip
        frame.FrameVOILUTSequence = item(WindowCenter=400, WindowWidth=800)
        frames.append(frame)
    whole.SharedFunctionalGroupsSequence = Sequence([shared])
    whole.PerFrameFunctionalGroupsSequence = Sequence(frames)
    _pixels(whole, pixels[order])
    path.parent.mkdir(parents=True, exist_ok=True)
    whole.save_as(path, enforce_file_format=True)
    return pixels


def read_back(folder):
    """Datasets of a folder in the order of their instances."""
    found = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    assert found, f"{folder} holds no image"
    return sorted(found, key=lambda one: int(one.InstanceNumber))


def _patient_and_study():
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.SpecificCharacterSet = "ISO_IR 192"
    one.PatientName, one.PatientID = "Test^Subject", "T-0001"
    one.PatientBirthDate, one.PatientSex, one.PatientAge, one.PatientWeight = "19700101", "O", "054Y", 71
    one.StudyInstanceUID, one.StudyID, one.AccessionNumber = "1.2.826.0.1.3680043.8.498.777", "12", "A0815"
    one.StudyDate = one.SeriesDate = one.ContentDate = one.AcquisitionDate = "20240229"
    one.StudyTime, one.SeriesTime, one.ContentTime, one.AcquisitionTime = "101010", "101100", "101200", "101200"
    one.ReferringPhysicianName, one.StudyDescription = "Referrer^Some", "Head"
    one.Modality, one.BodyPartExamined, one.PatientPosition = "MR", "BRAIN", "HFS"
    one.FrameOfReferenceUID, one.PositionReferenceIndicator = "1.2.826.0.1.3680043.8.498.888", ""
    one.Manufacturer, one.ManufacturerModelName, one.SoftwareVersions = "Maker", "Scanner 3T", "XA1"
    one.InstitutionName, one.StationName, one.DeviceSerialNumber = "Some hospital", "MR1", "4711"
    one.ProtocolName = "t1_mprage"
    return one


def _acquisition(one):
    one.ScanningSequence, one.SequenceVariant, one.ScanOptions = ["GR", "IR"], ["SK", "SP", "MP"], "IR"
    one.MRAcquisitionType, one.SequenceName = "3D", "*tfl3d1"
    one.RepetitionTime, one.EchoTime, one.InversionTime, one.FlipAngle = "2300", "2.98", "900", "9"
    one.EchoTrainLength, one.EchoNumbers, one.NumberOfAverages = 1, 1, 1
    one.MagneticFieldStrength, one.ImagingFrequency, one.ImagedNucleus = 3, "123.25", "1H"
    one.ReceiveCoilName, one.TransmitCoilName = "HeadNeck_64", "Body"
    one.AcquisitionMatrix, one.InPlanePhaseEncodingDirection = [0, 40, 36, 0], "ROW"
    one.PixelBandwidth, one.SAR = 240, "0.03"
    one.WindowCenter, one.WindowWidth = 420, 900
    one.add_new((0x0029, 0x0010), "LO", "SIEMENS CSA HEADER")
    one.add_new((0x0029, 0x1010), "OB", b"secret of the maker")


def _pixels(one, plane):
    one.Rows, one.Columns = plane.shape[-2:]
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated, one.BitsStored, one.HighBit = 16, 12, 11
    one.PixelRepresentation = 0
    if plane.dtype.kind == "i":
        one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 15, 1
    elif plane.max() > 4095:
        one.BitsStored, one.HighBit = 16, 15
    one.PixelData = plane.tobytes()
    one["PixelData"].VR = "OW"
