"""The record of what the node did: one JSON object a line, without names or numbers of patients."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

_LARGEST = 10_000_000


class Audit:
    """Appends events to a file; the file before the present one is kept, too.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.Lock()

    def __call__(self, event: str, **facts: Any) -> None:
        """Write an event.

        Args:
            event: what happened, as a word.
            facts: identifiers of series, titles of applications, counts and reasons; never who the patient is.
        """
        moment = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = json.dumps({"time": moment, "event": event, **facts}, ensure_ascii=True, default=str)
        with self._lock:
            try:
                if self._path.exists() and self._path.stat().st_size > _LARGEST:
                    self._path.replace(self._path.with_suffix(".1.jsonl"))
                with open(self._path, "a", encoding="ascii") as stream:
                    stream.write(line + "\n")
            except OSError:
                # A full disk shall not stop what may yet make room.
                return
