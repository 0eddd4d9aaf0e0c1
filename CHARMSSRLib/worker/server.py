"""The worker process: takes one job at a time, stays warm between jobs, ends with its caller."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
import traceback
from typing import TYPE_CHECKING, BinaryIO

from ..errors import BackendError, Cancelled, CHARMSSRError
from ..settings import EnhancementSettings, FineTuningSettings
from ..task import Task
from . import protocol
from .channel import JobProgress, private_streams
from .hello import hello, missing_package
from .message_scan import named_scan

if TYPE_CHECKING:
    from .channel import Channel

IDLE_SECONDS = 600


def serve(idle_seconds: float = IDLE_SECONDS) -> int:
    """Serve jobs until the caller closes the input, asks to stop, or nothing comes for a while.

    Returns:
        Exit status of the process.
    """
    # Ctrl-C in the terminal that Slicer was started from is Slicer's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    incoming, channel = private_streams()
    server = Server(channel, idle_seconds)
    threading.Thread(target=server.read, args=(incoming,), daemon=True, name="messages").start()
    return server.run()


class Server:
    """Runs jobs on the thread that calls ``run`` while another one reads messages.

    The work stays on one thread because some of cuDNN's caches belong to a thread.
    """

    def __init__(self, channel: Channel, idle_seconds: float = IDLE_SECONDS) -> None:
        self._channel = channel
        self._idle_seconds = idle_seconds
        self._jobs: queue.Queue = queue.Queue()
        self._lock = threading.Lock()
        self._current = None
        self._cancelled = threading.Event()

    # ---- the thread that reads

    def read(self, stream: BinaryIO) -> None:
        """Serve messages until the stream ends, then end the process even in the middle of a job."""
        for line in iter(stream.readline, b""):
            if line.strip():
                self._receive(line)
        os._exit(protocol.ENDED)

    def _receive(self, line):
        try:
            message = protocol.decode(line)
        except protocol.ProtocolError as error:
            self._channel.error("", protocol.PROTOCOL_ERROR, error)
            return
        if message["type"] == "run":
            self._accept(message)
        elif message["type"] == "cancel":
            with self._lock:
                if message["id"] == self._current:
                    self._cancelled.set()
        elif message["type"] == "shutdown":
            os._exit(protocol.ENDED)
        else:
            self._channel.error(message["id"], protocol.PROTOCOL_ERROR, f"Unknown message type {message['type']!r}.")

    def _accept(self, message):
        if message.get("task") == protocol.TASK_INSPECT:
            # A look at a scan takes a second or two: it neither waits for a job nor keeps one waiting.
            threading.Thread(target=self._work, args=(message,), daemon=True, name="inspection").start()
            return
        with self._lock:
            if self._current is None:
                self._current = message["id"]
                self._cancelled.clear()
                self._jobs.put(message)
                return
        self._channel.error(message["id"], protocol.BUSY, "The worker is busy with another job; wait or cancel it.")

    # ---- the thread that works

    def run(self) -> int:
        """Announce the worker and work until nothing comes any more; returns the exit status."""
        try:
            welcome = hello()
        except (ImportError, OSError, BackendError) as error:
            self._channel.error("", protocol.MISSING_PACKAGE, missing_package(error.__cause__ or error))
            return protocol.UNUSABLE_PYTHON
        self._channel.send("hello", **welcome)
        while True:
            try:
                message = self._jobs.get(timeout=self._idle_seconds)
            except queue.Empty:
                return protocol.ENDED
            self._work(message)

    def _work(self, message):
        """Do one job and answer it, whatever happens."""
        id = message["id"]
        try:
            answer = self._answer(message)
        except ModuleNotFoundError as error:  # what only some jobs need: torch, for fine-tuning
            self._finish(id, self._channel.error, id, protocol.MISSING_PACKAGE, missing_package(error))
        except CHARMSSRError as error:
            # The subclass tells the panel what kind of trouble it is; a cancelled job lands here too.
            self._finish(id, self._channel.error, id, type(error).__name__, error)
        except protocol.ProtocolError as error:
            self._finish(id, self._channel.error, id, protocol.PROTOCOL_ERROR, error)
        except MemoryError:
            message = "The memory is exhausted; close other programs, or crop the volume."
            self._finish(id, self._channel.error, id, protocol.OUT_OF_MEMORY, message)
        except Exception as error:  # the worker outlives any bug of a single job
            message = f"Something unexpected happened ({type(error).__name__}: {error}); please report it."
            self._finish(id, self._channel.error, id, protocol.INTERNAL_ERROR, message, traceback.format_exc())
        else:
            self._finish(id, self._channel.send, "result", id, **answer)

    def _finish(self, id, send, *arguments, **fields):
        """Free the worker, then answer: who gets the answer may send the next job at once."""
        with self._lock:
            if self._current == id:
                self._current = None
        send(*arguments, **fields)

    def _answer(self, message):
        tasks = {
            protocol.TASK_ENHANCE: self._enhance,
            protocol.TASK_FINE_TUNE: self._fine_tune,
            protocol.TASK_CHECK_PAIR: self._check_pair,
            protocol.TASK_INSPECT: self._inspect,
        }
        name = message.get("task")
        if not isinstance(name, str) or name not in tasks:
            raise protocol.ProtocolError(f"Unknown task {name!r}.")
        folder = message.get("folder")
        if not isinstance(folder, str) or not os.path.isdir(folder):
            raise protocol.ProtocolError(f"The job's folder {folder!r} does not exist.")
        return tasks[name](message, folder)

    def _enhance(self, message, folder):
        from ..enhancement.enhance import enhance

        settings = EnhancementSettings.from_dict(message.get("settings") or {})
        image, tags = named_scan(message, folder)
        mask = protocol.load_volume(message["mask"], folder) if message.get("mask") else None
        result = enhance(
            image,
            settings,
            mask=mask,
            progress=JobProgress(self._channel, message["id"]),
            is_cancelled=self._cancelled.is_set,
            tags=tags,
        )
        with _as_output_error(folder):
            answer = {
                "image": protocol.save_volume(result.image, folder, "output"),
                "mask": protocol.save_volume(result.mask, folder, "output_mask"),
                "maps": {n: protocol.save_volume(v, folder, f"map_{n}") for n, v in result.maps.items()},
                "report": result.report,
            }
        if self._cancelled.is_set():
            raise Cancelled()
        return answer

    def _inspect(self, message, folder):
        from ..acquisition.checkpoint_choice import choose_checkpoint
        from ..acquisition.inspect import inspect_image

        image, tags = named_scan(message, folder)
        found = inspect_image(image, tags)
        return {"acquisition": found.to_dict(), "checkpoint": choose_checkpoint(found)._asdict()}

    def _fine_tune(self, message, folder):
        from ..fine_tuning.fine_tune import fine_tune
        from .message_pair import pair_of

        pairs = message.get("pairs")
        if not isinstance(pairs, list):
            raise protocol.ProtocolError("A fine-tuning has no list of pairs.")
        settings = FineTuningSettings.from_dict(message.get("settings") or {})
        progress = JobProgress(self._channel, message["id"])
        result = fine_tune(
            [pair_of(pair, folder) for pair in pairs],
            settings,
            progress=progress,
            is_cancelled=self._cancelled.is_set,
            observe=progress.observe,
        )
        # A cancelled fine-tuning that gained something has a result: the best so far.
        path = None if result.checkpoint_path is None else str(result.checkpoint_path)
        return {"checkpoint": path, "name": settings.name, "report": result.report}

    def _check_pair(self, message, folder):
        from ..fine_tuning.pairs.registration import register_pair
        from .message_pair import pair_of

        settings = FineTuningSettings.from_dict(message.get("settings") or {})
        pair = pair_of(message.get("pair"), folder)
        progress = JobProgress(self._channel, message["id"])
        registered = register_pair(pair, settings, Task(progress, self._cancelled.is_set))
        return {"quality": registered.quality, "warnings": list(registered.warnings)}


@contextlib.contextmanager
def _as_output_error(folder):
    from ..errors import OutputError

    try:
        yield
    except OSError as error:
        raise OutputError(
            f"The result could not be written to {folder} ({error.strerror or error}); free some space and try again."
        ) from error
