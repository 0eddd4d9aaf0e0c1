"""The worker process: its start, its conduct and its ends."""

import os

import pytest

from Testing.module.module_helpers import writeProgram


class Recorder:
    """A job that notes what it is told."""

    cancelGraceMs = 3000

    def __init__(self):
        self.progress, self.result, self.error = [], None, None

    def onProgress(self, message):
        self.progress.append(message)

    def onResult(self, message):
        self.result = message

    def onError(self, exception):
        assert self.error is None and self.result is None, "a job ends once"
        self.error = exception

    @property
    def done(self):
        return self.error is not None or self.result is not None


@pytest.fixture
def worker(fakeWorker):
    from CHARMSSRModule.jobs.worker_client import sharedWorker

    return sharedWorker()


@pytest.fixture
def submit(worker, tmp_path, head):
    """Function: give the worker a job with a small volume; the recorder."""
    import numpy as np

    np.save(tmp_path / "input.npy", np.zeros((4, 5, 6), dtype=np.float32))
    image = {"array": "input.npy", "spacing": [1, 1, 1], "origin": [0, 0, 0], "direction": [1, 0, 0, 0, 1, 0, 0, 0, 1]}

    def send():
        job = Recorder()
        scan = {"folder": str(tmp_path), "image": image, "mask": None, "file": "", "name": "Head"}
        worker.submit("enhance", job, **scan, settings={"checkpoint": "mine"})
        return job

    return send


def started(host, worker):
    worker.start()
    assert host.waitUntil(lambda: worker.state != "starting", 300)
    return worker


def ended(host, job):
    assert host.waitUntil(lambda: job.done, 300)
    return job


@pytest.mark.parametrize("mode", ["normal", "chatty", "in pieces"])
def test_the_worker_says_what_it_found_and_does_a_job(slicerModule, fakeWorker, worker, submit, mode):
    fakeWorker(mode)
    started(slicerModule, worker)
    assert worker.state == "ready"
    assert worker.hello["devices"][1]["description"] == "Tesla T4, 15 GB"
    job = ended(slicerModule, submit())
    assert job.result["report"]["slices"]["enhanced"] == 2
    assert [message["message"] for message in job.progress] == [f"Enhancing slice {n} of 4 …" for n in (1, 2, 3, 4)]


def test_the_worker_is_another_process_and_stays_for_the_next_job(slicerModule, worker, submit):
    ended(slicerModule, submit())
    first = worker.processId
    assert first not in (0, os.getpid())
    assert ended(slicerModule, submit()).result is not None
    assert worker.processId == first


def test_a_job_waits_for_the_worker_to_start(slicerModule, worker, submit):
    job = submit()
    assert worker.state == "starting"
    assert ended(slicerModule, job).result is not None


@pytest.mark.parametrize("mode", ["without ncnn", "dies importing ncnn"])
def test_a_missing_engine_is_told_apart_from_other_failures(slicerModule, fakeWorker, worker, submit, mode):
    from CHARMSSRModule.errors import MissingPackage

    fakeWorker(mode)
    job = ended(slicerModule, submit())
    assert isinstance(job.error, MissingPackage) and job.error.package == "ncnn"
    assert worker.startError is job.error and worker.state == "stopped"


def test_a_worker_that_dies_at_its_start_leaves_its_last_words(slicerModule, fakeWorker, worker, submit):
    fakeWorker("dies at start")
    job = ended(slicerModule, submit())
    assert "exit status 1" in str(job.error)
    assert "libcudart.so.12 not found" in job.error.details


def test_a_worker_that_says_nothing_is_given_up(slicerModule, fakeWorker, worker, submit):
    fakeWorker("silent")
    patience = worker._startTimer.interval
    worker._startTimer.setInterval(300)
    try:
        job = ended(slicerModule, submit())
    finally:
        worker._startTimer.setInterval(patience)
    assert "did not answer" in str(job.error)
    assert worker.processId == 0


def test_a_python_that_does_not_exist_is_named(slicerModule, worker, submit, monkeypatch):
    monkeypatch.setenv("CHARMSSR_PYTHON", "/no/such/python")
    job = submit()
    assert job.done and "/no/such/python" in str(job.error) and "CHARMSSR_PYTHON" in str(job.error)


def test_a_program_that_cannot_run_is_named(slicerModule, worker, submit, tmp_path, monkeypatch):
    program = tmp_path / "broken"
    program.write_bytes(b"#!/no/such/interpreter\n")
    program.chmod(0o755)
    monkeypatch.setenv("CHARMSSR_PYTHON", str(program))
    job = ended(slicerModule, submit())
    assert "could not be started" in str(job.error) and str(program) in str(job.error)


@pytest.mark.parametrize(("mode", "sentence"), [("dies at work", "exit status 7"), ("is killed", "memory ran out")])
def test_a_death_at_work_is_one_sentence_and_the_next_call_starts_anew(
    slicerModule, fakeWorker, worker, submit, mode, sentence
):
    fakeWorker(mode)
    job = ended(slicerModule, submit())
    assert sentence in str(job.error) and "\n" not in str(job.error)
    assert worker.state == "stopped"
    if mode == "dies at work":
        assert "bad_alloc" in job.error.details
    fakeWorker("normal")
    assert ended(slicerModule, submit()).result is not None


