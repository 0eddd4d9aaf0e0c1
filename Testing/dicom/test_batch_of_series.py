"""``batch --output-format dicom``: each series of a folder becomes a series of its own study."""

import csv

import pytest
import SimpleITK as sitk

from CHARMSSRLib.cli.cohort import find_members
from CHARMSSRLib.files.volumes import read_scan
from Testing.dicom.hospital import read_back, series_uid, voxels, write_series


@pytest.fixture
def disc(tmp_path):
    """Two series side by side, one in a folder with dots in its name, a localiser and a volume file."""
    write_series(tmp_path / "disc" / "head", name="t1", number=4)
    write_series(tmp_path / "disc" / "head", voxels(seed=5), name="t2", number=5)
    write_series(tmp_path / "disc" / "1.2.840.1", voxels(seed=6), name="flair", number=6)
    write_series(tmp_path / "disc" / "1.2.840.2", voxels(3), name="scout", number=1)
    sitk.WriteImage(read_scan(tmp_path / "disc" / "1.2.840.1").image, str(tmp_path / "disc" / "a.nii.gz"))
    return tmp_path / "disc"


def rows(folder):
    with open(folder / "summary.csv", newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_each_series_becomes_a_folder_under_its_own_study(disc, tmp_path, repeating, charmssr):
    arguments = ["batch", disc, tmp_path / "out", "--output-format", "dicom", "--structured-report"]
    done = charmssr(*arguments)
    assert done.status == 0, done.err
    assert "left out: 1 volume file;" in done.err
    names = ["1.2.840.1_charms", "head_s4_charms", "head_s5_charms"]
    assert sorted(one.name for one in (tmp_path / "out").iterdir() if one.is_dir()) == names
    for name, source in zip(names, ("flair", "t1", "t2")):
        found = [one for one in read_back(tmp_path / "out" / name) if one.Modality == "MR"]
        assert len(found) == 18 and (tmp_path / "out" / name / "report.dcm").is_file()
        assert found[0].SourceImageSequence[0].ReferencedSOPInstanceUID.startswith(series_uid(source))
        assert (tmp_path / "out" / f"{name}.json").is_file()
    # What is finished stays; what lost an image is not taken for finished.
    (tmp_path / "out" / "head_s4_charms" / "IM0003.dcm").unlink()
    again = charmssr(*arguments)
    assert again.status == 2
    assert sorted(row["status"] for row in rows(tmp_path / "out")) == ["failed", "skipped", "skipped"]
    assert "does not hold all images" in next(row["message"] for row in rows(tmp_path / "out") if row["message"])
    assert charmssr(*arguments, "--overwrite").status == 0
    # Results among the sources are not enhanced once more.
    (tmp_path / "out").rename(disc / "results")
    notes = []
    assert len(find_members(disc, tmp_path / "new", notes, as_series=True)) == 3
    assert "left out: 3 DICOM series that this program made" in notes


def test_other_settings_of_the_series_are_other_results(disc, tmp_path, repeating, charmssr):
    arguments = ["batch", disc / "1.2.840.1", tmp_path / "out", "--output-format", "dicom"]
    assert charmssr(*arguments).status == 0
    refused = charmssr(*arguments, "--mark")
    assert refused.status == 2 and "other settings" in rows(tmp_path / "out")[0]["message"]


def test_maps_of_each_series_have_a_folder_of_their_own(disc, tmp_path, repeating, charmssr):
    done = charmssr("batch", disc / "head", tmp_path / "out", "--output-format", "dicom", "--maps", tmp_path / "maps")
    assert done.status == 0, done.err
    places = sorted(one.relative_to(tmp_path / "maps").as_posix() for one in (tmp_path / "maps").rglob("map.dcm"))
    assert places == ["head_s4_charms/mask/map.dcm", "head_s5_charms/mask/map.dcm"]
    # Neither they nor the results are taken for scans.
    assert len(find_members(tmp_path, tmp_path / "new", as_series=True)) == 3


def test_what_cannot_become_a_series_is_said(disc, tmp_path, repeating, charmssr):
    (tmp_path / "volumes").mkdir()
    (disc / "a.nii.gz").rename(tmp_path / "volumes" / "a.nii.gz")
    refused = charmssr("batch", tmp_path / "volumes", tmp_path / "out", "--output-format", "dicom")
    assert refused.status == 2 and "holds no DICOM series" in refused.err
    table = tmp_path / "list.csv"
    table.write_text("input,output\ndisc/1.2.840.1,a.nii.gz\n", encoding="utf-8")
    refused = charmssr("batch", table, tmp_path / "out", "--output-format", "dicom")
    assert refused.status == 2 and "needs a folder" in refused.err
    table.write_text("input,output\ndisc/1.2.840.1,a\nvolumes/a.nii.gz,b\n", encoding="utf-8")
    assert charmssr("batch", table, tmp_path / "out", "--output-format", "dicom").status == 2
    assert [row["status"] for row in rows(tmp_path / "out")] == ["done", "failed"]
    assert "patient and study would be unknown" in rows(tmp_path / "out")[1]["message"]
    for command in (["batch", disc, tmp_path / "new"], ["enhance", disc / "1.2.840.1", tmp_path / "b.nii.gz"]):
        refused = charmssr(*command, "--mark")
        assert refused.status == 2 and "--mark is for DICOM series" in refused.err
