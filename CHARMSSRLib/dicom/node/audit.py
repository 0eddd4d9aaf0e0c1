"""The record of what the node did: one JSON object a line, without names or numbers of patients."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

_LARGEST = 10_000_000
# Events that a full disk did not take, to be written once there is room.
_MOST_WAITING = 1000


class Audit:
    """Appends events to a file; the file before the present one is kept, too.

    Every line is whole: what a kill or a full disk cut off is taken away again.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque(maxlen=_MOST_WAITING)
        with contextlib.suppress(OSError):
            self._remove_half_a_line()

    def __call__(self, event: str, **facts: Any) -> None:
        """Write an event.

        Args:
            event: what happened, as a word.
            facts: identifiers of series, titles of applications, counts and reasons; never who the patient is.
        """
        moment = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = json.dumps({"time": moment, "event": event, **facts}, ensure_ascii=True, default=str)
        with self._lock:
            self._waiting.append(line.encode("ascii") + b"\n")
            # A full disk shall not stop what may yet make room.
            with contextlib.suppress(OSError):
                if self._path.exists() and self._path.stat().st_size > _LARGEST:
                    self._path.replace(self._path.with_suffix(".1.jsonl"))
                while self._waiting:
                    self._append(self._waiting[0])
                    self._waiting.popleft()

    def _append(self, line):
        with open(self._path, "ab", buffering=0) as stream:
            size = stream.seek(0, 2)
            try:
                written = stream.write(line)
            except OSError:
                stream.truncate(size)
                raise
            if written != len(line):
                stream.truncate(size)
                raise OSError("the line does not fit on the disk")

    def _remove_half_a_line(self):
        if not self._path.exists():
            return
        with open(self._path, "rb+") as stream:
            end = stream.seek(0, 2)
            start = max(0, end - (1 << 16))
            stream.seek(start)
            tail = stream.read()
            if tail and not tail.endswith(b"\n"):
                stream.truncate(start + tail.rfind(b"\n") + 1)
