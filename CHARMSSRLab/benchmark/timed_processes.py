"""Starts enhancements as processes of their own and times them from outside."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from CHARMSSRLib.errors import BackendError
from CHARMSSRLib.files.volume_writer import write_volume
from CHARMSSRLib.task import Task

from ..costs.clocks import PROCESSOR, chosen
from .timed_enhancement import ENHANCE, NAIVE

__all__ = ["ENHANCE", "NAIVE", "environment_for", "run_job", "volume_file"]


def run_job(way, path, threads, checkpoint, skull_strip="auto", device="cpu", slices=None, task=None):
    """Enhance a file into a temporary one, in a new process, and count everything: start, read, write.

    Args:
        way: ENHANCE or NAIVE.
        path: of the input.
        threads: of torch and of ITK.
        checkpoint: name or path.
        skull_strip: "auto" or the name of a backend.
        device: where torch computes.
        slices: of the naive way; see ``enhance_naively``.
        task: Task, told what the job tells; None for nobody's.

    Returns:
        dict: "seconds" (from the start of the process to its end, scaled up where the naive way
        did only some slices), "stages" (name -> seconds, scaled likewise; "start
        and end" is what the program itself costs, by
        the processor's clock without its end), "peak_bytes", "threads", "slices", and what the way adds.

    Raises:
        BackendError: the job failed. Cancelled: the process was ended and nothing is left.
    """
    with tempfile.TemporaryDirectory(prefix="charmssr-") as folder:
        specification = {
            "way": way, "input": str(path), "output": str(Path(folder) / "result.nii.gz"), "checkpoint": checkpoint,
            "skull_strip": skull_strip, "device": device, "slices": slices, "clock": chosen(),
        }  # fmt: skip
        command = [sys.executable, "-m", f"{__package__}.timed_enhancement", json.dumps(specification)]
        begun = time.perf_counter()
        figures = _figures(command, environment_for(threads), task or Task())
        seconds = time.perf_counter() - begun
    counted = figures.pop("processor_seconds")
    if chosen() == PROCESSOR:
        seconds = counted
    figures["stages"] = {"start and end": seconds - sum(figures["stages"].values()), **figures["stages"]}
    return _scaled_up({**figures, "seconds": seconds})


def environment_for(threads):
    """Environment variables of a process with so many threads."""
    names = ("OMP_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
    found = os.environ.get("PYTHONPATH")
    root = str(Path(__file__).resolve().parents[2])
    path = {"PYTHONPATH": root if not found else os.pathsep.join((root, found))}
    return {**os.environ, **{name: str(threads) for name in names}, **path}


@contextlib.contextmanager
def volume_file(image):
    """Path of a temporary file with an image."""
    with tempfile.TemporaryDirectory(prefix="charmssr-") as folder:
        path = Path(folder) / "head.nii.gz"
        write_volume(image, path)
        yield path


def _scaled_up(figures):
    """The naive way with only some of its slices, as if it had done them all."""
    slices = figures["slices"]
    if slices.get("done", 0) and slices["done"] < slices["count"]:
        more = figures["stages"]["network"] * (slices["count"] / slices["done"] - 1)
        figures["stages"]["network"] += more
        figures["seconds"] += more
    return figures


def _figures(command, environment, task):
    # A session of its own: Ctrl-C reaches this process alone, which then ends that one.
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    lines, complaints = queue.Queue(), []
    readers = [
        threading.Thread(target=_read, args=(process.stdout, lines.put), daemon=True),
        threading.Thread(target=_read, args=(process.stderr, complaints.append), daemon=True),
    ]
    for reader in readers:
        reader.start()
    try:
        answer = _listen(process, lines, task)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for reader in readers:
            reader.join()
    if "figures" not in answer:
        reason = answer.get("error") or (complaints[-1].strip() if complaints else f"status {process.returncode}")
        raise BackendError(f"The enhancement that was to be timed failed: {reason}")
    return answer["figures"]


def _listen(process, lines, task):
    """Until the process has ended; its last answer that is no progress."""
    answer = {}
    while True:
        task.check()
        try:
            line = lines.get(timeout=0.05)
        except queue.Empty:
            if process.poll() is not None and lines.empty():
                return answer
            continue
        try:
            message = json.loads(line)
        except ValueError:
            continue  # some library's print
        if not isinstance(message, dict) or "fraction" not in message:
            answer = message if isinstance(message, dict) else answer
        else:
            task.tell(message["fraction"], message["message"])


def _read(stream, receive):
    with stream:
        for line in stream:
            receive(line)
