"""What a derived series keeps, what it says anew and what it leaves behind; judged by dciodvfy as well."""

import re
from pathlib import Path

import numpy as np
import pydicom
import pytest

from CHARMSSRLib import __version__
from CHARMSSRLib.dicom.kept_attributes import KEPT as KEPT_ATTRIBUTES
from CHARMSSRLib.settings import DICOMSettings, EnhancementSettings
from Testing.dicom.hospital import item, read_back, series_uid, voxels, write_multi_frame, write_series

KEPT = """
PatientName PatientID PatientBirthDate PatientSex PatientAge PatientWeight StudyInstanceUID StudyID AccessionNumber
StudyDate StudyTime ReferringPhysicianName StudyDescription FrameOfReferenceUID Modality BodyPartExamined
PatientPosition RepetitionTime EchoTime InversionTime FlipAngle MagneticFieldStrength ScanningSequence SequenceVariant
ScanOptions MRAcquisitionType SequenceName ReceiveCoilName AcquisitionMatrix InPlanePhaseEncodingDirection
AcquisitionDate AcquisitionTime AcquisitionNumber Manufacturer ManufacturerModelName SoftwareVersions StationName
InstitutionName DeviceSerialNumber ProtocolName SpecificCharacterSet EchoTrainLength PixelBandwidth
""".split()


def test_patient_study_and_acquisition_are_kept(tmp_path, derive):
    write_series(tmp_path / "in", tags=lambda k: {"Laterality": "L"})
    derive(tmp_path / "in", tmp_path / "out")
    for before, after in zip(read_back(tmp_path / "in"), read_back(tmp_path / "out"), strict=True):
        for keyword in [*KEPT, "Laterality"]:
            assert after[keyword].value == before[keyword].value, keyword


def test_series_and_images_are_new_and_say_how_they_were_made(tmp_path, derive):
    write_series(tmp_path / "in")
    derive(tmp_path / "in", tmp_path / "out", settings=EnhancementSettings(planes="axial"))
    before, after = (read_back(tmp_path / name)[3] for name in ("in", "out"))
    assert after.SeriesInstanceUID != before.SeriesInstanceUID and after.SOPInstanceUID != before.SOPInstanceUID
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID
    assert after.SeriesNumber == before.SeriesNumber + 9000
    assert after.SeriesDescription == "T1 MPRAGE sag CHARMS x2, research only"
    assert list(after.ImageType) == ["DERIVED", "SECONDARY", "M", "ND", "CHARMS"]
    for words in ("CHARMS", "any", "ab" * 32, __version__, "planes axial", "Not for diagnosis"):
        assert words in after.DerivationDescription
    assert "not for diagnosis" in after.ImageComments
    (code,) = after.DerivationCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("113085", "DCM")
    (purpose,) = after.SourceImageSequence[0].PurposeOfReferenceCodeSequence
    assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("121322", "DCM")
    (equipment,) = after.ContributingEquipmentSequence
    assert equipment.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"
    assert (equipment.Manufacturer, equipment.SoftwareVersions) == ("CHARMSSR", __version__)
    for name in ("SeriesDate", "ContentDate", "InstanceCreationDate"):
        assert after[name].value > before.StudyDate


def test_the_equipment_changes_with_the_weights_and_earlier_ones_stay_named(tmp_path, derive):
    other = item(Manufacturer="Other", PurposeOfReferenceCodeSequence=[])
    write_series(tmp_path / "in", tags=lambda k: {"ContributingEquipmentSequence": other})
    found = []
    for number, sha256 in enumerate(("ab" * 32, "cd" * 32)):
        derive(tmp_path / "in", tmp_path / f"out{number}", checkpoint={"name": "any", "sha256": sha256, "scale": 2})
        first, ours = read_back(tmp_path / f"out{number}")[0].ContributingEquipmentSequence
        assert first.Manufacturer == "Other"
        found.append(ours.DeviceUID)
    assert found[0] != found[1]


def uids(folder):
    return [(one.SeriesInstanceUID, one.SOPInstanceUID) for one in read_back(folder)]


