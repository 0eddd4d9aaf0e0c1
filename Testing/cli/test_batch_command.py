"""``charmssr batch``: a cohort goes through, whatever single volumes do; it can be stopped and resumed."""

import csv
import json
import os
import signal

import pytest

from CHARMSSRLib.cli.cohort import find_members
from CHARMSSRLib.errors import InputError
from CHARMSSRLib.files.volumes import write_volume

MODEL = ("--checkpoint", "any")


@pytest.fixture
def cohort(tmp_path, phantom_head):
    """Folder with three scans (one in a subfolder), a broken one and things that are no volumes."""
    folder = tmp_path / "scans"
    (folder / "sub").mkdir(parents=True)
    write_volume(phantom_head, folder / "a.nii.gz")
    write_volume(phantom_head, folder / "sub" / "a.nrrd")
    write_volume(phantom_head, folder / "z.mha")
    (folder / "broken.nii.gz").write_bytes(b"\x1f\x8b no volume")
    (folder / "notes.txt").write_text("")
    (folder / ".hidden.nii.gz").write_text("")
    return folder


def summary(folder):
    with open(folder / "summary.csv", newline="") as stream:
        return {os.path.basename(row["output"]): row for row in csv.DictReader(stream)}


def statuses(folder):
    return [row["status"] for _, row in sorted(summary(folder).items())]


def test_one_failure_does_not_stop_the_rest(charmssr, fake_enhance, cohort, tmp_path):
    results = tmp_path / "results"
    done = charmssr("batch", cohort, results, *MODEL)
    assert done.status == 2 and "charmssr: error: 1 of 4 volumes failed" in done.err
    assert sorted(str(path.relative_to(results)) for path in results.rglob("*") if path.is_file()) == [
        "a_charms.json", "a_charms.nii.gz", "sub/a_charms.json", "sub/a_charms.nii.gz", "summary.csv",
        "z_charms.json", "z_charms.nii.gz",
    ]  # fmt: skip
    rows = summary(results)
    assert rows["broken_charms.nii.gz"]["status"] == "failed" and "damaged" in rows["broken_charms.nii.gz"]["message"]
    assert rows["z_charms.nii.gz"]["status"] == "done" and rows["z_charms.nii.gz"]["warnings"] == "a doubt"
    assert float(rows["z_charms.nii.gz"]["seconds"]) >= 0


def test_what_is_finished_is_skipped_and_what_failed_is_tried_again(
    charmssr, fake_enhance, cohort, tmp_path, phantom_head
):
    results = tmp_path / "results"
    charmssr("batch", cohort, results, *MODEL)
    write_volume(phantom_head, cohort / "broken.nii.gz", overwrite=True)
    fake_enhance.calls.clear()
    done = charmssr("batch", cohort, results, *MODEL, "--device", "cpu")
    assert done.status == 0 and len(fake_enhance.calls) == 1
    assert statuses(results) == ["skipped", "done", "skipped"]  # two results are called a_charms.nii.gz
    assert summary(results)["z_charms.nii.gz"]["warnings"] == "a doubt"
    charmssr("batch", cohort, results, *MODEL, "--overwrite")
    assert len(fake_enhance.calls) == 5


def test_results_made_with_other_settings_are_not_taken_for_finished(charmssr, fake_enhance, cohort, tmp_path):
    results = tmp_path / "results"
    charmssr("batch", cohort, results, *MODEL)
    done = charmssr("batch", cohort, results, *MODEL, "--planes", "axial")
    assert done.status == 2
    assert "other settings" in summary(results)["z_charms.nii.gz"]["message"]


