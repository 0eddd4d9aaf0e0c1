"""The scripts themselves, on the CPU with tiny settings: what runs on a GPU is what is tested here."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from safetensors.torch import load_file

from CHARMSSRLab.gpu import study_in_parts, train_checkpoint, training_rate
from CHARMSSRLab.gpu.pack import pack
from CHARMSSRLab.gpu.shards import join_file
from CHARMSSRLab.training.config import TrainingConfig
from CHARMSSRLab.training.prepared import save_prepared
from CHARMSSRLib.checkpoints.loading import load_checkpoint
from Testing.lab.gpu.test_gpu_packing import volume

TINY = {
    "name": "tiny", "arguments": {"blocks": 1, "units": 1}, "steps": 4, "batch": 2, "patch": 12, "ema_decay": 0.9,
    "degradation": "clinical", "normalisation": "percentile", "validation_slices": 2, "seed": 3,
}  # fmt: skip


@pytest.fixture
def archives(tmp_path):
    """(training archive, validation archive, folder of the prepared slices)."""
    folder = tmp_path / "prepared"
    folder.mkdir()
    save_prepared(volume("train", seed=1), folder / "a_axial.npz")
    save_prepared(volume("val", "ARC_c", seed=2), folder / "c_axial.npz")
    for content in ("train", "val"):
        pack(folder, tmp_path / f"{content}.pack", content)
    return tmp_path / "train.pack", tmp_path / "val.pack", folder


@pytest.fixture
def command(monkeypatch, archives, tmp_path):
    """Function: run a script's main function with a recipe and arguments."""

    def run(main, recipe, *arguments):
        path = tmp_path / "recipe.json"
        path.write_text(json.dumps(recipe), encoding="utf-8")
        words = [*arguments, "--recipe", path, "--data", archives[0], "--device", "cpu"]
        monkeypatch.setattr(sys, "argv", ["script", *map(str, words)])
        main()

    return run


def test_a_checkpoint_trained_in_parts_equals_one_trained_at_once(command, tmp_path):
    def part(out, minutes, work, *more):
        command(
            train_checkpoint.main, TINY, "tiny", "--out", tmp_path / out, "--work", tmp_path / work,
            "--minutes", minutes, "--steps", 4, *more,
        )  # fmt: skip
        return load_checkpoint(tmp_path / out / "tiny.safetensors").card

    whole = part("whole", 9, "work-0")
    first = part("first", 0, "work-1")  # stops after one step
    assert first["preliminary"] and first["training"]["steps"] == 1
    assert (tmp_path / "first" / "tiny.state.000").exists()
    last = part("last", 9, "work-2", "--from", tmp_path / "first")
    assert last["training"]["steps"] == whole["training"]["steps"] == 4
    assert last["sha256"] == whole["sha256"]
    assert last["validation"] == whole["validation"]
    assert all(len(list((tmp_path / out).iterdir())) <= 8 for out in ("whole", "first", "last"))
    assert not list((tmp_path / "last").glob("*.state*"))


def test_a_late_schedule_ends_within_its_grace(command, tmp_path):
    command(
        train_checkpoint.main, TINY, "tiny", "--out", tmp_path / "out", "--work", tmp_path / "work", "--minutes", 0,
        "--steps", 4, "--grace", 600,
    )  # fmt: skip
    assert load_checkpoint(tmp_path / "out" / "tiny.safetensors").card["training"]["steps"] == 4
    assert not list((tmp_path / "out").glob("*.state*"))


def test_rates_are_told_for_every_batch_plain_and_recorded(command, tmp_path, capsys):
    command(training_rate.main, TINY, "tiny", "--out", tmp_path / "out", "--batches", 1, 2, "--rounds", 1)
    told = json.loads((tmp_path / "out" / "tiny.rates.json").read_text(encoding="utf-8"))["steps_per_second"]
    assert [row["batch"] for row in told] == [1, 2]
    assert all(len(row[form]) == 1 and row[form][0] > 0 for row in told for form in ("plain", "recorded"))
    assert capsys.readouterr().out.count("recorded") == 2


