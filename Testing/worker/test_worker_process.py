"""The worker process as its caller sees it; the network part is a stand-in (fake_worker_process.py)."""

import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import Cancelled, CHARMSSRError, InputError, WorkerError
from CHARMSSRLib.files.uni_names import mark_as_uni
from CHARMSSRLib.preprocessing.skull_strip import available_backends
from CHARMSSRLib.settings import EnhancementSettings
from CHARMSSRLib.worker import protocol
from CHARMSSRLib.worker.client import WorkerClient

REPOSITORY = Path(__file__).resolve().parents[2]


class FakeWorker(WorkerClient):
    """The stand-in process; a light one does without torch."""

    def __init__(self, idle_seconds=60.0, light=True):
        super().__init__()
        program = Path(__file__).with_name("fake_worker_process.py")
        self._command = [sys.executable, str(program), str(idle_seconds), "light" if light else "full"]
        self._environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}


@pytest.fixture(scope="module")
def worker():
    with FakeWorker(light=False) as running:
        yield running


@pytest.fixture
def image():
    volume = sitk.GaussianSource(sitk.sitkFloat32, (20, 21, 22))
    volume.SetDirection((0, 1, 0, 1, 0, 0, 0, 0, -1))
    volume.SetSpacing((1, 2, 3.5))
    return volume


def behaving(name):
    return EnhancementSettings(checkpoint=name)


def start_job(worker, image, folder, id, behaviour):
    worker.send(
        "run", id, task="enhance", folder=str(folder), image=protocol.save_volume(image, folder, "input"), mask=None,
        settings=asdict(behaving(behaviour)),
    )  # fmt: skip