def test_identifiers_are_the_same_for_the_same_result_and_others_for_any_other(tmp_path, derive):
    write_series(tmp_path / "in")
    derive(tmp_path / "in", tmp_path / "out")
    first = uids(tmp_path / "out")
    # The machine is no part of the result.
    derive(tmp_path / "in", tmp_path / "again", settings=EnhancementSettings(device="cpu", batch=3))
    assert uids(tmp_path / "again") == first
    assert all(len(uid) <= 64 and uid.startswith("2.25.") for pair in first for uid in pair)
    others = [
        {"settings": EnhancementSettings(planes="axial")},
        {"checkpoint": {"name": "any", "sha256": "cd" * 32, "scale": 2}},
        {"dicom": DICOMSettings(mark=True)},
    ]
    seen = {pair[0] for pair in first}
    for number, options in enumerate(others):
        derive(tmp_path / "in", tmp_path / f"other{number}", **options)
        seen.add(uids(tmp_path / f"other{number}")[0][0])
    write_series(tmp_path / "in2", name="other")
    derive(tmp_path / "in2", tmp_path / "out2")
    seen.add(uids(tmp_path / "out2")[0][0])
    assert len(seen) == 2 + len(others)


def test_what_no_longer_holds_is_left_out(tmp_path, derive):
    stale = {
        "PixelPaddingValue": 0, "IconImageSequence": item(Rows=1), "SmallestPixelValueInSeries": 0,
        "RedPaletteColorLookupTableDescriptor": [256, 0, 16], "VOILUTSequence": item(LUTDescriptor=[1, 0, 16]),
        "DigitalSignaturesSequence": item(MACIDNumber=1), "TriggerTime": "",
    }  # fmt: skip
    write_series(tmp_path / "in", tags=lambda k: stale)
    for path in (tmp_path / "in").glob("*.dcm"):
        one = pydicom.dcmread(path)
        one.add_new((0x6000, 0x0010), "US", 40)
        one.add_new((0x5000, 0x0005), "US", 1)
        one.save_as(path)
    derive(tmp_path / "in", tmp_path / "out")
    for one in read_back(tmp_path / "out"):
        groups = {element.tag.group for element in one}
        assert not any(group % 2 for group in groups) and not groups & {0x6000, 0x5000}
        for keyword in stale:
            assert keyword not in one
        assert b"secret of the maker" not in (tmp_path / "out" / f"IM{int(one.InstanceNumber):04d}.dcm").read_bytes()


@pytest.mark.parametrize("lossy", [True, False])
def test_loss_in_the_source_stays_stated(tmp_path, derive, lossy):
    flags = {
        "LossyImageCompression": "01",
        "LossyImageCompressionRatio": "8",
        "LossyImageCompressionMethod": "ISO_10918_1",
    }
    write_series(tmp_path / "in", tags=lambda k: flags if lossy else {})
    derive(tmp_path / "in", tmp_path / "out")
    for one in read_back(tmp_path / "out"):
        assert one.get("LossyImageCompression") == ("01" if lossy else None)
        assert ("LossyImageCompressionRatio" in one) == lossy