def test_the_first_part_plans_the_steps_that_fit(command, tmp_path, monkeypatch):
    monkeypatch.setattr(train_checkpoint, "OVERHEAD", 0)
    monkeypatch.setattr(train_checkpoint, "measure_rate", lambda config, volumes, device: 1.0)
    command(
        train_checkpoint.main, TINY, "tiny", "--out", tmp_path / "out", "--work", tmp_path / "work",
        "--minutes", 0.05, "--compile", "no",
    )  # fmt: skip
    steps = TrainingConfig.read(tmp_path / "out" / "tiny.config.json").steps
    assert 1 <= steps <= 3


def test_compilation_is_chosen_where_it_pays_and_done_without_where_it_fails(monkeypatch):
    config, deadline = TrainingConfig("tiny"), train_checkpoint.Deadline(10)

    def rate(config, volumes, device):
        if config.compile and compiled is None:
            raise RuntimeError("no compiler")
        return compiled if config.compile else 10.0

    monkeypatch.setattr(train_checkpoint, "measure_rate", rate)
    for compiled, chosen in ((20.0, True), (10.5, False), (None, False)):
        planned = train_checkpoint.plan(config, [], "cpu", deadline)
        assert planned.compile is chosen
        speed = compiled if chosen else 10.0
        assert planned.steps == pytest.approx(0.95 * speed * (600 - train_checkpoint.OVERHEAD), rel=0.01)
    assert train_checkpoint.plan(config, [], "cpu", deadline, parts=3, compilation="no").steps == pytest.approx(
        3 * 0.95 * 10 * (600 - train_checkpoint.OVERHEAD), rel=0.01
    )
    compiled = 20.0
    recorded = train_checkpoint.plan(TrainingConfig("tiny", cuda_graph=True), [], "cpu", deadline)
    assert recorded.cuda_graph and not recorded.compile


def test_a_study_goes_on_with_what_is_missing(command, archives, tmp_path, monkeypatch):
    monkeypatch.setattr(study_in_parts, "COSTS", 1e9)
    recipe = {"name": "tiny", "steps": 1, "batch": 1, "patch": 12, "validation_slices": 1}
    common = ("--val", archives[1], "--slices", 2)
    command(
        lambda: study_in_parts.run("methods"), recipe, *common, "--out", tmp_path / "a", "--only", "bicubic", "srcnn"
    )
    command(
        lambda: study_in_parts.run("methods"), recipe, *common, "--out", tmp_path / "b", "--from", tmp_path / "a",
        "--only", "bicubic", "srcnn", "vdsr",
    )  # fmt: skip
    results = json.loads((tmp_path / "b" / "methods-x2.results.json").read_text(encoding="utf-8"))
    assert list(results["done"]) == ["bicubic", "srcnn", "vdsr"]
    assert [row["method"] for row in results["rows"]] == ["Bicubic", "SRCNN", "VDSR", "reference"]
    assert sorted(path.name.split(".")[1] for path in (tmp_path / "b").iterdir()) == [
        "results", "weights-vdsr", "weights-vdsr"
    ]  # fmt: skip
    assert join_file(tmp_path / "b", "methods-x2.weights-vdsr.tar", tmp_path / "weights.tar")
    with tarfile.open(tmp_path / "weights.tar") as file:
        assert file.getnames() == ["vdsr.safetensors"]
        file.extractall(tmp_path / "weights", filter="data")
    assert sum(one.numel() for one in load_file(tmp_path / "weights" / "vdsr.safetensors").values()) == 374_112
    (tmp_path / "report").mkdir()
    study_in_parts.report([str(tmp_path / "b" / "methods-x2.results.json"), str(tmp_path / "report")])
    assert "| SRCNN |" in (tmp_path / "report" / "report.md").read_text(encoding="utf-8")


def test_built_in_recipes_are_complete(archives):
    for name in (*train_checkpoint.CHECKPOINTS, "study-x2", "study-x4"):
        config = TrainingConfig.read(train_checkpoint.RECIPES / f"{name}.gpu.json")
        assert config.name == name and f"x{config.scale}" in name
        assert name == f"study-x{config.scale}" or name.endswith(config.degradation)


def test_the_scripts_need_no_simpleitk():
    root = Path(__file__).resolve().parents[3]
    names = "benchmark, study_in_parts, train_checkpoint"
    code = f"import sys; sys.modules['SimpleITK'] = None; from CHARMSSRLab.gpu import {names}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
