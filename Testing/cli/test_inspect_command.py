"""``charmssr inspect``: one scan, a cohort, and what cannot be read."""

import csv
import io
import json

import pytest
import SimpleITK as sitk

from CHARMSSRLib.cli import main


@pytest.fixture
def scan(tmp_path, _phantom):
    sitk.WriteImage(sitk.Shrink(_phantom[0], [1, 1, 2]), str(tmp_path / "scan.nii.gz"))
    return tmp_path / "scan.nii.gz"


def test_a_scan_is_described_in_words(scan, capsys):
    assert main(["inspect", str(scan)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("The pixels are as they were measured.") and "mm stated" in shown and "contrast" in shown


def test_a_scan_is_described_as_json_with_evidence(scan, capsys):
    assert main(["inspect", str(scan), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["file"] == str(scan)
    assert {"direction", "spacing_mm", "true_mm", "share", "interpolation", "confidence", "evidence"} <= set(
        found["axes"][0]
    )
    assert set(found["contrast"]) == {"value", "confidence", "evidence"}


def test_a_folder_gives_a_table_and_one_bad_file_does_not_stop_it(scan, capsys):
    (scan.parent / "broken.nii").write_bytes(b"nothing")
    (scan.parent / "below").mkdir()
    sitk.WriteImage(sitk.ReadImage(str(scan)), str(scan.parent / "below" / "other.nrrd"))
    assert main(["inspect", str(scan.parent)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 3
    by_name = {row["file"].replace("\\", "/"): row for row in rows}
    assert by_name["broken.nii"]["error"]
    assert (
        by_name["below/other.nrrd"]["interpolation"] == by_name["scan.nii.gz"]["interpolation"] == "none x none x none"
    )


def test_a_folder_as_json_is_a_list(scan, capsys):
    sitk.WriteImage(sitk.ReadImage(str(scan)), str(scan.parent / "second.nii"))
    assert main(["inspect", str(scan.parent), "--json"]) == 0
    assert [one["file"] for one in json.loads(capsys.readouterr().out)] == ["scan.nii.gz", "second.nii"]


def test_what_is_missing_is_one_sentence_and_status_2(tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "none.nii.gz")]) == 2
    assert capsys.readouterr().err.startswith("charmssr: error: ")