@pytest.mark.parametrize(
    "charset, name",
    [
        ("ISO_IR 192", "山田^太郎=やまだ^たろう"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("ISO_IR 100", "Müller^Jörg"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
    ],
)
def test_names_in_any_script_stay_readable(tmp_path, derive, dciodvfy, charset, name):
    write_series(tmp_path / "in", tags=lambda k: {"SpecificCharacterSet": charset, "PatientName": name})
    derive(tmp_path / "in", tmp_path / "out")
    after = read_back(tmp_path / "out")[0]
    assert str(after.PatientName) == name
    assert after.SpecificCharacterSet == charset
    assert dciodvfy(tmp_path / "out" / "IM0001.dcm") == []


TYPE_2 = """
PatientName PatientID PatientBirthDate PatientSex StudyID AccessionNumber StudyDate StudyTime ReferringPhysicianName
SeriesNumber Manufacturer ScanOptions MRAcquisitionType RepetitionTime EchoTime InversionTime EchoTrainLength
PositionReferenceIndicator PatientPosition SliceThickness
""".split()
OTHERS = """
FrameOfReferenceUID ScanningSequence SequenceVariant SeriesDescription SpacingBetweenSlices WindowCenter WindowWidth
InstanceNumber ImageType AcquisitionTime ContributingEquipmentSequence PatientAge BodyPartExamined
""".split()


@pytest.mark.parametrize("missing", ["none", "type 2 and more", "everything optional", "faulty values"])
def test_the_validator_finds_no_error(tmp_path, derive, dciodvfy, missing):
    remove = {"none": [], "type 2 and more": TYPE_2, "everything optional": [*TYPE_2, *OTHERS], "faulty values": []}
    faulty = {"BodyPartExamined": "brain (lower case)", "DeviceUID": "1.02.3", "StationName": "x" * 40}
    with_faults = faulty if missing == "faulty values" else {}
    with pydicom.config.disable_value_validation():
        write_series(tmp_path / "in", remove=remove[missing], tags=lambda k: with_faults)
        if with_faults:
            # A decimal comma, which no reader takes for a number.
            for path in (tmp_path / "in").glob("*.dcm"):
                before = path.read_bytes()
                after = before.replace(b"DS\x04\x000.03", b"DS\x04\x000,03")
                assert after != before
                path.write_bytes(after)
        derive(tmp_path / "in", tmp_path / "out")
    files = sorted((tmp_path / "out").glob("*.dcm"))
    assert len(files) == 18
    for path in files[::5]:
        assert dciodvfy(path) == []
    left = set(pydicom.dcmread(files[0]).dir())
    assert not set(with_faults) & left and ("SAR" in left) == (
        missing in ("none", "type 2 and more", "everything optional")
    )


def test_the_validator_finds_no_error_in_what_a_multi_frame_source_became(tmp_path, derive, dciodvfy):
    write_multi_frame(tmp_path / "in" / "a.dcm")
    derive(tmp_path / "in", tmp_path / "out")
    assert dciodvfy(tmp_path / "out" / "IM0005.dcm") == []
    after = read_back(tmp_path / "out")[4]
    assert after.SOPClassUID == "1.2.840.10008.5.1.4.1.1.4"
    found = {name: after[name].value for name in ("RepetitionTime", "EchoTime", "InversionTime", "FlipAngle")}
    assert found == {"RepetitionTime": 2300, "EchoTime": 2.98, "InversionTime": 900, "FlipAngle": 9}
    assert list(after.ScanningSequence) == ["GR", "IR"] and after.SequenceVariant == "SP"
    assert after.ReceiveCoilName == "HeadNeck_64" and after.InPlanePhaseEncodingDirection == "ROW"
    assert (after.WindowCenter, after.WindowWidth) == (400, 800)
    assert after.AcquisitionTime == "101304.5"
    assert "RescaleSlope" not in after and "NumberOfFrames" not in after


@pytest.mark.parametrize("pack", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80"])
def test_packed_sources_give_the_same_series_as_unpacked_ones(tmp_path, derive, pack):
    write_series(tmp_path / "plain")
    write_series(tmp_path / "packed", pack=pack)
    for name in ("plain", "packed"):
        derive(tmp_path / name, tmp_path / f"{name}_out")
    for one, other in zip(read_back(tmp_path / "plain_out"), read_back(tmp_path / "packed_out"), strict=True):
        assert one.PixelData == other.PixelData and one.SOPInstanceUID == other.SOPInstanceUID
        assert other.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


def test_unsorted_files_and_copies_give_one_image_a_slice(tmp_path, derive):
    write_series(tmp_path / "in")
    write_series(tmp_path / "in" / "copy")
    derive(tmp_path / "in", tmp_path / "out")
    assert len(read_back(tmp_path / "out")) == 18


def test_a_localiser_in_the_folder_leaves_no_trace(tmp_path, derive):
    write_series(tmp_path / "in", voxels(3), name="localiser", number=1)
    write_series(tmp_path / "in", number=4)
    derive(tmp_path / "in", tmp_path / "out")
    found = read_back(tmp_path / "out")
    references = {one.SourceImageSequence[0].ReferencedSOPInstanceUID.rpartition(".")[0] for one in found}
    assert references == {series_uid("t1")} and found[0].SeriesNumber == 9004


def test_a_mark_shows_in_the_corner_of_each_image_and_nowhere_else(tmp_path, derive):
    write_series(tmp_path / "in")
    derive(tmp_path / "in", tmp_path / "plain", (4, 4, 1))
    derive(tmp_path / "in", tmp_path / "marked", (4, 4, 1), dicom=DICOMSettings(mark=True))
    for plain, marked in zip(read_back(tmp_path / "plain"), read_back(tmp_path / "marked"), strict=True):
        changed = np.argwhere(plain.pixel_array != marked.pixel_array)
        assert len(changed) > 100
        assert changed[:, 0].min() > plain.Rows * 0.85 and changed[:, 1].max() < plain.Columns * 0.6


def test_the_conformance_statement_names_every_attribute_that_is_kept():
    page = Path(__file__).parents[2] / "docs" / "reference" / "dicom-conformance.md"
    words = set(re.findall(r"\w+", page.read_text(encoding="utf-8")))
    assert KEPT_ATTRIBUTES <= words