def wait_for(worker, type, id, seconds=300):
    """The next message of this type and job; others in between are passed over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        message = worker.next_message(0.2)
        if message is not None and message["type"] == type and message["id"] == id:
            return message
    pytest.fail(f"no {type} for {id} within {seconds} s")


def test_it_introduces_itself(worker):
    hello = worker.hello
    assert hello["pid"] == worker.process.pid != os.getpid()
    assert hello["device"] in [device["name"] for device in hello["devices"]]
    assert hello["devices"][-1]["name"] == "cpu"
    assert hello["skull_strip_backends"] == available_backends()
    assert all(hello[key] for key in ("library", "engine", "python"))
    assert hello["engines"]["ncnn"] and hello["engine"] in hello["engines"]


def test_a_job_returns_volumes_maps_and_report_with_geometry(worker, image):
    told = []
    answer = worker.enhance(
        image, behaving("normal"), progress=lambda fraction, message: told.append((fraction, message))
    )
    assert np.array_equal(sitk.GetArrayFromImage(answer.image), sitk.GetArrayFromImage(image + 1))
    assert answer.image.GetDirection() == image.GetDirection() and answer.image.GetSpacing() == image.GetSpacing()
    assert np.array_equal(sitk.GetArrayFromImage(answer.maps["detail"]), sitk.GetArrayFromImage(image * 2))
    assert answer.mask.GetPixelID() == sitk.sitkUInt8
    assert answer.report["seconds"] is None  # NaN is not JSON
    assert told == [(0.5, "Enhancing slice 1 of 2")]


def test_the_mask_travels_too(worker, image):
    mask = sitk.Cast(image > 100, sitk.sitkUInt8)
    answer = worker.enhance(image, behaving("normal"), mask=mask)
    assert np.array_equal(sitk.GetArrayFromImage(answer.mask), sitk.GetArrayFromImage(mask))


def test_the_users_errors_arrive_as_what_they_are(worker, image):
    with pytest.raises(InputError) as caught:
        worker.enhance(image, behaving("refuse"))
    assert str(caught.value) == "This is wrong; do that."


def test_a_bug_arrives_in_one_sentence_with_the_traceback_as_details(worker, image, tmp_path):
    start_job(worker, image, tmp_path, "buggy", "bug")
    message = wait_for(worker, "error", "buggy")
    assert message["kind"] == "InternalError" and "\n" not in message["message"]
    assert "ZeroDivisionError: a bug" in message["details"]
    worker.enhance(image, behaving("normal"))


def test_exhausted_memory_is_no_bug(worker, image, tmp_path):
    start_job(worker, image, tmp_path, "large", "memory")
    assert wait_for(worker, "error", "large")["kind"] == "OutOfMemory"


def test_cancelling_ends_the_job_and_leaves_the_worker_ready(worker, image):
    told, process = [], worker.process
    with pytest.raises(Cancelled):
        worker.enhance(
            image, behaving("wait"), progress=lambda *what: told.append(what), is_cancelled=lambda: bool(told)
        )
    worker.enhance(image, behaving("normal"))
    assert worker.process is process


def test_a_late_or_foreign_cancel_does_not_hit_the_next_job(worker, image, tmp_path):
    worker.send("cancel", "nobody")
    start_job(worker, image, tmp_path, "one", "normal")
    wait_for(worker, "result", "one")
    worker.send("cancel", "one")
    start_job(worker, image, tmp_path, "two", "normal")
    wait_for(worker, "result", "two")


def test_a_second_job_is_refused_while_one_runs(worker, image, tmp_path):
    start_job(worker, image, tmp_path, "long", "wait")
    # Into a folder of its own, as every job's: the long one may still be reading its volume.
    (tmp_path / "second").mkdir()
    start_job(worker, image, tmp_path / "second", "second", "normal")
    assert wait_for(worker, "error", "second")["kind"] == "Busy"
    worker.send("cancel", "long")
    assert wait_for(worker, "error", "long")["kind"] == "Cancelled"


def test_a_scan_is_inspected_beside_a_running_job(worker, image, tmp_path):
    start_job(worker, image, tmp_path, "running", "wait")
    wait_for(worker, "progress", "running")
    saved = protocol.save_volume(image, tmp_path, "scan")
    worker.send("run", "look", task="inspect", folder=str(tmp_path), image=saved, tags=None, file=None)
    assert len(wait_for(worker, "result", "look")["acquisition"]["axes"]) == 3
    worker.send("run", "late", task="enhance", folder=str(tmp_path))
    assert wait_for(worker, "error", "late")["kind"] == "Busy"  # the job is still the worker's
    worker.send("cancel", "running")
    assert wait_for(worker, "error", "running")["kind"] == "Cancelled"


@pytest.mark.parametrize(("name", "file", "given", "tags", "uni"), [
    ("t1_mp2rage_UNI_Images", None, None, {}, True),
    ("T1", "sub-1_UNIT1.nii", None, {"SliceThickness": 2.4, "Suffix": "UNIT1"}, True),
    ("T1", "sub-1_UNIT1.nii", {"SliceThickness": 3}, {"SliceThickness": 3, "Suffix": "UNIT1"}, True),
    ("", None, {"ImageType": "DERIVED\\PRIMARY\\M\\UNI"}, {"ImageType": "DERIVED\\PRIMARY\\M\\UNI"}, True),
    (None, "no such file", None, {}, False),
])  # fmt: skip
def test_a_job_hears_what_files_and_names_say(worker, image, tmp_path, name, file, given, tags, uni):
    (tmp_path / "sub-1_UNIT1.nii").write_bytes(b"")  # only what lies beside it is read
    (tmp_path / "sub-1_UNIT1.json").write_text('{"SliceThickness": 2.4}')
    saved = protocol.save_volume(image, tmp_path, "input")
    worker.send(
        "run", "named", task="enhance", folder=str(tmp_path), image=saved, mask=None, tags=given, name=name,
        file=file and str(tmp_path / file), settings={"checkpoint": "normal"},
    )  # fmt: skip
    report = wait_for(worker, "result", "named")["report"]
    assert (report["tags"], report["uni"]) == (tags, uni)


def test_the_client_hands_tags_and_the_kind_of_an_image_on(worker, image):
    marked = sitk.Image(image)
    mark_as_uni(marked)
    report = worker.enhance(marked, behaving("normal"), tags={"SliceThickness": 2.5}).report
    assert report["tags"] == {"SliceThickness": 2.5} and report["uni"]
    report = worker.enhance(image, behaving("normal")).report
    assert report["tags"] == {} and not report["uni"]


def test_progress_is_sent_no_oftener_than_anybody_can_see(worker, image):
    told = []
    worker.enhance(image, behaving("chatter"), progress=lambda fraction, message: told.append(message))
    assert 1 <= len(told) < 200


def test_bad_messages_get_an_answer_and_do_no_harm(worker, image, tmp_path):
    for line in (b"nonsense\n", b'{"version": 99, "id": "", "type": "run"}\n', b"\n"):
        worker.process.stdin.write(line)
        worker.process.stdin.flush()
    for _ in range(2):
        assert wait_for(worker, "error", "")["kind"] == "ProtocolError"
    worker.send("dance", "x")
    assert wait_for(worker, "error", "x")["kind"] == "ProtocolError"
    for id, fields in (
        ("task", {"task": "dance", "folder": str(tmp_path)}),
        ("no text", {"task": ["enhance"], "folder": str(tmp_path)}),
        ("folder", {"task": "enhance", "folder": str(tmp_path / "missing")}),
        ("image", {"task": "enhance", "folder": str(tmp_path), "image": {"array": "missing.npy"}}),
    ):
        worker.send("run", id, **fields)
        assert wait_for(worker, "error", id)["kind"] == "ProtocolError"
    volume = protocol.save_volume(image, tmp_path, "input")
    for id, settings in (("unknown", {"colour": "red"}), ("value", {"planes": "diagonal"})):
        worker.send("run", id, task="enhance", folder=str(tmp_path), image=volume, mask=None, settings=settings)
        assert wait_for(worker, "error", id)["kind"] == "SettingsError"
    worker.enhance(image, behaving("normal"))


def test_a_result_that_cannot_be_stored_is_an_error_of_the_output(worker, image, tmp_path):
    start_job(worker, image, tmp_path, "full", "normal")
    wait_for(worker, "result", "full")
    (tmp_path / "output.npy").unlink()
    (tmp_path / "output.npy").mkdir()
    start_job(worker, image, tmp_path, "blocked", "normal")
    assert wait_for(worker, "error", "blocked")["kind"] == "OutputError"


def test_the_end_of_the_input_ends_the_process_even_in_the_middle_of_a_job(image, tmp_path):
    worker = FakeWorker()
    worker.start()
    start_job(worker, image, tmp_path, "endless", "deaf")
    wait_for(worker, "progress", "endless")
    assert worker.close(timeout=300) == 0  # it left by itself: one that has to be killed has another status


def test_shutdown_ends_the_process_even_in_the_middle_of_a_job(image, tmp_path):
    worker = FakeWorker()
    worker.start()
    start_job(worker, image, tmp_path, "endless", "deaf")
    worker.send("shutdown")
    assert worker.process.wait(timeout=300) == 0


def test_a_killed_worker_is_reported_in_one_sentence(image):
    worker = FakeWorker()
    worker.start()
    with pytest.raises(WorkerError, match="ended unexpectedly"):
        worker.enhance(image, behaving("deaf"), progress=lambda fraction, message: worker.process.kill())
    with pytest.raises(WorkerError, match="has ended"):
        for _ in range(20):
            worker.send("cancel", "any")
            time.sleep(0.05)
    assert worker.close() != 0


def test_it_leaves_after_idle_time():
    worker = FakeWorker(idle_seconds=0.3)
    worker.start()
    assert worker.process.wait(timeout=300) == 0
    worker.close()


def test_a_python_without_an_engine_is_told_in_a_message_and_by_the_status(tmp_path):
    (tmp_path / "ncnn.py").write_text("raise ModuleNotFoundError(\"No module named 'ncnn'\", name='ncnn')\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(REPOSITORY)])}
    worker = WorkerClient(environment=environment)
    with pytest.raises(WorkerError, match="'ncnn' is missing"):
        worker.start()
    worker = WorkerClient(environment=environment)
    worker.start_process()
    message = worker.next_message(20)
    assert (message["type"], message["id"], message["kind"]) == ("error", "", "MissingPackage")
    assert worker.process.wait(timeout=300) == 3
    worker.close()


def test_a_python_that_is_not_there_is_reported():
    with pytest.raises(WorkerError, match="cannot be started"):
        WorkerClient(python="/nowhere/python").start()


def test_every_error_of_the_library_can_cross_the_border():
    """The client finds the class of an error by its name."""
    from CHARMSSRLib import errors

    for name in ("InputError", "SettingsError", "CheckpointError", "OutputError", "BackendError", "Cancelled"):
        assert issubclass(getattr(errors, name), CHARMSSRError)
