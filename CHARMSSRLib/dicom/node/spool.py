"""What the node holds, as folders: each series is in exactly one of them, and moves by renaming.

    receiving/SERIES/          objects as they come, IMAGE.dcm each
    jobs/SERIES/source/        the series that is enhanced, job.json with what is asked for
    jobs/SERIES/result/        its results, complete; IMAGE.dcm still to be sent, IMAGE.sent taken by the archive
    held/SERIES/source/        what does not leave, reason.json says why
    done/SERIES.json           what was finished: the images it was made from, the series it became
    audit.jsonl, node.lock

SERIES and IMAGE are the objects' identifiers, which were checked to be nothing but digits and dots.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..uids import is_uid
from .durable import flush_folder, move, write_flushed, write_json

OBJECT, SENT = ".dcm", ".sent"
_PREPARED, _UNSORTED = ".new-", ".unsorted"


class OutOfResources(Exception):
    """The bounds of the spool are reached."""


@dataclass(frozen=True)
class Bounds:
    """How much a spool may hold: bytes of objects, series under way, and bytes to leave free on its disk."""

    most_bytes: int
    most_series: int
    keep_free: int = 256 << 20


class Spool:
    """The folders above, below one of the user's.

    Args:
        folder: existing folder.
        bounds: what it may hold.
    """

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        self.folder = folder
        self.receiving, self.jobs = folder / "receiving", folder / "jobs"
        self.held, self.done = folder / "held", folder / "done"
        self._bounds = bounds
        self._lock = threading.RLock()
        for place in (self.receiving, self.jobs, self.held, self.done):
            place.mkdir(exist_ok=True)
        self._recover()
        self._bytes = sum(path.stat().st_size for path in self._all_objects())
        self.last_object: dict[str, float] = dict.fromkeys(names_in(self.receiving), time.monotonic())

    def _recover(self):
        """Finish or undo what a kill left half done."""
        for place in (self.jobs, self.held):
            for prepared in place.glob(f"{_PREPARED}*"):
                series = prepared.name[len(_PREPARED) :]
                if (prepared / "source").is_dir():
                    self._merge(prepared / "source", self.receiving / series)
                shutil.rmtree(prepared)
        self._sort_in()
        for leftover in [*self.receiving.rglob(".*"), *self.jobs.rglob(".*")]:
            if leftover.is_file():
                leftover.unlink()
        for job in _series_in(self.jobs):
            for attempt in job.glob("attempt-*"):
                shutil.rmtree(attempt)
            if not (job / "source").is_dir() or not (job / "job.json").is_file():
                shutil.rmtree(job)  # it was held, or finished, and only its remains are left
        for folder in _series_in(self.receiving):
            if not any(folder.iterdir()):
                folder.rmdir()

    def _sort_in(self):
        """Objects that were on the disk before they had their place."""
        for path in self.receiving.glob(f".*{_UNSORTED}"):
            parts = path.name[1 : -len(_UNSORTED)].split("_")
            if len(parts) != 5 or not (is_uid(parts[0]) and is_uid(parts[1])):
                continue
            series, image, size, checksum, _ = parts
            if path.stat().st_size == int(size) and zlib.crc32(path.read_bytes()) == int(checksum):
                (self.receiving / series).mkdir(exist_ok=True)
                move(path, self.receiving / series / f"{image}{OBJECT}")

    def add(self, series: str, image: str, *parts: bytes) -> bool:
        """Keep an object; it is on the disk when this returns.

        Args:
            series: identifiers, already checked.
            image: likewise.
            parts: the file's bytes.

        Returns:
            Whether it is new (False: it was there already and has been replaced).

        Raises:
            OutOfResources: a bound is reached.
            OSError: it could not be written.
        """
        if not (is_uid(series) and is_uid(image)):
            raise ValueError("an identifier is no identifier")
        size = sum(len(part) for part in parts)
        with self._lock:
            self._require_room(series, size)
            self._bytes += size
        # One flush of the disk for each object: its name tells where it belongs and how to know it whole, so that
        # neither the new name nor the folder has to be flushed as well.
        temporary = self.receiving / _unsorted_name(series, image, size, parts)
        try:
            write_flushed(temporary, *parts)
            return self._give_name(temporary, series, image)
        except BaseException:
            with self._lock:
                self._bytes -= size
            temporary.unlink(missing_ok=True)
            raise

    def _give_name(self, temporary, series, image):
        """Put a file into its series' folder; whether it is new there."""
        folder = self.receiving / series
        path = folder / f"{image}{OBJECT}"
        with self._lock:
            if not folder.is_dir():
                folder.mkdir()
                flush_folder(self.receiving)
            old = path.stat().st_size if path.exists() else 0
            os.replace(temporary, path)
            self._bytes -= old
            self.last_object[series] = time.monotonic()
        return not old

    def _require_room(self, series, size):
        if self._bytes + size > self._bounds.most_bytes:
            raise OutOfResources("the spool is full")
        if shutil.disk_usage(self.folder).free < self._bounds.keep_free + size:
            raise OutOfResources("the disk is nearly full")
        if not (self.receiving / series).is_dir():
            under_way = len(names_in(self.receiving)) + len(names_in(self.jobs))
            if under_way >= self._bounds.most_series:
                raise OutOfResources("too many series are under way")

    def quiet(self, seconds: dict[str, float]) -> list[str]:
        """Series that have been quiet for so long; ``seconds`` gives the time for each ("" for all others)."""
        now = time.monotonic()
        with self._lock:
            return [
                series
                for series, last in self.last_object.items()
                if now - last >= seconds.get(series, seconds[""]) and (self.receiving / series).is_dir()
            ]

    def objects(self, folder: Path) -> list[Path]:
        """The objects in a folder, in a stable order."""
        return sorted(path for path in folder.glob(f"*{OBJECT}") if not path.name.startswith("."))

    def start(self, series: str, job: dict[str, Any]) -> bool:
        """A received series becomes a job; False where one of that name is under way or objects still come."""
        return self._move_received(series, self.jobs, "job.json", job)

    def hold(self, series: str, reason: dict[str, Any], source: Path | None = None) -> None:
        """What was received (or a job's source) goes to what is held."""
        with self._lock:
            if source is None:
                earlier = self.held / series / "source"
                if earlier.is_dir():
                    self._merge(self.receiving / series, earlier)
                    write_json(self.held / series / "reason.json", reason)
                    self.last_object.pop(series, None)
                    return
                self._move_received(series, self.held, "reason.json", reason)
                return
            prepared = self.held / f"{_PREPARED}{series}"
            prepared.mkdir(exist_ok=True)
            write_json(prepared / "reason.json", reason)
            if (self.held / series).is_dir():
                self._merge(self.held / series / "source", source)
                shutil.rmtree(self.held / series)
            move(source, prepared / "source")
            move(prepared, self.held / series)
            shutil.rmtree(source.parent, ignore_errors=True)

    def take_back(self, series: str) -> None:
        """What was held joins what is being received of the same series."""
        with self._lock:
            source = self.held / series / "source"
            if source.is_dir():
                self._merge(source, self.receiving / series)
                shutil.rmtree(self.held / series)
                self.last_object[series] = time.monotonic()

    def drop_received(self, series: str) -> None:
        """Remove what was received of a series."""
        with self._lock:
            self.last_object.pop(series, None)
            self._remove(self.receiving / series)

    def finish(self, series: str, facts: dict[str, Any]) -> None:
        """A job is over: note it, then remove its objects."""
        write_json(self.done / f"{series}.json", facts)
        with self._lock:
            # Without its order a job is known to be over, should the removal be cut short.
            (self.jobs / series / "job.json").unlink(missing_ok=True)
            self._remove(self.jobs / series)

    def remove_held(self, older_than: float) -> list[str]:
        """Remove what has been held for more than so many seconds; returns the series."""
        removed = []
        with self._lock:
            for series in names_in(self.held):
                if time.time() - (self.held / series / "reason.json").stat().st_mtime > older_than:
                    self._remove(self.held / series)
                    removed.append(series)
        return removed

    def _move_received(self, series, place, name, content) -> bool:
        with self._lock:
            source = self.receiving / series
            if (place / series).exists() or not source.is_dir():
                return False
            prepared = place / f"{_PREPARED}{series}"
            prepared.mkdir(exist_ok=True)
            write_json(prepared / name, content)
            move(source, prepared / "source")
            move(prepared, place / series)
            self.last_object.pop(series, None)
            return True

    def _merge(self, source, target):
        """Move all objects of one folder into another; those that are there already stay."""
        target.mkdir(parents=True, exist_ok=True)
        for path in self.objects(source):
            there = target / path.name
            if there.exists():
                self._bytes -= path.stat().st_size if hasattr(self, "_bytes") else 0
                path.unlink()
            else:
                os.replace(path, there)
        flush_folder(target)
        shutil.rmtree(source)

    def _remove(self, folder):
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.suffix == OBJECT)
        shutil.rmtree(folder, ignore_errors=True)
        # Results were never counted; a recount costs little where a series has ended.
        self._bytes = max(0, self._bytes - size)
        if not names_in(self.jobs) and not names_in(self.receiving) and not names_in(self.held):
            self._bytes = 0

    def _all_objects(self) -> Iterator[Path]:
        for place in (self.receiving, self.jobs, self.held):
            for path in place.rglob(f"*{OBJECT}"):
                if "result" not in path.parts:
                    yield path


def _series_in(folder):
    """The folders of series; whatever else somebody put there is none of ours."""
    return [one for one in folder.iterdir() if is_uid(one.name) and one.is_dir() and not one.is_symlink()]


def names_in(folder: Path) -> list[str]:
    """The series in one of the folders, in the order in which they came there."""
    found = []
    for entry in os.scandir(folder):
        if is_uid(entry.name) and entry.is_dir():
            try:
                found.append((entry.stat().st_mtime_ns, entry.name))
            except FileNotFoundError:
                continue
    return [name for _, name in sorted(found)]


def _unsorted_name(series, image, size, parts):
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    return f".{series}_{image}_{size}_{checksum}_{secrets.token_hex(4)}{_UNSORTED}"
