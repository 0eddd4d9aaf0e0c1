"""The command from a folder with public names to the tables, with a tiny network and a few steps."""

import csv
import re
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLab import cli as entry
from CHARMSSRLab.reproduction import cross_field
from CHARMSSRLab.reproduction.published import looks_like_double_range
from CHARMSSRLib.fine_tuning import automatic_values, held_out
from CHARMSSRLib.fine_tuning.fine_tune import FineTuning
from CHARMSSRLib.fine_tuning.report.intensity_match import MonotoneMap
from CHARMSSRLib.preprocessing.bias_field import BiasCorrection
from Testing.lab.reproduction.public_folders import bids_pairs, hcp_folder, ixi_folder
from Testing.phantom import phantom_head_and_brain
from Testing.small_checkpoint import small_checkpoint as random_checkpoint

QUICK = ["--skull-strip", "none", "--no-timing", "--device", "cpu"]


@pytest.fixture(autouse=True)
def no_long_preparation(monkeypatch):
    """N4 and the search for the rigid transform, which take most of the time, have their own tests elsewhere.

    The generated heads have no bias field, and those of a pair lie in the same place.
    """

    def uncorrected(image, mask, task=None):
        return BiasCorrection(image, image * 0 + 1)

    monkeypatch.setattr("CHARMSSRLib.preprocessing.pipeline.correct_bias_field", uncorrected)
    monkeypatch.setattr(
        "CHARMSSRLib.fine_tuning.pairs.registration.register_rigid", lambda *_, **__: sitk.Euler3DTransform()
    )


@pytest.fixture
def reproduce(monkeypatch, capfd):
    """Function: run ``charmssr reproduce``; returns (status, standard output, standard error)."""

    def run(*arguments):
        status = entry.main(["reproduce", *map(str, arguments)])
        return (status, *capfd.readouterr())

    return run


def small_checkpoint(folder, name="small", seed=3, spread=1e-4):
    """A small checkpoint that may be published; path of its weights."""
    card = {"margin": 4, "licence": "Apache-2.0", "training_data": []}
    return Path(random_checkpoint(folder, name, seed, spread, card=card))


