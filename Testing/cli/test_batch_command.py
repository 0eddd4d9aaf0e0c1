"""``charmssr batch``: a cohort goes through, whatever single volumes do; it can be stopped and resumed."""

import csv
import json
import os
import signal
from pathlib import Path

import pytest
import SimpleITK as sitk

from CHARMSSRLib.cli.cohort import find_members
from CHARMSSRLib.cli.entry import configure_logging
from CHARMSSRLib.errors import InputError
from CHARMSSRLib.files.lease_lock import LeaseLock
from CHARMSSRLib.files.volume_writer import write_volume
from CHARMSSRLib.files.volumes import read_scan

MODEL = ("--checkpoint", "any")


@pytest.fixture
def cohort(tmp_path, phantom_head):
    """Folder with three scans (one in a subfolder), a broken one and things that are no volumes."""
    folder = tmp_path / "scans"
    (folder / "sub").mkdir(parents=True)
    sitk.WriteImage(phantom_head, str(folder / "a.nii.gz"))
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
    sitk.WriteImage(phantom_head, str(cohort / "broken.nii.gz"))
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
    assert (results / "z_charms.nii.gz").read_text(encoding="utf-8") == "precious"
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
    assert names_below(tmp_path / "maps") == [
        "a_charms_detail.nii.gz",
        "a_charms_mask.nii.gz",
        "first/own_detail.nii.gz",
        "first/own_mask.nii.gz",
    ]
    report = json.loads((tmp_path / "out" / "first" / "own.json").read_text(encoding="utf-8"))
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


def names_below(folder, pattern="*"):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob(pattern) if path.is_file())


def test_maps_keep_their_place_below_the_folder_as_results_do(charmssr, fake_enhance, tmp_path, phantom_head):
    for subject in ("sub-1", "sub-2"):
        (tmp_path / "scans" / subject).mkdir(parents=True)
        sitk.WriteImage(phantom_head, str(tmp_path / "scans" / subject / "T1w.nii.gz"))
    done = charmssr("batch", tmp_path / "scans", tmp_path / "out", *MODEL, "--maps", tmp_path / "maps")
    assert done.status == 0
    assert names_below(tmp_path / "maps") == [
        f"{subject}/T1w_charms_{name}.nii.gz" for subject in ("sub-1", "sub-2") for name in ("detail", "mask")
    ]


def test_equal_stems_get_names_of_their_own(tmp_path, phantom_head):
    (tmp_path / "in").mkdir()
    for name in ("a.nii.gz", "a.nii", "a.nrrd", "b.mha"):
        sitk.WriteImage(phantom_head, str(tmp_path / "in" / name))
    members = find_members(tmp_path / "in", tmp_path / "out")
    assert sorted(member.output.name for member in members) == [
        "a.nii_charms.nii.gz", "a.nrrd_charms.nii.gz", "a_charms.nii.gz", "b_charms.nii.gz",
    ]  # fmt: skip


def test_results_beside_their_scans_are_not_enhanced_again(charmssr, fake_enhance, cohort):
    for _ in range(2):
        assert charmssr("batch", cohort, cohort, *MODEL).status == 2  # the broken one
    assert len(fake_enhance.calls) == 3
    done = charmssr("batch", cohort, cohort.parent / "elsewhere", *MODEL)
    assert len(fake_enhance.calls) == 6 and "3 results of this program were left out" in done.err


def test_a_replaced_input_is_not_taken_for_finished(charmssr, fake_enhance, cohort, tmp_path, phantom_head):
    results = tmp_path / "results"
    charmssr("batch", cohort, results, *MODEL)
    state = json.loads((results / "z_charms.json").read_text(encoding="utf-8"))["files"]["input_state"]
    assert state["size"] == (cohort / "z.mha").stat().st_size and len(state["sha256"]) == 64
    os.utime(cohort / "z.mha", (1, 1))  # touched, not changed
    charmssr("batch", cohort, results, *MODEL)
    assert summary(results)["z_charms.nii.gz"]["status"] == "skipped"
    before = (results / "z_charms.nii.gz").read_bytes()
    write_volume(phantom_head + 1, cohort / "z.mha", overwrite=True)
    charmssr("batch", cohort, results, *MODEL)
    row = summary(results)["z_charms.nii.gz"]
    assert row["status"] == "failed" and "has changed since" in row["message"] and "--overwrite" not in row["message"]
    assert (results / "z_charms.nii.gz").read_bytes() == before


def test_no_message_about_other_results_advises_to_overwrite_them(charmssr, fake_enhance, cohort, tmp_path):
    results = tmp_path / "results"
    charmssr("batch", cohort, results, *MODEL)
    (cohort / "z.mha").rename(cohort / "y.mha")
    table = tmp_path / "table.csv"
    table.write_text("input,output\nscans/y.mha,z_charms.nii.gz\n")
    done = charmssr("batch", table, results, *MODEL)
    assert done.status == 2 and "was made from" in done.err and "--overwrite" not in done.err


