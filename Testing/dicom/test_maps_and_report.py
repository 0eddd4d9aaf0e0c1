"""What lies beside a derived series: its report as a structured report, its maps as values and as pictures."""

from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from CHARMSSRLib.dicom.result_series import add_maps, add_series
from CHARMSSRLib.files.output_files import OutputFiles
from CHARMSSRLib.files.volumes import read_scan, read_volume
from CHARMSSRLib.settings import DICOMSettings, EnhancementSettings
from Testing.dicom.hospital import OBLIQUE, SIZE, read_back, write_multi_frame, write_series
from Testing.dicom.refining import refined

REPORT = {
    "checkpoint": {"name": "any", "sha256": "ab" * 32, "scale": 2},
    "data_consistency": {"mode": "report", "before": 0.02, "after": None},
    "slices": {"enhanced": 16, "skipped": 2},
    "warnings": ["a doubt", "another"],
}


@pytest.fixture(params=["classic", "multi-frame"])
def written(request, tmp_path):
    """A series with its report and a signed map, of either kind of source."""
    if request.param == "classic":
        write_series(tmp_path / "in", orientation=OBLIQUE)
    else:
        write_multi_frame(tmp_path / "in" / "all.dcm", orientation=OBLIQUE)
    scan = read_scan(tmp_path / "in")
    image = refined(scan.image)
    detail = refined(scan.image, change=lambda array: (array - 400) / 7)
    result = SimpleNamespace(image=image, report=REPORT, maps={"detail": detail})
    dicom = DICOMSettings(structured_report=True)
    with OutputFiles() as files:
        series = add_series(files, tmp_path / "out", result, scan, "in", EnhancementSettings(), dicom)
        files.add_folder(tmp_path / "maps")
        add_maps(files, tmp_path / "maps", result.maps, series)
        files.commit()
    return SimpleNamespace(folder=tmp_path, detail=detail, image=image)


def test_the_report_is_a_valid_text_of_the_same_study(written, dciodvfy):
    path = written.folder / "out" / "report.dcm"
    assert dciodvfy(path) == []
    report, image = pydicom.dcmread(path), pydicom.dcmread(written.folder / "out" / "IM0001.dcm")
    assert (report.StudyInstanceUID, report.PatientID) == (image.StudyInstanceUID, image.PatientID)
    assert report.SeriesInstanceUID != image.SeriesInstanceUID and report.Modality == "SR"
    said = " ".join(item.TextValue for item in report.ContentSequence)
    figures = ("before: 0.02", "after: not measured", "enhanced: 16")
    for words in ("not for diagnosis", "ab" * 32, *figures, "a doubt | another"):
        assert words in said
    # The folder is still one volume for whoever reads it.
    assert read_volume(written.folder / "out").GetSize() == written.image.GetSize()


def test_a_map_keeps_its_values_and_places_as_a_parametric_map(written, dciodvfy):
    path = written.folder / "maps" / "detail" / "map.dcm"
    found, image = pydicom.dcmread(path), pydicom.dcmread(written.folder / "out" / "IM0001.dcm")
    assert found.SOPClassUID == "1.2.840.10008.5.1.4.1.1.30" and found.StudyInstanceUID == image.StudyInstanceUID
    wanted = sitk.GetArrayFromImage(written.detail)
    seen = set()
    for frame, values in zip(found.PerFrameFunctionalGroupsSequence, found.pixel_array):
        place = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float)
        index = written.detail.TransformPhysicalPointToIndex(place.tolist())
        assert np.allclose(written.detail.TransformIndexToPhysicalPoint(index), place, atol=1e-3)
        assert index[:2] == (0, 0) and np.array_equal(values, wanted[index[2]])
        seen.add(index[2])
    assert seen == set(range(SIZE[0]))
    assert dciodvfy(path) == []


def test_its_pictures_show_the_same_values_in_any_viewer(written, dciodvfy):
    folder = written.folder / "maps" / "detail"
    pictures = [one for one in read_back(folder) if one.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"]
    image = pydicom.dcmread(written.folder / "out" / "IM0001.dcm")
    assert {one.FrameOfReferenceUID for one in pictures} == {image.FrameOfReferenceUID}
    assert len(pictures) == SIZE[0] and len({one.SeriesInstanceUID for one in pictures}) == 1
    pictures.sort(key=lambda one: float(one.SliceLocation))
    values = [one.pixel_array * float(one.RescaleSlope) + float(one.RescaleIntercept) for one in pictures]
    wanted = sitk.GetArrayFromImage(written.detail)
    assert np.abs(np.array(values) - wanted).max() < np.ptp(wanted) / 65535
    assert dciodvfy(folder / "IM0001.dcm") == []
