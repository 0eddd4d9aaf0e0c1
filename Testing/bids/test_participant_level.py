"""The participant level: a valid derivative, each scan once, whatever single scans do."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.bids import journal
from CHARMSSRLib.bids.dataset import running_container
from CHARMSSRLib.bids.shared_folder import names_now, read_now
from CHARMSSRLib.bids.validation import validator
from CHARMSSRLib.checkpoints.registry import find_weights, sha256_of
from CHARMSSRLib.errors import InputError, OutputError

RESULT = "sub-01/anat/sub-01_res-x2_desc-charms_T1w"


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "logs" not in path.parts
    }


def test_a_result_and_its_sidecars_say_what_bids_asks_for(app, dataset):
    done = app("--maps")
    assert done.status == 0 and "3 scans: 3 done" in done.out
    sidecar = json.loads((done.output / f"{RESULT}.json").read_text(encoding="utf-8"))
    assert sidecar["Sources"] == ["bids:raw:sub-01/anat/sub-01_T1w.nii.gz"] and sidecar["SkullStripped"] is True
    assert sidecar["Resolution"]["x2"].startswith("Voxels of 3 x 3 x 10 mm")
    assert sidecar["CHARMSSR"]["Report"]["skull_strip"]["backend"] == "builtin"
    description = json.loads((done.output / "dataset_description.json").read_text(encoding="utf-8"))
    assert description["DatasetType"] == "derivative" and description["GeneratedBy"][0]["Name"] == "CHARMSSR"
    assert description["DatasetLinks"]["raw"] == dataset.as_uri() == description["SourceDatasets"][0]["URL"]
    image = nibabel.load(done.output / f"{RESULT}.nii.gz")
    assert image.shape == (64, 64, 16) and np.ptp(image.get_fdata()) > 0
    names = sorted(path.name for path in (done.output / "sub-02" / "anat").iterdir())
    assert [name for name in names if "run-1" in name] == [
        f"sub-02_run-1_res-x2_desc-{name}.{extension}"
        for name in ("brain_mask", "charms_T1w", "detail_T1w")
        for extension in ("json", "nii.gz")
    ]
    assert "Sensors 2026" in (done.output / "logs" / "CITATION.txt").read_text(encoding="utf-8")


def test_results_state_both_geometries_of_their_scans(app, dataset):
    path = dataset / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    scan = nibabel.load(path)
    scan.set_sform(np.diag([-1.0, 1.0, 1.0, 1.0]) @ scan.affine, code=4)
    nibabel.save(nibabel.Nifti1Image(np.asarray(scan.dataobj), None, scan.header), path)
    done = app("--maps")
    scan = nibabel.load(path)
    for name in ("charms_T1w", "brain_mask", "detail_T1w"):
        result = nibabel.load(done.output / "sub-01" / "anat" / f"sub-01_res-x2_desc-{name}.nii.gz")
        assert (int(result.header["qform_code"]), int(result.header["sform_code"])) == (1, 4)
        for form in ("get_sform", "get_qform"):
            middles = [getattr(one.header, form)() @ [*((np.array(one.shape) - 1) / 2), 1] for one in (scan, result)]
            assert np.allclose(*middles, atol=1e-3)


def test_the_validator_of_bids_finds_no_error(app, add, dataset):
    add(dataset, "sub-01_T2w", 5)
    add(dataset, "sub-03_ses-a_acq-x_rec-y_run-01_echo-1_part-mag_FLAIR", 6)
    done = app("--maps")
    assert done.status == 0 and app(level="group").status == 0
    assert validator(), "pip install bids-validator-deno"
    answer = subprocess.run([validator(), str(done.output), "--json"], capture_output=True, text=True)
    issues = json.loads(answer.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []


def test_a_second_run_does_nothing(app, worker):
    first = tree(app().output)
    worker.action = lambda image: pytest.fail("nothing was to be done")
    done = app()
    assert done.status == 0 and "3 scans: 3 finished earlier" in done.out and tree(done.output) == first


def test_a_copied_or_touched_input_is_still_the_same_input(app, dataset):
    app()
    os.utime(dataset / "sub-01" / "anat" / "sub-01_T1w.nii.gz", (1, 1))
    assert "3 finished earlier" in app().out


@pytest.mark.parametrize("change, words", [("settings", "bias correction"), ("input", "its input has changed")])
def test_what_has_changed_is_refused_or_redone_as_asked(app, add, dataset, change, words):
    before = tree(app().output)
    options = ("--no-bias-correction",) if change == "settings" else ()
    if change == "input":
        add(dataset, "sub-01_T1w", 77)
    refused = app(*options)
    assert refused.status == 3 and words in refused.err and tree(refused.output) == before
    redone = app(*options, "--redo", "changed")
    count = 3 if change == "settings" else 1
    assert redone.status == 0 and f"{count} done" in redone.out
    assert app(*options).status == 0 and tree(redone.output) != before


def test_other_weights_are_noticed(app, dataset):
    output = app().output
    sidecar = output / f"{RESULT}.json"
    content = json.loads(sidecar.read_text(encoding="utf-8"))
    content["CHARMSSR"]["MadeFrom"]["CheckpointSHA256"] = "0" * 64
    sidecar.write_text(json.dumps(content))
    refused = app()
    assert refused.status == 3 and "made with other weights" in refused.err


def test_weights_that_a_scan_chose_are_the_same_until_they_change(app):
    output = app("--checkpoint", "auto").output
    assert "3 finished earlier" in app("--checkpoint", "auto").out
    sidecar = output / f"{RESULT}.json"
    content = json.loads(sidecar.read_text(encoding="utf-8"))
    other = {"name": "charms-x2-bicubic", "sha256": sha256_of(find_weights("charms-x2-bicubic")), "chosen": "Why."}
    content["CHARMSSR"]["Report"]["checkpoint"] = other
    content["CHARMSSR"]["MadeFrom"]["CheckpointSHA256"] = other["sha256"]
    sidecar.write_text(json.dumps(content))
    assert "3 finished earlier" in app("--checkpoint", "auto").out
    assert "made with other weights" in app().err
    content["CHARMSSR"]["MadeFrom"]["CheckpointSHA256"] = "0" * 64
    sidecar.write_text(json.dumps(content))
    assert "made with other weights" in app("--checkpoint", "auto").err


def test_scans_that_cannot_be_enhanced_are_refused_and_others_go_on(app, add, dataset):
    add(dataset, "sub-03_T1w", image=sitk.Image(40, 40, 20, sitk.sitkInt16))
    (dataset / "sub-04" / "anat").mkdir(parents=True)
    (dataset / "sub-04" / "anat" / "sub-04_T1w.nii.gz").symlink_to("../.git/annex/gone")
    four_d = dataset / "sub-05" / "anat" / "sub-05_T1w.nii.gz"
    four_d.parent.mkdir(parents=True)
    nibabel.save(nibabel.Nifti1Image(np.ones((40, 40, 20, 3), np.float32), np.eye(4)), four_d)
    add(dataset, "sub-06_T1w", 6)
    (dataset / "T1w.json").write_text(json.dumps({"ContrastBolusIngredient": "NONE"}))
    (dataset / "sub-06" / "sub-06_T1w.json").write_text(json.dumps({"ContrastBolusIngredient": "GADOLINIUM"}))
    done = app()
    assert done.status == 3 and "3 done, 4 refused" in done.out
    lines = {line.split(": ")[2]: line for line in done.err.splitlines() if line.startswith("charmssr: refused: ")}
    for subject, words in (("03", "constant"), ("04", "datalad get"), ("05", "4-D"), ("06", "GADOLINIUM")):
        assert words in lines[f"sub-{subject}/anat/sub-{subject}_T1w.nii.gz"]
    assert journal.last(done.output / "logs" / "sub-03" / "sub-03_T1w_res-x2.log").status == "refused"
    assert not any(path.suffix == ".gz" for path in (done.output).glob("sub-0[3456]/anat/*"))


def test_what_fails_is_tried_again_and_listed(app, worker):
    failures = iter([True, False, True, True])

    def action(image):
        if next(failures, False):
            raise RuntimeError("the card\nfell out")

    worker.action = action
    done = app()
    assert done.status == 4 and "2 done, 1 failed" in done.out
    (line,) = [line for line in done.err.splitlines() if line.startswith("charmssr: failed")]
    assert line.endswith("unexpected RuntimeError: the card fell out")
    worker.action = None
    assert app().status == 0


def test_a_refusal_is_not_tried_again(app, worker):
    calls = []

    def action(image):
        calls.append(1)
        raise InputError("No.")

    worker.action = action
    assert app().status == 3 and len(calls) == 3


def test_shards_share_the_subjects_and_leave_none_out(app, worker):
    first, second = app("--shard", "1/2"), app("--shard", "2/2")
    assert "1 scan: 1 done" in first.out and "2 scans: 2 done" in second.out
    assert "3 finished earlier" in app().out


def test_a_wrong_label_is_said_and_others_go_on(app):
    done = app("--participant-label", "sub-01,99")
    assert done.status == 3 and "no subject sub-99" in done.err and "1 scan: 1 done" in done.out
    nothing = app("--participant-label", "99")
    assert nothing.status == 2 and nothing.err.count("charmssr: error: ") == 1


def test_too_little_memory_is_refused_before_anything_is_begun(app, tmp_path):
    refused = app("--mem-mb", "500")
    assert refused.status == 2 and "at least 1000" in refused.err and not (tmp_path / "out").exists()


def test_the_dry_run_tells_and_writes_nothing(app, tmp_path):
    done = app("--dry-run")
    assert done.status == 0 and "3 to do, 0 changed, 0 finished" in done.out and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "what, words",
    [
        ("nothing", "no BIDS dataset"),
        ("dicom", "DICOM"),
        ("derivative", "derivative dataset"),
        ("empty", "no folder sub-*"),
        ("missing", "There is no folder"),
        ("inside", "lies inside the dataset"),
        ("same", "holds the dataset itself"),
        ("foreign", "did not make"),
    ],
)
def test_wrong_folders_are_refused_with_one_sentence(app, dataset, tmp_path, what, words):
    description = dataset / "dataset_description.json"
    source, output = dataset, tmp_path / "out"
    if what in ("nothing", "dicom"):
        description.unlink()
    if what == "dicom":
        shutil.rmtree(dataset)
        dataset.mkdir()
        (dataset / "IM1").write_bytes(bytes(128) + b"DICM" + bytes(100))
    elif what == "derivative":
        description.write_text(json.dumps({"Name": "x", "BIDSVersion": "1.8.0", "DatasetType": "derivative"}))
    elif what == "empty":
        shutil.rmtree(dataset / "sub-01")
        shutil.rmtree(dataset / "sub-02")
    elif what == "missing":
        source = tmp_path / "elsewhere"
    elif what == "inside":
        output = dataset / "results"
    elif what == "same":
        output = dataset
    elif what == "foreign":
        output.mkdir()
        (output / "dataset_description.json").write_text(json.dumps({"GeneratedBy": [{"Name": "fMRIPrep"}]}))
    done = app(source=source, output=output)
    assert done.status == 2 and done.err.count("\n") == 1 and words in done.err
    assert not (dataset / "results").exists() and not (tmp_path / "out" / "logs").exists()


@pytest.mark.parametrize(
    "variables, told",
    [
        ({}, None),
        ({"CHARMSSR_CONTAINER": "charmssr:1"}, {"Type": "docker", "Tag": "charmssr:1"}),
        (
            {"CHARMSSR_CONTAINER": "charmssr:1", "APPTAINER_CONTAINER": "/x/c.sif"},
            {"Type": "apptainer", "Tag": "charmssr:1"},
        ),
        ({"SINGULARITY_CONTAINER": "/x/c.sif"}, {"Type": "apptainer", "Tag": "c.sif"}),
    ],
)
def test_the_description_names_the_container(monkeypatch, variables, told):
    for name in ("CHARMSSR_CONTAINER", "APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "exists", lambda self: False)  # of files that containers have
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert running_container() == told


def test_the_derivatives_folder_of_the_dataset_is_a_good_place(app, dataset):
    output = dataset / "derivatives" / "charmssr"
    assert app(output=output).status == 0 and "3 finished earlier" in app(output=output).out


def test_a_killed_run_leaves_nothing_half_written_and_the_next_one_does_the_rest(app, dataset, tmp_path, worker):
    undisturbed = app(output=tmp_path / "undisturbed").output
    output = tmp_path / "out"
    command = [sys.executable, os.path.join(os.path.dirname(__file__), "stand_in.py")]
    command += ["bids", str(dataset), str(output), "participant", "--skip-bids-validation"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "STAND_IN_SECONDS": "60"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    log = output / "logs" / "sub-01" / "sub-01_T1w_res-x2.log"
    while not log.exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list(output.rglob("*.nii.gz")) and list(output.rglob("*.lock.0"))
    # What a kill in the middle of writing leaves: a hidden file, and whole files without the sidecar that counts.
    (output / "sub-01" / "anat").mkdir(parents=True)
    (output / "sub-01" / "anat" / ".sub-01_res-x2_desc-charms_T1w.0123456789ab.nii.gz").write_bytes(b"half")
    shutil.copy(undisturbed / f"{RESULT}.nii.gz", output / "sub-01" / "anat")
    done = app()
    assert done.status == 0 and "3 done" in done.out

    def results(folder):
        return {name: data for name, data in tree(folder).items() if name.endswith(".nii.gz")}

    assert results(output) == results(undisturbed) and len(results(output)) == 6
    assert (
        log.read_text(encoding="utf-8").count(" started") == 2 and log.read_text(encoding="utf-8").count(" done ") == 1
    )


def test_two_processes_on_one_folder_do_each_scan_once(add, dataset, tmp_path):
    for number in range(3, 9):
        add(dataset, f"sub-{number:02d}_T1w", number)
    command = [sys.executable, os.path.join(os.path.dirname(__file__), "stand_in.py")]
    command += ["bids", str(dataset), str(tmp_path / "out"), "participant", "--skip-bids-validation"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "STAND_IN_SECONDS": "0.05"}
    processes = [subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    logs = list((tmp_path / "out" / "logs").glob("sub-*/*.log"))
    assert len(logs) == 9 and all(log.read_text(encoding="utf-8").count(" done ") == 1 for log in logs)
    assert all(log.read_text(encoding="utf-8").count(" started") == 1 for log in logs)


def test_a_full_disk_fails_the_scan_and_leaves_the_old_result_whole(app, add, dataset, monkeypatch):
    output = app().output
    before = tree(output)
    add(dataset, "sub-01_T1w", 77)
    from CHARMSSRLib.files import volume_writer

    def full(image, path, *rest):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(volume_writer, "write_nifti", full)
    done = app("--redo", "changed")
    assert done.status == 4 and "the disk (or your quota) is full" in done.err
    assert tree(output) == before


def test_jobs_that_begin_one_output_folder_together_do_not_refuse_each_others_files(dataset, tmp_path):
    from CHARMSSRLib.bids.dataset import prepare_output, read_description

    output, card = tmp_path / "out", {"name": "x", "sha256": "0"}
    failures = []

    def begin():
        try:
            prepare_output(dataset, output, read_description(dataset), card)
        except OutputError as error:
            failures.append(error)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and sorted(path.name for path in output.iterdir()) == [
        ".bidsignore", "README", "dataset_description.json", "logs",
    ]  # fmt: skip


def test_files_that_another_machine_replaces_while_they_are_read_are_read_again(tmp_path, monkeypatch):
    path, stale = tmp_path / "x.json", iter([True, True, False])
    path.write_text("whole")
    read = Path.read_text

    def read_text(self, *arguments, **named):
        if next(stale):
            raise OSError(errno.ESTALE, "Stale file handle")
        return read(self, *arguments, **named)

    monkeypatch.setattr(Path, "read_text", read_text)
    assert read_now(path) == "whole"


def test_names_are_asked_for_anew_down_to_the_folder(tmp_path, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").touch()
    opened, real = [], os.open
    monkeypatch.setattr(os, "open", lambda path, *rest: opened.append(Path(path)) or real(path, *rest))
    assert names_now(tmp_path / "a" / "b", tmp_path) == {"x"} and names_now(tmp_path / "c", tmp_path) == set()
    assert opened[:2] == [tmp_path, tmp_path / "a"]


def test_the_sidecar_tells_of_pixels_that_were_interpolated():
    from CHARMSSRLib.bids.sidecars import resolution

    report = {"input": {"spacing_mm": [0.9, 0.8, 2.2]}, "output": {"spacing_mm": [0.7, 0.63, 2.2]}}
    plain = "Voxels of 0.7 x 0.63 x 2.2 mm by super-resolution, from a scan with voxels of 0.9 x 0.8 x 2.2 mm"
    assert resolution(report, "x2") == {"x2": f"{plain}."}
    report["resolution"] = {"measured_mm": [1.4, 1.26, 2.2]}
    assert resolution(report, "x2") == {"x2": f"{plain}, interpolated from 1.4 x 1.26 x 2.2 mm."}
