"""What happened to each scan: one line per event in logs/sub-*/, readable by people and by the next run."""

import os
import socket
import time
from pathlib import Path
from typing import NamedTuple, Optional

from .shared_folder import read_now

STARTED, DONE, REFUSED, FAILED, STOPPED = "started", "done", "refused", "failed", "stopped"
_ENDINGS = (DONE, REFUSED, FAILED, STOPPED)


class Entry(NamedTuple):
    """The last event of a scan, and how often it was begun and ended in failure since it was last done."""

    status: str
    message: str
    attempts: int


def note(path: Path, status: str, message: str = "") -> None:
    """Add a line to a scan's log; whoever writes holds the scan's lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    job = os.environ.get("SLURM_JOB_ID")
    who = f"{socket.gethostname()}:{os.getpid()}" + (f":job{job}" if job else "")
    line = f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {who} {status} {' '.join(message.split())}".rstrip() + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line.encode("utf-8"))
    finally:
        os.close(descriptor)


def last(path: Path) -> Optional[Entry]:
    """The last event of a scan; None where nothing has happened. "started" is what a killed run leaves."""
    try:
        lines = read_now(path).splitlines()
    except OSError:
        return None
    entry, attempts = None, 0
    for line in lines:
        parts = line.split(" ", 3)
        if len(parts) < 3 or parts[2] not in (STARTED, *_ENDINGS):
            continue
        if parts[2] == STARTED:
            attempts += 1
        elif parts[2] == DONE:
            attempts = 0
        entry = Entry(parts[2], parts[3] if len(parts) > 3 else "", attempts)
    return entry and entry._replace(attempts=attempts)
