"""The folder of a node from outside: is it one, does a node work in it, what does it hold."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import IO, Any

from ...errors import OutputError
from ..uids import is_uid
from .durable import read_json
from .spool import OBJECT, names_in

_LOCK, _RECORD = "node.lock", "audit.jsonl"
_PLACES = ("receiving", "jobs", "held", "done")
_LOCK_TRIES = 10


def make_inbox(folder: Path) -> None:
    """Create a node's folder, or make sure that an existing one is a node's.

    Raises:
        OutputError: it cannot be written, or holds something else, which a node would take for its own.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / _LOCK).exists() and (names := sorted(one.name for one in folder.iterdir())):
            raise OutputError(f"{folder} holds {names[0]} and is no inbox of a node; choose another folder (--inbox).")
        for place in _PLACES:
            (folder / place).mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The inbox {folder} cannot be created: {error.strerror or error}. Choose another (--inbox)."
        ) from error


def lock_inbox(folder: Path) -> IO[str]:
    """Hold an inbox for this process alone, until the stream that this returns is closed.

    Raises:
        OutputError: another node holds it, or it cannot be written.
    """
    try:
        stream = open(folder / _LOCK, "a+")  # noqa: SIM115 (held until the node ends)
    except OSError as error:
        raise OutputError(f"The inbox {folder} cannot be written: {error.strerror or error}.") from error
    for attempt in range(_LOCK_TRIES):
        try:
            _lock_stream(stream)
            break
        except OSError:
            if attempt + 1 < _LOCK_TRIES:  # whoever asks for the status holds it for a moment
                time.sleep(0.05)
    else:
        stream.close()
        raise OutputError(f"Another node works in {folder}; end it, or choose another --inbox.")
    with contextlib.suppress(OSError):  # the number is a courtesy; the disk may be full
        stream.seek(0)
        stream.truncate()
        stream.write(str(os.getpid()))
        stream.flush()
    return stream


def status_of(folder: Path) -> dict[str, Any]:
    """What a node's inbox holds, told from its folders: whether it runs, series by state, reasons of what is held.

    Raises:
        OutputError: no node was ever run with this inbox, or it may not be read.
    """
    if not (folder / "jobs").is_dir():
        raise OutputError(f"{folder} is no inbox of a node; give the folder that --inbox named.")
    try:
        return _status(folder)
    except PermissionError as error:
        raise OutputError(f"The inbox {folder} may not be read by this user ({error.strerror}).") from error


def _status(folder):
    jobs = names_in(folder / "jobs")
    sending = [one for one in jobs if (folder / "jobs" / one / "result").is_dir()]
    held = {one: read_json(folder / "held" / one / "reason.json") or {} for one in names_in(folder / "held")}
    return {
        "running": _is_locked(folder / _LOCK),
        "receiving": {one: _count(folder / "receiving" / one) for one in names_in(folder / "receiving")},
        "queued": [one for one in jobs if one not in sending],
        "sending": {one: _count(folder / "jobs" / one / "result") for one in sending},
        "held": {series: reason.get("reason", "") for series, reason in held.items()},
        "finished": sum(is_uid(path.stem) for path in (folder / "done").glob("*.json")),
    }


def _count(folder):
    try:
        return sum(name.endswith(OBJECT) for name in os.listdir(folder))
    except FileNotFoundError:  # it went on meanwhile
        return 0


def _is_locked(path):
    with contextlib.suppress(FileNotFoundError), open(path, "r+" if os.name == "nt" else "r") as stream:
        try:
            _lock_stream(stream)
        except OSError:
            return True
    return False


def _lock_stream(stream):
    if os.name == "nt":
        import msvcrt

        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
