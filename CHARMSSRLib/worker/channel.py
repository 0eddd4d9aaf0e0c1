"""The worker's end of the pipes: messages out, progress not more often than anybody can see."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any, BinaryIO

from ..files.output_files import plain
from ..remaining_time import RemainingTime
from . import protocol

_PROGRESS_INTERVAL = 0.05


def private_streams() -> tuple[BinaryIO, Channel]:
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

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, type: str, id: str = "", **fields: Any) -> None:
        """Send one message; a caller that has gone ends the process."""
        line = memoryview(protocol.encode(type, id, **plain(fields)))
        try:
            with self._lock:
                while line:
                    line = line[os.write(self._descriptor, line) :]
        except OSError:
            os._exit(protocol.ENDED)

    def error(self, id: str, kind: str, message: object, details: str | None = None) -> None:
        """Send an error; the message becomes one line."""
        fields = {} if details is None else {"details": details}
        self.send("error", id, kind=kind, message=" ".join(str(message).split()), **fields)


class JobProgress:
    """Passes progress on, but not more often than anybody can see."""

    def __init__(self, channel: Channel, id: str) -> None:
        self._channel = channel
        self._id = id
        self._remaining = RemainingTime()
        self._last_time, self._last_fraction = 0.0, 0.0
        self._last_message: str | None = None
        self._left: float | None = None

    def __call__(self, fraction: float, message: str) -> None:
        self._left = self._remaining.update(fraction, message)
        self._last_fraction = fraction
        now = time.monotonic()
        if fraction < 1 and message == self._last_message and now - self._last_time < _PROGRESS_INTERVAL:
            return
        self._last_time, self._last_message = now, message
        self._send(message)

    def observe(self, event: dict) -> None:
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