def test_a_foreign_file_in_the_place_of_a_result_is_kept(charmssr, fake_enhance, cohort, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    (results / "z_charms.nii.gz").write_text("precious")
    charmssr("batch", cohort, results, *MODEL)
    assert (results / "z_charms.nii.gz").read_text() == "precious"
    assert summary(results)["z_charms.nii.gz"]["status"] == "failed"
    assert not (results / "z_charms.json").exists()


def test_unexpected_errors_do_not_stop_the_rest_either(charmssr, fake_enhance, cohort, tmp_path):
    def explode(step, image):
        if len(fake_enhance.calls) == 1:
            raise ZeroDivisionError("a bug")

    fake_enhance.action = explode
    charmssr("batch", cohort, tmp_path / "results", *MODEL)
    rows = [row for row in summary(tmp_path / "results").values() if "unexpected" in row["message"]]
    assert len(fake_enhance.calls) == 3 and len(rows) <= 1
    assert sorted(statuses(tmp_path / "results")).count("done") >= 1


def test_a_stopped_batch_goes_on_where_it_was(charmssr, fake_enhance, cohort, tmp_path):
    results = tmp_path / "results"

    def stop(step, image):
        if len(fake_enhance.calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    fake_enhance.action = stop
    assert charmssr("batch", cohort, results, *MODEL).status == 130
    with open(results / "summary.csv", newline="") as stream:
        assert [row["status"] for row in csv.DictReader(stream)] == ["done", "failed", "cancelled", "pending"]
    fake_enhance.action = None
    fake_enhance.calls.clear()
    charmssr("batch", cohort, results, *MODEL)
    with open(results / "summary.csv", newline="") as stream:
        rows = [(row["status"], row["message"]) for row in csv.DictReader(stream)]
    assert [status for status, _ in rows] == ["skipped", "failed", "done", "done"], rows
    assert len(fake_enhance.calls) == 2


def test_results_inside_the_searched_folder_are_not_enhanced_again(charmssr, fake_enhance, cohort):
    charmssr("batch", cohort, cohort / "results", *MODEL)
    charmssr("batch", cohort, cohort / "results", *MODEL)
    assert len(find_members(cohort, cohort / "results")) == 4
    assert len(fake_enhance.calls) == 3


def test_a_table_names_inputs_outputs_and_masks(charmssr, fake_enhance, tmp_path, phantom_head, phantom_brain):
    (tmp_path / "in").mkdir()
    write_volume(phantom_head, tmp_path / "in" / "a.nii.gz")
    write_volume(phantom_brain, tmp_path / "in" / "mask.nii.gz")
    table = tmp_path / "in" / "table.csv"
    table.write_text("\ufeffinput, output, mask\na.nii.gz, first/own.nrrd, mask.nii.gz\na.nii.gz,,\n", encoding="utf-8")
    done = charmssr("batch", table, tmp_path / "out", *MODEL, "--maps", tmp_path / "maps")
    assert done.status == 0
    assert [call.mask is not None for call in fake_enhance.calls] == [True, False]
    assert (tmp_path / "out" / "first" / "own.nrrd").exists() and (tmp_path / "out" / "a_charms.nii.gz").exists()
    assert sorted(os.listdir(tmp_path / "maps")) == [
        "a_charms_detail.nii.gz", "a_charms_mask.nii.gz", "own_detail.nii.gz", "own_mask.nii.gz",
    ]  # fmt: skip
    report = json.loads((tmp_path / "out" / "first" / "own.json").read_text())
    assert report["files"]["mask"] == str(tmp_path / "in" / "mask.nii.gz")


@pytest.mark.parametrize(
    "text, words",
    [
        ("volume\na.nii.gz\n", "no column 'input'"),
        ("input\n", "lists no volume"),
        ("", "lists no volume"),
        ("input,output\n,b.nii.gz\n", "Line 2 .* names no input"),
        ("input\na.nii\na.nii.gz\n", "would both become a_charms.nii.gz"),
    ],
)
def test_bad_tables_are_refused(tmp_path, text, words):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        find_members(tmp_path / "table.csv", tmp_path / "out")


def test_bad_batches_write_nothing(charmssr, fake_enhance, tmp_path, listing):
    (tmp_path / "empty").mkdir()
    for source in ("empty", "missing"):
        assert charmssr("batch", tmp_path / source, tmp_path / "out", *MODEL).status == 2
    assert charmssr("batch", tmp_path / "empty", tmp_path / "out", "--checkpoint", "unheard-of").status == 2
    assert listing() == ["empty"]


def test_dicom_folders_are_members(shared_data, tmp_path):
    members = find_members(shared_data / "odd" / "dicom", tmp_path)
    found = {member.input.parent.name: member.output.relative_to(tmp_path).as_posix() for member in members}
    assert found["rgb"] in ("rgb/001_charms.nii.gz", "rgb/001_ground_truth_charms.nii.gz")
    assert "gantrytilting/001_charms.nii.gz" in [member.output.relative_to(tmp_path).as_posix() for member in members]
