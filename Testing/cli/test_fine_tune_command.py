"""``charmssr fine-tune``; the training is a stand-in."""

import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from CHARMSSRLib.errors import Cancelled, PairError
from CHARMSSRLib.files.volume_writer import write_volume
from Testing.commands import put_in_place


class FakeFineTune:
    """Records its calls; gains something, or does what ``action`` says."""

    def __init__(self):
        self.calls = []
        self.action = None
        self.gained = True

    def __call__(self, pairs, settings, progress, is_cancelled, observe, command=""):
        self.calls.append(SimpleNamespace(pairs=pairs, settings=settings, command=command))
        observe({"event": "pair", "status": "refused", "reason": "ben T1w: other heads."})
        progress(0.5, "Step 1 of 2")
        if self.action is not None:
            self.action()
        if is_cancelled() and not self.gained:
            raise Cancelled()
        path = Path(settings.folder or "home") / f"{settings.name}.safetensors" if self.gained else None
        report = {
            "verdict": "It was beaten.", "cancelled": is_cancelled(), "warnings": ["a doubt"], "seconds": 3.2,
            "files": {"page": "page.html"},
        }  # fmt: skip
        return SimpleNamespace(checkpoint_path=path, report=report)


@pytest.fixture
def fake_fine_tune(monkeypatch):
    return put_in_place(monkeypatch, "CHARMSSRLib.fine_tuning.fine_tune", fine_tune=FakeFineTune())


@pytest.fixture
def pairs_csv(tmp_path, phantom_head):
    """A list of one pair; the second scan is another file."""
    write_volume(phantom_head, tmp_path / "three.nii.gz")
    write_volume(phantom_head, tmp_path / "seven.nii.gz")
    path = tmp_path / "pairs.csv"
    path.write_text("subject,contrast,path_3t,path_7t\nanna,T1w,three.nii.gz,seven.nii.gz\n")
    return path


def test_a_bare_name_lies_with_the_users_other_checkpoints(charmssr, fake_fine_tune, pairs_csv):
    done = charmssr("fine-tune", str(pairs_csv), "my-7t")
    (call,) = fake_fine_tune.calls
    assert done.status == 0 and "It was beaten." in done.out and "my-7t.safetensors" in done.out
    assert (call.settings.name, call.settings.folder) == ("my-7t", "")
    assert [(pair.subject, pair.contrast) for pair in call.pairs] == [("anna", "T1w")]
    assert "warning: a doubt" in done.err and "left out: ben T1w: other heads." in done.err


def test_a_file_names_folder_and_checkpoint(charmssr, fake_fine_tune, pairs_csv, tmp_path):
    (tmp_path / "models").mkdir()
    charmssr("fine-tune", str(pairs_csv), str(tmp_path / "models" / "own.v2.safetensors"))
    settings = fake_fine_tune.calls[0].settings
    assert settings.name == "own.v2" and Path(settings.folder) == tmp_path / "models"


def test_every_setting_has_its_option(charmssr, fake_fine_tune, pairs_csv):
    charmssr(
        "fine-tune", str(pairs_csv), "x", "--checkpoint", "any", "--learning-rate", "2e-5", "--steps", "7",
        "--batch", "3", "--patch", "40", "--validate-every", "2", "--patience", "4", "--hold-out", "2",
        "--leave-one-out", "--no-bias-correction", "--skull-strip", "none", "--device", "cpu", "--precision",
        "float32", "--seed", "9", "--overwrite",
    )  # fmt: skip
    settings = fake_fine_tune.calls[0].settings
    values = {
        "checkpoint": "any", "learning_rate": 2e-5, "steps": 7, "batch": 3, "patch": 40, "validate_every": 2,
        "patience": 4, "hold_out": 2, "leave_one_out": True, "bias_correction": False, "skull_strip": "none",
        "device": "cpu", "precision": "float32", "seed": 9, "overwrite": True,
    }  # fmt: skip
    assert {name: getattr(settings, name) for name in values} == values


def test_control_c_keeps_the_best(charmssr, fake_fine_tune, pairs_csv):
    fake_fine_tune.action = lambda: os.kill(os.getpid(), signal.SIGINT)
    done = charmssr("fine-tune", str(pairs_csv), "my-7t")
    assert done.status == 130 and "my-7t.safetensors" in done.out
    fake_fine_tune.gained = False
    done = charmssr("fine-tune", str(pairs_csv), "my-7t")
    assert done.status == 130 and "nothing was written" in done.err


def test_no_gain_is_told_in_one_line(charmssr, fake_fine_tune, pairs_csv):
    fake_fine_tune.gained = False
    done = charmssr("fine-tune", str(pairs_csv), "my-7t")
    assert done.status == 2 and "charmssr: error: It was beaten. The report: page.html" in done.err


def test_errors_of_the_work_are_one_line(charmssr, fake_fine_tune, pairs_csv):
    def refuse():
        raise PairError("The two scans show different heads.")

    fake_fine_tune.action = refuse
    done = charmssr("fine-tune", str(pairs_csv), "my-7t")
    assert done.status == 2 and "charmssr: error: The two scans show different heads.\n" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv", "x"], "cannot be read"),
        (["{pairs}", "a b"], "cannot name a checkpoint"),
        (["{pairs}", "nowhere/x.safetensors"], "no folder"),
        (["{pairs}", "x", "--skull-strip", "magic"], "Unknown skull-strip"),
        (["{pairs}", "x", "--device", "toaster"], "no device"),
        (["{pairs}", "x", "--steps", "-3"], "whole number"),
        (["{pairs}", "x", "--precision", "float16"], "invalid choice"),
    ],
)
def test_bad_usage_is_refused_before_any_work(charmssr, fake_fine_tune, pairs_csv, arguments, message):
    done = charmssr("fine-tune", *(one.replace("{pairs}", str(pairs_csv)) for one in arguments))
    assert done.status == 2 and message in done.err and not fake_fine_tune.calls


def test_the_card_gets_the_command_without_this_machines_paths(fake_fine_tune, pairs_csv, tmp_path, monkeypatch):
    from CHARMSSRLib.cli import main

    monkeypatch.setenv("CHARMSSR_HOME", str(tmp_path))
    words = ["fine-tune", str(pairs_csv), str(tmp_path / "own.safetensors"), "--seed", "3"]
    monkeypatch.setattr(sys, "argv", ["charmssr", *words])
    main(words)
    assert fake_fine_tune.calls[0].command == "charmssr fine-tune pairs.csv own.safetensors --seed 3"
