"""The worker's fine-tuning as its caller sees it; the training is a stand-in (fake_worker_process.py)."""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import Cancelled, PairError, SettingsError
from CHARMSSRLib.fine_tuning.pairs.pair import Pair
from CHARMSSRLib.settings import FineTuningSettings
from CHARMSSRLib.task import Task
from CHARMSSRLib.worker import protocol
from CHARMSSRLib.worker.client import WorkerClient
from CHARMSSRLib.worker.message_pair import pair_of

REPOSITORY = Path(__file__).resolve().parents[2]


class FakeWorker(WorkerClient):
    def __init__(self):
        super().__init__()
        self._command = [sys.executable, str(Path(__file__).with_name("fake_worker_process.py")), "60", "light"]
        self._environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}


@pytest.fixture(scope="module")
def worker():
    with FakeWorker() as running:
        yield running


@pytest.fixture(scope="module")
def pairs():
    three, seven = sitk.GaussianSource(sitk.sitkFloat32, (8, 9, 7)), sitk.GaussianSource(sitk.sitkFloat32, (16, 18, 14))
    mask = sitk.Cast(three > 50, sitk.sitkUInt8)
    return [Pair("anna", "T1w", three, seven), Pair("ben", "T2w", three * 2, seven, mask)]


def named(name):
    return FineTuningSettings(name=name)


def test_pairs_arrive_and_the_result_returns(worker, pairs):
    events, told = [], []
    tuned = worker.fine_tune(pairs, named("mine"), lambda *one: told.append(one), observe=events.append)
    assert (tuned.checkpoint, tuned.name) == (str(Path("folder") / "mine.safetensors"), "mine")
    assert tuned.report == {"cancelled": False, "loss": None}
    registered = [event for event in events if event["event"] == "pair"]
    assert [(event["subject"], event["contrast"], event["index"]) for event in registered] == [
        ("anna", "T1w", 0), ("ben", "T2w", 1),
    ]  # fmt: skip
    assert registered[1]["quality"]["sum"] == pytest.approx(2 * registered[0]["quality"]["sum"], rel=1e-5)
    assert [event["quality"]["mask"] for event in registered] == [False, True]
    assert registered[0]["quality"]["size"] == [16, 18, 14]
    assert [event["step"] for event in events if event["event"] == "validation"] == list(range(50))
    assert told == [(0.5, "Step 1 of 2")]


def test_a_run_without_gain_has_no_checkpoint(worker, pairs):
    assert worker.fine_tune(pairs, named("nothing")).checkpoint is None


def test_the_users_errors_arrive_as_what_they_are(worker, pairs):
    with pytest.raises(PairError, match="different heads"):
        worker.fine_tune(pairs, named("refuse"))
    worker.send("run", "odd", task="fine-tune", folder=str(REPOSITORY), pairs=[], settings={"speed": 3})
    with pytest.raises(SettingsError, match="speed"):
        worker._answer("odd", Task())


def test_a_cancelled_run_with_a_gain_is_a_result_and_one_without_an_error(worker, pairs):
    for name in ("gained", "fruitless"):
        started = time.monotonic()

        def is_cancelled(started=started):
            return time.monotonic() > started + 0.2

        if name == "gained":
            tuned = worker.fine_tune(pairs, named(name), is_cancelled=is_cancelled)
            assert tuned.report["cancelled"] is True and tuned.checkpoint
        else:
            with pytest.raises(Cancelled):
                worker.fine_tune(pairs, named(name), is_cancelled=is_cancelled)


def test_one_pair_can_be_checked(worker, pairs):
    quality, warnings = worker.check_pair(pairs[0], FineTuningSettings(skull_strip="none"))
    assert quality == {"subject": "anna", "strip": "none"} and warnings == ["a doubt"]


@pytest.mark.parametrize("task", ["fine-tune", "check-pair"])
def test_messages_without_pairs_get_an_answer(worker, task, tmp_path):
    worker.send("run", "bad", task=task, folder=str(tmp_path), settings={})
    end = time.monotonic() + 300
    while time.monotonic() < end:
        message = worker.next_message(0.2)
        if message is not None and message["id"] == "bad":
            break
    assert message["type"] == "error" and message["kind"] == "ProtocolError"


def test_volumes_of_a_pair_are_read_when_they_are_needed(tmp_path, pairs):
    first = pairs[1]
    description = {
        "subject": "ben", "contrast": "T2w", "image_3t": protocol.save_volume(first.image_3t, tmp_path, "three"),
        "image_7t": protocol.save_volume(first.image_7t, tmp_path, "seven"), "mask_3t": None,
    }  # fmt: skip
    pair = pair_of(description, str(tmp_path))
    three, seven, mask = pair.load()
    assert np.array_equal(sitk.GetArrayFromImage(three), sitk.GetArrayFromImage(first.image_3t)) and mask is None
    (tmp_path / "seven.npy").unlink()
    pair = pair_of(description, str(tmp_path))
    with pytest.raises(protocol.ProtocolError):
        pair.load()
    for bad in (None, {}, {**description, "subject": 3}):
        with pytest.raises(protocol.ProtocolError):
            pair_of(bad, str(tmp_path))