@pytest.mark.parametrize(
    ("mode", "kind", "details"), [("refuses", ValueError, None), ("breaks", RuntimeError, "Traceback: line 7")]
)
def test_the_workers_errors_become_exceptions(slicerModule, fakeWorker, worker, submit, mode, kind, details):
    fakeWorker(mode)
    job = ended(slicerModule, submit())
    assert isinstance(job.error, kind)
    assert getattr(job.error, "details", None) == details
    assert worker.state == "ready"


def test_a_cancelled_job_ends_quickly_and_the_worker_stays(slicerModule, fakeWorker, worker, submit):
    fakeWorker("slow")
    job = submit()
    assert slicerModule.waitUntil(lambda: len(job.progress) > 2, 300)
    process = worker.processId
    worker.cancel()
    worker.cancel()  # once is enough, twice does no harm
    assert "Cancelled" in str(ended(slicerModule, job).error)
    assert worker.state == "ready" and worker.processId == process


def test_a_job_that_was_not_sent_yet_is_cancelled_at_once(worker, submit):
    job = submit()
    worker.cancel()
    assert job.done and "Cancelled" in str(job.error)


def test_a_worker_that_does_not_listen_is_killed_after_the_grace_time(slicerModule, fakeWorker, worker, submit):
    fakeWorker("deaf")
    job = submit()
    assert slicerModule.waitUntil(lambda: len(job.progress) > 1, 300)
    job.cancelGraceMs = 200
    worker.cancel()
    assert "Cancelled" in str(ended(slicerModule, job).error)
    assert worker.state == "stopped" and worker.processId == 0


def test_a_worker_that_has_left_by_itself_is_started_again(slicerModule, worker, submit):
    from CHARMSSRModule.jobs.worker_client import encodeMessage

    started(slicerModule, worker)
    first = worker.processId
    worker._process.send(encodeMessage("shutdown"))
    assert slicerModule.waitUntil(lambda: worker.state == "stopped", 300)
    assert worker.startError is None
    assert ended(slicerModule, submit()).result is not None
    assert worker.processId != first


def test_the_application_takes_the_worker_along_when_it_quits(slicerModule, fakeWorker, worker, submit):
    import slicer

    fakeWorker("slow")
    job = submit()
    assert slicerModule.waitUntil(lambda: job.progress, 300)
    process = worker.processId
    slicer.app.aboutToQuit.emit()
    assert job.done and worker.processId == 0
    with pytest.raises(OSError):
        os.kill(process, 0)


def test_listeners_hear_of_every_state(slicerModule, worker, submit):
    states = []
    listener = lambda: states.append(worker.state)  # noqa: E731
    worker.addListener(listener)
    try:
        ended(slicerModule, submit())
    finally:
        worker.removeListener(listener)
        worker.removeListener(listener)
    assert states == ["starting", "busy", "ready"]


def test_slicers_own_python_is_found_on_the_path_or_beside_the_application(slicerModule, monkeypatch):
    import slicer
    from CHARMSSRModule.jobs.worker_environment import findPython

    monkeypatch.delenv("CHARMSSR_PYTHON", raising=False)
    assert os.path.basename(findPython()) == "PythonSlicer"
    monkeypatch.setenv("PATH", "/nowhere")
    assert findPython() == os.path.join(slicer.app.slicerHome, "bin", "PythonSlicer")


def test_slicers_python_inherits_the_launchers_variables_and_finds_the_library(slicerModule, monkeypatch):
    from CHARMSSRModule.jobs.worker_environment import libraryFolder, workerCommand

    monkeypatch.delenv("CHARMSSR_PYTHON", raising=False)
    monkeypatch.setenv("PYTHONPATH", "/slicer/python")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/slicer/lib")
    monkeypatch.setenv("PYTHONSTARTUP", "/home/me/startup.py")
    command = workerCommand()
    assert command.arguments == ["-m", "CHARMSSRLib.worker"]
    assert command.folder == libraryFolder()
    value = command.environment.value
    assert value("PYTHONPATH").split(os.pathsep) == [libraryFolder(), "/slicer/python"]
    assert value("LD_LIBRARY_PATH") == "/slicer/lib"
    assert value("PYTHONNOUSERSITE") == "1" and not command.environment.contains("PYTHONSTARTUP")


def test_another_python_does_not_see_the_launchers_variables(slicerModule, monkeypatch, tmp_path):
    import slicer
    from CHARMSSRModule.jobs.worker_environment import libraryFolder, workerCommand

    monkeypatch.setenv("CHARMSSR_PYTHON", str(writeProgram(tmp_path / "own", "true")))
    monkeypatch.setenv("PYTHONPATH", "/slicer/python")
    monkeypatch.setenv("PYTHONHOME", "/slicer")
    monkeypatch.setattr(slicer.util, "startupEnvironment", lambda: {"PATH": "/bin", "HOME": "/home/me"})
    environment = workerCommand().environment
    assert environment.value("PYTHONPATH") == libraryFolder()
    assert not environment.contains("PYTHONHOME") and environment.value("HOME") == "/home/me"
