"""From folder to folder: the library's call and the command line, with the bundled network once."""

import sys

import numpy as np
import pytest

from CHARMSSRLib import DICOMSettings, EnhancementSettings, enhance_dicom
from CHARMSSRLib.errors import BackendError, Cancelled, InputError, OutputError
from Testing.dicom.hospital import read_back, voxels, write_series


def test_a_name_with_a_slash_at_its_end_asks_for_a_series(tmp_path, repeating, charmssr):
    write_series(tmp_path / "in")
    done = charmssr("enhance", tmp_path / "in", f"{tmp_path}/out/", "--report", tmp_path / "r.json")
    assert done.status == 0, done.err
    assert len(read_back(tmp_path / "out")) == 18
    report = (tmp_path / "r.json").read_text(encoding="utf-8")
    assert '"rounding_error"' in report and read_back(tmp_path / "out")[0].SeriesInstanceUID in report


def test_the_format_can_be_named_and_the_series_numbered(tmp_path, repeating, charmssr):
    write_series(tmp_path / "in")
    done = charmssr("enhance", tmp_path / "in", tmp_path / "out", "--output-format", "dicom", "--series-offset", 500)
    assert done.status == 0, done.err
    assert read_back(tmp_path / "out")[0].SeriesNumber == 504
    done = charmssr("enhance", tmp_path / "in", tmp_path / "out.nii.gz", "--output-format", "volume")
    assert done.status == 0 and (tmp_path / "out.nii.gz").is_file()


def test_maps_become_series_of_their_own(tmp_path, repeating, charmssr):
    write_series(tmp_path / "in")
    arguments = ["enhance", tmp_path / "in", f"{tmp_path}/out/", "--maps", tmp_path / "maps", "--structured-report"]
    done = charmssr(*arguments)
    assert done.status == 0, done.err
    assert len(list((tmp_path / "out").iterdir())) == 19
    assert sorted(one.name for one in (tmp_path / "maps").iterdir()) == ["mask"]
    assert len(list((tmp_path / "maps" / "mask").iterdir())) == 19
    (tmp_path / "maps" / "mask" / "thesis.txt").write_text("precious")
    refused = charmssr(*arguments, "--overwrite")
    assert refused.status == 2 and "thesis.txt" in refused.err


def test_folders_that_hold_something_are_left_alone(tmp_path, repeating, charmssr):
    write_series(tmp_path / "in")
    (tmp_path / "out").mkdir()
    assert charmssr("enhance", tmp_path / "in", f"{tmp_path}/out/").status == 0
    refused = charmssr("enhance", tmp_path / "in", f"{tmp_path}/out/")
    assert refused.status == 2 and "not empty" in refused.err
    (tmp_path / "out" / "IM0099.dcm").write_bytes(b"of a longer earlier result")
    assert charmssr("enhance", tmp_path / "in", f"{tmp_path}/out/", "--overwrite").status == 0
    assert len(list((tmp_path / "out").iterdir())) == 18
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    refused = charmssr("enhance", tmp_path / "in", f"{tmp_path}/out/", "--overwrite")
    assert refused.status == 2 and "thesis.txt" in refused.err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in", "out"]
    for inside in ("in", "in/out"):
        refused = charmssr("enhance", tmp_path / "in", f"{tmp_path}/{inside}/", "--overwrite")
        assert refused.status == 2 and "mixed up" in refused.err
    assert len(read_back(tmp_path / "in")) == 18


def test_a_volume_file_cannot_become_a_series(tmp_path, repeating, charmssr):
    write_series(tmp_path / "in")
    assert charmssr("enhance", tmp_path / "in", tmp_path / "a.nii.gz").status == 0
    refused = charmssr("enhance", tmp_path / "a.nii.gz", f"{tmp_path}/out/")
    assert refused.status == 2 and "patient and study would be unknown" in refused.err
    assert not (tmp_path / "out").exists()


def test_half_a_series_is_refused_before_the_work(tmp_path, repeating):
    write_series(tmp_path / "in", voxels(20))
    for path in sorted((tmp_path / "in").iterdir())[4:8]:
        path.unlink()
    with pytest.raises(InputError, match="missing or unevenly"):
        enhance_dicom(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_and_a_cancel_leave_nothing(tmp_path, repeating, monkeypatch):
    from CHARMSSRLib.dicom import series_writer

    write_series(tmp_path / "in")
    written = []

    def fails_later(dataset, path, real=series_writer.save):
        written.append(path)
        if len(written) == 7:
            raise OSError(28, "No space left on device")
        real(dataset, path)

    monkeypatch.setattr(series_writer, "save", fails_later)
    with pytest.raises(OutputError, match="is full"):
        enhance_dicom(tmp_path / "in", tmp_path / "out")
    with pytest.raises(Cancelled):
        enhance_dicom(tmp_path / "in", tmp_path / "out", is_cancelled=lambda: True)
    assert [one.name for one in tmp_path.iterdir()] == ["in"]


def test_without_pydicom_one_sentence_says_how_to_get_it(tmp_path, repeating, monkeypatch):
    write_series(tmp_path / "in")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(BackendError, match=r"charmssr\[dicom\]"):
        enhance_dicom(tmp_path / "in", tmp_path / "out")


def test_the_network_and_the_report_are_the_real_ones(tmp_path, phantom_head):
    """A head of 24 slices through the bundled checkpoint; the images hold what ``enhance`` returned."""
    import SimpleITK as sitk

    head = sitk.GetArrayFromImage(phantom_head)[12:36, ::2, ::2]
    write_series(tmp_path / "in", np.clip(head, 0, 4000).astype(np.uint16))
    settings = EnhancementSettings(skull_strip="none", bias_correction=False, keep_skull=True)
    result = enhance_dicom(tmp_path / "in", tmp_path / "out", settings, DICOMSettings())
    by_place = sorted(read_back(tmp_path / "out"), key=lambda one: float(one.SliceLocation))
    found = np.array([one.pixel_array for one in by_place])
    wanted = sitk.GetArrayFromImage(result.image)
    assert found.shape == wanted.shape == (24, 96, 96)
    assert np.abs(found - np.maximum(wanted, 0)).max() <= 0.5 + 1e-3
    assert result.report["dicom"]["pixels"]["rounding_error"]["largest"] <= 0.5 + 1e-3
    assert result.report["checkpoint"]["sha256"] in by_place[0].DerivationDescription
