"""The worker process: takes one job at a time, stays warm between jobs, ends with its caller."""

import contextlib
import os
import platform
import queue
import signal
import sys
import threading
import time
import traceback
from importlib import import_module

from .. import __version__
from ..errors import BackendError, Cancelled, CHARMSSRError
from ..files.output_files import plain
from ..remaining_time import RemainingTime
from ..settings import EnhancementSettings, FineTuningSettings
from ..task import Task
from . import protocol
from .message_scan import named_scan

IDLE_SECONDS = 600
_PROGRESS_INTERVAL = 0.05


def serve(idle_seconds=IDLE_SECONDS):
    """Serve jobs until the caller closes the input, asks to stop, or nothing comes for a while.

    Returns:
        Exit status of the process.
    """
    # Ctrl-C in the terminal that Slicer was started from is Slicer's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    incoming, channel = _private_streams()
    server = Server(channel, idle_seconds)
    threading.Thread(target=server.read, args=(incoming,), daemon=True, name="messages").start()
    return server.run()


def _private_streams():
    """The caller's pipes under descriptors of our own.

    Descriptor 1 then points at 2, so that no library's print enters the message stream, and
    descriptor 0 at nothing, so that no child process takes messages away.
    """
    incoming, outgoing = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout = sys.stderr
    return os.fdopen(incoming, "rb"), Channel(outgoing)


class Channel:
    """Writes messages to a descriptor; any thread may."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, type, id="", **fields):
        """Send one message; a caller that has gone ends the process."""
        line = memoryview(protocol.encode(type, id, **plain(fields)))
        try:
            with self._lock:
                while line:
                    line = line[os.write(self._descriptor, line) :]
        except OSError:
            os._exit(protocol.ENDED)

    def error(self, id, kind, message, details=None):
        """Send an error; the message becomes one line."""
        fields = {} if details is None else {"details": details}
        self.send("error", id, kind=kind, message=" ".join(str(message).split()), **fields)


class Server:
    """Runs jobs on the thread that calls ``run`` while another one reads messages.

    The work stays on one thread because some of cuDNN's caches belong to a thread.
    """

    def __init__(self, channel, idle_seconds=IDLE_SECONDS):
        self._channel = channel
        self._idle_seconds = idle_seconds
        self._jobs = queue.Queue()
        self._lock = threading.Lock()
        self._current = None
        self._cancelled = threading.Event()

    # ---- the thread that reads

    def read(self, stream):
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

    def run(self):
        """Announce the worker and work until nothing comes any more; returns the exit status."""
        try:
            hello = _hello()
        except (ImportError, OSError, BackendError) as error:
            self._channel.error("", protocol.MISSING_PACKAGE, _missing_package(error.__cause__ or error))
            return protocol.UNUSABLE_PYTHON
        self._channel.send("hello", **hello)
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
            self._finish(id, self._channel.error, id, protocol.MISSING_PACKAGE, _missing_package(error))
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
        task = tasks.get(message.get("task"))
        if task is None:
            raise protocol.ProtocolError(f"Unknown task {message.get('task')!r}.")
        folder = message.get("folder")
        if not isinstance(folder, str) or not os.path.isdir(folder):
            raise protocol.ProtocolError(f"The job's folder {folder!r} does not exist.")
        return task(message, folder)

    def _enhance(self, message, folder):
        from ..enhancement.enhance import enhance

        settings = EnhancementSettings.from_dict(message.get("settings") or {})
        image, tags = named_scan(message, folder)
        mask = protocol.load_volume(message["mask"], folder) if message.get("mask") else None
        result = enhance(
            image,
            settings,
            mask=mask,
            progress=_Progress(self._channel, message["id"]),
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
        progress = _Progress(self._channel, message["id"])
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
        progress = _Progress(self._channel, message["id"])
        registered = register_pair(pair, settings, Task(progress, self._cancelled.is_set))
        return {"quality": registered.quality, "warnings": list(registered.warnings)}


class _Progress:
    """Passes progress on, but not more often than anybody can see."""

    def __init__(self, channel, id):
        self._channel = channel
        self._id = id
        self._remaining = RemainingTime()
        self._last_time, self._last_message = 0.0, None
        self._last_fraction, self._left = 0.0, None

    def __call__(self, fraction, message):
        self._left = self._remaining.update(fraction, message)
        self._last_fraction = fraction
        now = time.monotonic()
        if fraction < 1 and message == self._last_message and now - self._last_time < _PROGRESS_INTERVAL:
            return
        self._last_time, self._last_message = now, message
        self._send(message)

    def observe(self, event):
        """Pass an event on, each one, with the progress that was last."""
        self._send(self._last_message or "", event)

    def _send(self, message, event=None):
        self._channel.send(
            "progress",
            self._id,
            fraction=self._last_fraction,
            message=message,
            remaining_seconds=self._left,
            event=event,
        )


@contextlib.contextmanager
def _as_output_error(folder):
    from ..errors import OutputError

    try:
        yield
    except OSError as error:
        raise OutputError(
            f"The result could not be written to {folder} ({error.strerror or error}); free some space and try again."
        ) from error


def _hello():
    """What the caller should know; imports everything that a job needs."""
    from ..engines.choice import choose_engine, has_ncnn, has_torch, nvidia_cards
    from ..engines.devices import list_devices, versions
    from ..enhancement import enhance  # noqa: F401  (fails here rather than in the first job)
    from ..machine.cores import set_threads
    from ..machine.priority import raise_priority
    from ..preprocessing.skull_strip import available_backends

    set_threads()
    if not (has_ncnn() or has_torch()):
        raise ModuleNotFoundError("neither ncnn nor torch", name="ncnn")
    chosen = choose_engine()
    import_module(chosen.engine)
    return {
        "pid": os.getpid(),
        "library": __version__,
        "engine": chosen.engine,
        "engines": versions(),
        "python": platform.python_version(),
        "device": chosen.device,
        "devices": list_devices(),
        "nvidia_cards": nvidia_cards(),
        "skull_strip_backends": available_backends(),
        "nice": raise_priority(),
    }


def _missing_package(error):
    if isinstance(error, ModuleNotFoundError):
        return (
            f"The Python package {error.name!r} is missing in {sys.executable}; install it "
            "(in Slicer: the panel does; the PyTorch extension brings torch)."
        )
    return f"A Python package in {sys.executable} cannot be loaded ({error}); install it again."
