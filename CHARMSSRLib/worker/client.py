"""Talks to a worker process from plain Python (scripts and tests; the panel has a client on QProcess)."""

from __future__ import annotations

import queue
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import SimpleITK as sitk

from .. import errors
from ..errors import WorkerError
from ..fine_tuning.pairs.pair import Pair
from ..settings import EnhancementSettings, FineTuningSettings
from ..task import IsCancelled, Progress, Task
from . import protocol


class Answer(NamedTuple):
    """What an enhancement in the worker returns; as ``Enhancement``."""

    image: sitk.Image
    mask: sitk.Image
    maps: dict[str, sitk.Image]
    report: dict


class Tuned(NamedTuple):
    """What a fine-tuning in the worker returns: path of the weights (None when nothing was gained), name, report."""

    checkpoint: str | None
    name: str
    report: dict


_POLL_SECONDS = 0.05


class WorkerClient:
    """One worker process; start it, give it jobs, close it. Also a context manager.

    Args:
        python: interpreter to run; this one by default.
        environment: environment variables of the process; ours by default.

    Attributes:
        process: the subprocess.Popen while it lives.
        hello: the worker's first message.
    """

    def __init__(self, python: str = sys.executable, environment: dict[str, str] | None = None) -> None:
        self._command = [python, "-m", "CHARMSSRLib.worker"]
        self._environment = environment
        self._messages: Any = None
        self.process: Any = None
        self.hello: dict | None = None

    def __enter__(self) -> WorkerClient:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def start(self, timeout: float = 120) -> dict:
        """Start the process and wait until it takes jobs; returns its hello message.

        Raises:
            WorkerError: the process cannot be started, lacks a package, or does not answer.
        """
        self.start_process()
        message = self.next_message(timeout) or {"type": "silence"}
        if message["type"] != "hello":
            self.close()
            raise WorkerError(message.get("message", "The worker did not introduce itself; restart it."))
        self.hello = message
        return message

    def start_process(self) -> None:
        """Start the process without waiting for its first message.

        Raises:
            WorkerError: the process cannot be started.
        """
        try:
            self.process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment
            )
        except OSError as error:
            raise WorkerError(f"The worker cannot be started ({error}); check the path of its Python.") from error
        self._messages = queue.Queue()
        threading.Thread(target=_read_messages, args=(self.process.stdout, self._messages), daemon=True).start()

    def send(self, type: str, id: str = "", **fields: Any) -> None:
        """Send one message.

        Raises:
            WorkerError: the process has ended.
        """
        try:
            self.process.stdin.write(protocol.encode(type, id, **fields))
            self.process.stdin.flush()
        except OSError as error:
            raise WorkerError("The worker process has ended; start it again.") from error

    def next_message(self, timeout: float) -> dict | None:
        """The next message of the worker, or None if the time is up first.

        Raises:
            WorkerError: the process has ended.
        """
        try:
            message = self._messages.get(timeout=timeout)
        except queue.Empty:
            return None
        if message is None:
            raise WorkerError(f"The worker process ended unexpectedly (status {self.process.wait()}); start it again.")
        return message

    def enhance(
        self,
        image: sitk.Image,
        settings: EnhancementSettings | None = None,
        mask: sitk.Image | None = None,
        progress: Progress | None = None,
        is_cancelled: IsCancelled | None = None,
        tags: dict | None = None,
    ) -> Answer:
        """Enhance an image in the worker; the arguments are those of ``CHARMSSRLib.enhance``.

        Returns:
            Answer.

        Raises:
            CHARMSSRError: of the class that the worker names; WorkerError when it died.
        """
        settings = settings or EnhancementSettings()
        id = uuid.uuid4().hex
        with tempfile.TemporaryDirectory(prefix="charmssr-") as folder:
            self.send(
                "run",
                id,
                task=protocol.TASK_ENHANCE,
                folder=folder,
                image=protocol.save_volume(image, folder, "input"),
                mask=protocol.save_volume(mask, folder, "input_mask") if mask is not None else None,
                settings=asdict(settings),
                tags=tags,
            )
            message = self._answer(id, Task(progress, is_cancelled))
            return Answer(
                protocol.load_volume(message["image"], folder),
                protocol.load_volume(message["mask"], folder),
                {name: protocol.load_volume(volume, folder) for name, volume in message["maps"].items()},
                message["report"],
            )

    def inspect(self, image: sitk.Image, tags: dict | None = None, file: str | None = None) -> dict:
        """What a scan really measured, found out in the worker.

        Args:
            image: scalar 3-D.
            tags: what its files claim.
            file: the scan's file, or one of its DICOM images, from which more tags are read; those given count more.

        Returns:
            dict of ``Acquisition.to_dict``: "line" is one short line for people.

        Raises:
            CHARMSSRError: of the class that the worker names; WorkerError when it died.
        """
        id = uuid.uuid4().hex
        with tempfile.TemporaryDirectory(prefix="charmssr-") as folder:
            saved = protocol.save_volume(image, folder, "input")
            self.send("run", id, task=protocol.TASK_INSPECT, folder=folder, image=saved, tags=tags, file=file)
            return self._answer(id, Task())["acquisition"]

    def fine_tune(
        self,
        pairs: Sequence[Pair],
        settings: FineTuningSettings | None = None,
        progress: Progress | None = None,
        is_cancelled: IsCancelled | None = None,
        observe: Callable[[dict], None] | None = None,
    ) -> Tuned:
        """Fine-tune in the worker; the arguments are those of ``CHARMSSRLib.fine_tune``.

        Returns:
            Tuned.

        Raises:
            CHARMSSRError: of the class that the worker names; WorkerError when it died.
        """
        id = uuid.uuid4().hex
        with tempfile.TemporaryDirectory(prefix="charmssr-") as folder:
            described = [_describe(pair, number, folder) for number, pair in enumerate(pairs)]
            chosen = asdict(settings or FineTuningSettings())
            self.send("run", id, task=protocol.TASK_FINE_TUNE, folder=folder, pairs=described, settings=chosen)
            message = self._answer(id, Task(progress, is_cancelled), observe)
            return Tuned(message["checkpoint"], message["name"], message["report"])

    def check_pair(
        self,
        pair: Pair,
        settings: FineTuningSettings | None = None,
        progress: Progress | None = None,
        is_cancelled: IsCancelled | None = None,
    ) -> tuple[dict, list[str]]:
        """Register one pair in the worker, to see whether it can be used.

        Args:
            pair: of images or paths.
            settings: of the fine-tuning that it is meant for.
            progress: called with (fraction 0 to 1, message).
            is_cancelled: asked while waiting.

        Returns:
            (quality, warnings): dict of figures, list of sentences.

        Raises:
            PairError: with the reason why it cannot.
        """
        id = uuid.uuid4().hex
        with tempfile.TemporaryDirectory(prefix="charmssr-") as folder:
            chosen = asdict(settings or FineTuningSettings())
            described = _describe(pair, 0, folder)
            self.send("run", id, task=protocol.TASK_CHECK_PAIR, folder=folder, pair=described, settings=chosen)
            message = self._answer(id, Task(progress, is_cancelled))
            return message["quality"], message["warnings"]

    def _answer(self, id: str, task: Task, observe: Callable[[dict], None] | None = None) -> dict:
        cancel_sent = False
        while True:
            message = self.next_message(_POLL_SECONDS)
            if not cancel_sent and task.is_cancelled():
                self.send("cancel", id)
                cancel_sent = True
            if message is None or message["id"] != id:
                continue
            if message["type"] == "result":
                return message
            if message["type"] == "error":
                raise _exception(message)
            if message["type"] == "progress":
                if message.get("event") is not None:
                    if observe is not None:
                        observe(message["event"])
                else:
                    task.tell(message["fraction"], message["message"])

    def close(self, timeout: float = 5) -> int | None:
        """End the process; it is killed if it does not end by itself. Returns its exit status."""
        if self.process is None:
            return None
        if self.process.stdin and not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except OSError:
                pass  # it has ended already
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process = None
        return status


def _describe(pair: Pair, number: int, folder: str) -> dict:
    """A Pair as a message describes it; its volumes are written into the job's folder."""
    three, seven, mask = pair.load()
    return {
        "subject": pair.subject,
        "contrast": pair.contrast,
        "image_3t": protocol.save_volume(three, folder, f"pair{number}_3t"),
        "image_7t": protocol.save_volume(seven, folder, f"pair{number}_7t"),
        "mask_3t": None if mask is None else protocol.save_volume(mask, folder, f"pair{number}_mask"),
    }


def _read_messages(stream: Any, messages: queue.Queue) -> None:
    with stream:
        for line in stream:
            try:
                messages.put(protocol.decode(line))
            except protocol.ProtocolError as error:
                messages.put({"type": "error", "id": "", "kind": protocol.PROTOCOL_ERROR, "message": str(error)})
    messages.put(None)


def _exception(message: dict) -> Exception:
    kind = getattr(errors, message["kind"], WorkerError)
    error = kind(message["message"])
    if message.get("details"):
        error.__cause__ = RuntimeError(message["details"])
    return error