def write_field(path, contrast="T1w", seed=0, **_):
    """One stripped head at 3T or, where the name says session 2, at 7T: twice as fine in plane, another contrast."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seven = "ses-2" in path.name
    factor = 2 if seven else 1
    image, brain = phantom_head_and_brain(
        size=(32 * factor, 36 * factor, 16), spacing=(5.0 / factor, 5.6 / factor, 9.9), contrast=contrast, seed=seed,
        bias=0.0,
    )  # fmt: skip
    voxels = sitk.GetArrayFromImage(image)
    if seven:
        voxels = 900 * (voxels / 900) ** 1.3
    stripped = sitk.GetImageFromArray(np.where(sitk.GetArrayViewFromImage(brain) > 0, voxels, 0).astype(np.float32))
    stripped.CopyInformation(image)
    sitk.WriteImage(stripped, str(path))
    return path


def test_a_dry_run_lists_what_was_found_and_writes_nothing(tmp_path, reproduce):
    ixi_folder(tmp_path / "ixi")
    next((tmp_path / "ixi").glob("IXI-T2/IXI002-*")).unlink()
    hcp_folder(tmp_path / "hcp")
    bids_pairs(tmp_path / "ptt1", sessions=("ses-3T", "ses-7T"), contrasts=("T1w",))
    bids_pairs(tmp_path / "ptt2", subjects=2, contrasts=("T1w",))
    before = sorted(tmp_path.rglob("*"))
    sets = [word for key in ("ixi", "hcp", "ptt1", "ptt2") for word in (f"--{key}", tmp_path / key)]
    status, out, err = reproduce(*sets, "--scale", "both", "--dry-run")
    assert status == 0, err
    assert sorted(tmp_path.rglob("*")) == before
    assert "left out: IXI002: no T2w scan" in out and "3 complete subjects, of these 1 train, 1 val, 1 test" in out
    assert "HCP-100307  T2w  3T  32 x 36 x 20  5.4 x 6 x 8.6 mm" in out
    assert "sub-02  T1w  7T" in out
    for experiment in ("ixi-x2", "ixi-x4", "hcp-x4", "on 3 pairs of PTT1, test on 2 of PTT2"):
        assert experiment in out


def test_options_that_do_not_go_together_are_refused_in_one_line(tmp_path, reproduce):
    bids_pairs(tmp_path / "pairs", subjects=1, contrasts=("T1w",))
    for options, reason in (
        ([], "Nothing to reproduce from"),
        (["--ixi", tmp_path], "--output DIR"),
        (["--ixi", tmp_path, "--output", tmp_path / "out"], "holds no scans of IXI"),
        (["--ptt1", tmp_path / "pairs", "--output", tmp_path / "out"], "nothing to test on"),
        (["--ptt2", tmp_path / "pairs", "--output", tmp_path / "out"], "nothing to tune on"),
    ):
        status, _, err = reproduce(*options)
        assert status == 2 and reason in err and len(err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_ixi_becomes_table_2_and_a_second_run_does_nothing_again(tmp_path, reproduce, monkeypatch):
    ixi_folder(tmp_path / "ixi", subjects=3, contrasts=("T1",))
    options = [
        "--ixi",
        tmp_path / "ixi",
        "--output",
        tmp_path / "out",
        "--contrast",
        "T1w",
        "--methods",
        "srcnn",
        *QUICK,
    ]
    status, out, err = reproduce(*options, "--steps", 2)
    assert status == 0 and out.strip() == str(tmp_path / "out" / "report.md"), err
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "## Table 2, x2: whole slices, as the paper scores" in report and "| SRCNN |" in report
    assert "neither is a target" in report and "3 complete subjects" in report
    part = (tmp_path / "out" / "ixi-x2" / "report.md").read_text(encoding="utf-8")
    assert "2 steps of 4 patches" in part and "1 : 1 : 1 subjects" in part and "central 100 slices" in part
    scans = (tmp_path / "out" / "scans.csv").read_text(encoding="utf-8").splitlines()
    assert len(scans) == 4 and sum(",test," in line for line in scans) == 1

    states = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.npz")}
    states.update({path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "ixi-x2").rglob("*")})
    monkeypatch.setattr("CHARMSSRLab.comparison.contest.contest", None)  # a call would fail
    assert reproduce(*options, "--steps", 2)[0] == 0
    assert {path: path.stat().st_mtime_ns for path in states} == states
    assert (tmp_path / "out" / "report.md").read_text(encoding="utf-8") == report


def test_given_weights_are_scored_without_training(tmp_path, reproduce, monkeypatch):
    ixi_folder(tmp_path / "ixi", subjects=3, contrasts=("T1",))
    common = ["--ixi", tmp_path / "ixi", "--contrast", "T1w", *QUICK]
    with monkeypatch.context() as patch:
        patch.setattr("CHARMSSRLab.reproduction.single_field.available_checkpoints", lambda: [])
        status, _, err = reproduce(*common, "--output", tmp_path / "none", "--score-only", "--scale", "4")
    assert status == 2 and "Nothing to score for ixi-x4" in err
    checkpoint = small_checkpoint(tmp_path)
    status, _, err = reproduce(*common, "--output", tmp_path / "out", "--score-only", "--checkpoint", checkpoint)
    assert status == 0, err
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "CHARMS (small)" in report and "SRCNN" not in report
    assert "Nothing was trained here" in (tmp_path / "out" / "ixi-x2" / "report.md").read_text(encoding="utf-8")
    assert not list((tmp_path / "out").rglob("state.pt"))


def test_a_run_that_is_stopped_keeps_what_is_finished_and_goes_on(tmp_path, reproduce, monkeypatch):
    ixi_folder(tmp_path / "ixi", subjects=3, contrasts=("T1",))
    options = ["--ixi", tmp_path / "ixi", "--output", tmp_path / "out", "--contrast", "T1w", *QUICK]
    options += ["--methods", "bicubic"]
    asked = iter([False, True])
    with monkeypatch.context() as patch:
        patch.setattr("CHARMSSRLab.cli.reproduce.Interruption.is_cancelled", lambda self: next(asked))
        status, _, err = reproduce(*options)
    assert status == 130 and "The same command goes on" in err
    (first,) = (tmp_path / "out").rglob("*.npz")
    time = first.stat().st_mtime_ns
    assert reproduce(*options)[0] == 0
    assert first.stat().st_mtime_ns == time and len(list((tmp_path / "out").rglob("*.npz"))) == 3
    options[options.index(tmp_path / "out")] = tmp_path / "undisturbed"
    assert reproduce(*options)[0] == 0
    reports = [(tmp_path / folder / "report.md").read_text(encoding="utf-8") for folder in ("out", "undisturbed")]
    assert reports[0] == reports[1]


def pairs_of_two_sites(tmp_path):
    """Options for two pairs of PTT1 and one of PTT2, and a small checkpoint."""
    bids_pairs(tmp_path / "ptt1", subjects=2, contrasts=("T1w",), make=write_field)
    bids_pairs(tmp_path / "ptt2", subjects=1, contrasts=("T1w",), make=write_field)
    options = ["--ptt1", tmp_path / "ptt1", "--ptt2", tmp_path / "ptt2", "--output", tmp_path / "out", *QUICK]
    return [*options, "--checkpoint", small_checkpoint(tmp_path)]


def test_pairs_are_tuned_on_and_tested_on_in_one_command(tmp_path, reproduce, monkeypatch):
    for name, value in (("patch", 12), ("batch", 1)):
        monkeypatch.setitem(automatic_values.CPU_PRESET, name, value)
    monkeypatch.setattr(held_out, "SLICES_PER_PAIR", 1)
    options = [*pairs_of_two_sites(tmp_path), "--tuning-steps", 1]
    status, _, err = reproduce(*options)
    assert status == 0, err
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "1 pairs, 1 held out to choose the step, 1 steps at 0.001" in report
    for baseline in ("3T interpolated", "3T intensity-matched", "checkpoint before"):
        assert f"| PTT2 T1w | 21.00 | 0.7258 | {baseline} |" in report

    monkeypatch.setattr("CHARMSSRLab.reproduction.cross_field.fine_tune", None)  # a call would fail
    monkeypatch.setattr("CHARMSSRLab.reproduction.cross_field.register_pair", None)
    assert reproduce(*options)[0] == 0
    assert (tmp_path / "out" / "report.md").read_text(encoding="utf-8") == report


def test_pairs_become_tables_5_to_8(tmp_path, reproduce, monkeypatch):
    def tuned(pairs, settings, progress=None, is_cancelled=None, observe=None, command=""):
        path = small_checkpoint(settings.folder, settings.name, seed=5, spread=2e-3)
        report = {"best_step": 7, "steps": 9, "counts": {"training": len(pairs) - 1, "held_out": 1},
                  "plan": {"learning_rate": 1e-5}, "verdict": "Something was gained."}  # fmt: skip
        return FineTuning(path, report, {"T1w": MonotoneMap(np.array([0.0, 1.0]), np.array([0.0, 0.9]))})

    assert list(signature(tuned).parameters) == list(signature(cross_field.fine_tune).parameters)
    monkeypatch.setattr(cross_field, "fine_tune", tuned)
    options = pairs_of_two_sites(tmp_path)
    flat = sitk.Image((40, 40, 20), sitk.sitkFloat32)
    for session in (1, 2):  # a second head of PTT2 that cannot be used
        path = tmp_path / f"ptt2/sub-09/ses-{session}/anat/sub-09_ses-{session}_T1w.nii.gz"
        path.parent.mkdir(parents=True)
        sitk.WriteImage(flat, str(path))
    status, _, err = reproduce(*options)
    assert status == 0, err
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    for heading in ("Table 5, T1w", "Table 6, T1w", "Table 7, T1w", "Table 8, T1w", "Edge sharpness"):
        assert heading in report
    assert "'checkpoint after': " in report and "kept step 7" in report and "Something was gained." in report
    assert "- sub-09 T1w is left out: " in report
    assert "20 log10 2" in report and "8-bit pictures" in report
    with open(tmp_path / "out/cross-field/scores.csv", newline="") as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    assert rows["checkpoint after"]["psnr"] != rows["checkpoint before"]["psnr"]
    assert 0 < float(rows["3T interpolated"]["psnr"]) < float(rows["3T matched to this very 7T (oracle)"]["psnr"])
    assert float(rows["checkpoint after"]["slice_psnr"]) > 0 and rows["7T"]["psnr"] == "" < rows["7T"]["snr"]
    assert not list((tmp_path / "out/cross-field/test").glob("*/"))  # the slices are gone


def test_the_factor_of_two_in_the_range_is_recognised():
    assert looks_like_double_range([6.0206, 6.0205, 6.0207, 1.0])
    assert not looks_like_double_range([6.0, 5.9, 6.1]) and not looks_like_double_range([6.0206])


def test_every_option_on_the_page_is_an_option_of_the_command(repository):
    text = (repository / "docs" / "studies" / "reproduce.md").read_text(encoding="utf-8")
    (subparsers,) = [action for action in entry.build_parser()._actions if action.dest == "command"]
    known = set(subparsers.choices["reproduce"]._option_string_actions)
    used = set(re.findall(r"--[a-z][a-z0-9-]+", text))
    assert len(used) > 12 and used <= known