def test_a_volume_that_another_batch_is_at_is_left_to_it(charmssr, fake_enhance, cohort, tmp_path):
    """The second batch starts inside the first one's work, sees the lock, and takes over what the first finishes."""
    results = tmp_path / "results"
    lock = LeaseLock.beside(results / "z_charms.nii.gz")
    results.mkdir()
    assert lock.acquire() and not LeaseLock.beside(results / "z_charms.nii.gz").acquire()

    def finish_the_other(step, image):
        if step == 0 and len(fake_enhance.calls) == 2:
            charmssr_of_the_other.append(True)
            lock.release()

    charmssr_of_the_other = []
    fake_enhance.action = finish_the_other
    charmssr("batch", cohort, results, *MODEL)
    assert charmssr_of_the_other and summary(results)["z_charms.nii.gz"]["status"] == "done"
    assert not list(results.rglob("*.lock*"))


def test_two_batches_into_one_folder_share_the_summary(charmssr, fake_enhance, tmp_path, phantom_head):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_volume(phantom_head, tmp_path / name / f"{name}.nrrd")
        assert charmssr("batch", tmp_path / name, tmp_path / "out", *MODEL).status == 0
    assert sorted(summary(tmp_path / "out")) == ["one_charms.nii.gz", "two_charms.nii.gz"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("heading", ["input", "Input", " INPUT "])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("before", [[], ["", "sep={}"]])
def test_tables_of_any_spreadsheet_are_read(tmp_path, delimiter, heading, encoding, before):
    lines = [one.format(delimiter) for one in before]
    lines += [delimiter.join([heading, "Mask"]), delimiter.join(["ä.nii", "m.nii"]), delimiter.join(["", ""])]
    (tmp_path / "t.csv").write_text("\r\n".join(lines), encoding=encoding, newline="")
    (member,) = find_members(tmp_path / "t.csv", tmp_path / "out")
    assert (member.input, member.mask) == (tmp_path / "ä.nii", tmp_path / "m.nii")


def test_a_line_listed_twice_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("input\na.nii\na.nii\n")
    with pytest.raises(InputError, match="lists .*a.nii twice"):
        find_members(tmp_path / "t.csv", tmp_path / "out")


def test_lines_are_counted_from_the_first_of_the_file(tmp_path):
    (tmp_path / "t.csv").write_text("sep=;\ninput;mask\na.nii;\n;m.nii\n")
    with pytest.raises(InputError, match="Line 4 "):
        find_members(tmp_path / "t.csv", tmp_path / "out")


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_linked_folders_are_searched_once(tmp_path, phantom_head):
    (tmp_path / "data" / "sub").mkdir(parents=True)
    write_volume(phantom_head, tmp_path / "data" / "sub" / "a.nrrd")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "linked").symlink_to(tmp_path / "data", target_is_directory=True)
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "study", target_is_directory=True)
    members = find_members(tmp_path / "study", tmp_path / "out")
    assert [member.output.relative_to(tmp_path).as_posix() for member in members] == ["out/linked/sub/a_charms.nii.gz"]


def test_each_series_of_a_disc_is_one_member(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "files"))
    from Testing.files.dicom_files import stack, write_dicomdir, write_enhanced, write_slices

    disc = tmp_path / "disc"
    write_dicomdir(disc / "DICOMDIR")
    write_slices(disc / "IMAGES")
    write_slices(disc / "IMAGES", stack(seed=4), uid="1.2.5", number=7, first=50)
    write_slices(disc / "IMAGES", stack(count=3), uid="1.2.6", number=1, description="localizer", first=90)
    write_slices(disc / "IMAGES" / "below", stack(seed=5), uid="1.2.7", number=9)
    write_enhanced(disc / "MF" / "a.dcm", series="1.2.8", number=11)
    notes = []
    members = find_members(disc, tmp_path / "out", notes)
    assert [(m.output.relative_to(tmp_path / "out").as_posix(), m.series) for m in members] == [
        ("IMAGES_s4_charms.nii.gz", "1.2.3"), ("IMAGES_s7_charms.nii.gz", "1.2.5"),
        ("IMAGES/below_charms.nii.gz", "1.2.7"), ("MF_charms.nii.gz", ""),
    ]  # fmt: skip
    assert notes == ['left out: series 1 "localizer" in IMAGES, 3 images']
    for member in members:
        assert read_scan(member.input, series=member.series).image.GetSize() == (34, 40, 18)


def test_quiet_says_only_what_failed(charmssr, fake_enhance, cohort, tmp_path):
    try:
        done = charmssr("batch", cohort, tmp_path / "out", *MODEL, "--quiet")
    finally:
        configure_logging()  # the other tests are not to be quiet
    assert statuses(tmp_path / "out").count("failed") == 1
    assert "broken" in done.err and "done in" not in done.err and "doubt" not in done.err
    assert "volumes are finished" in done.out
