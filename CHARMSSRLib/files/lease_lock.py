"""A lock on one result that two machines can share and that survives its owner's death.

No flock: network file systems keep it, lose it or lack it, and a dead machine's stays. Each holder creates a
file whose name ends in a number, with O_EXCL, which NFS does atomically; the highest number holds the lock.
The holder rewrites its file every few seconds. Whoever wants the lock watches the *content* (opening a
file fetches it anew from an NFS server; times of two machines are never compared) and, when it has stood still for a
lease by its own clock, creates the next number. On the holder's own machine its process is looked for instead.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
import time
from pathlib import Path
from typing import Callable

BEAT_SECONDS = 5.0
LEASE_SECONDS = 60.0


class LeaseLock:
    """One result's lock; ``acquire`` it, do the work, ask ``still_held`` before writing, ``release`` it.

    Args:
        stem: path of the lock without its number; the folder is made.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        stem: Path,
        lease: float = LEASE_SECONDS,
        beat: float = BEAT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._name = stem.parent, stem.name
        self._lease, self._beat, self._clock = lease, beat, clock
        self._token = secrets.token_hex(8)
        self._path: Path | None = None
        self._count = 0
        self._seen: tuple[str, str, float] | None = None
        self._stopped = threading.Event()
        self._heart: threading.Thread | None = None
        self.moved = False

    @classmethod
    def beside(cls, path: Path) -> LeaseLock:
        """The lock of a file, in hidden files beside it."""
        return cls(path.with_name(f".{path.name}"))

    def acquire(self) -> bool:
        """Try to get the lock; False while somebody else holds it.

        Asked again and again, it notices a holder that has died. ``moved`` tells whether the holder has given
        a sign of life since the first look.
        """
        numbers = self._numbers()
        if not numbers:
            return self._create(0, None)
        highest = numbers[-1]
        path = self._numbered(highest)
        content = _content(path)
        if content is None:
            return False  # released a moment ago: the next look finds it free
        now = self._clock()
        if self._seen is None or self._seen[:2] != (path.name, content):
            self.moved = self._seen is not None
            self._seen = (path.name, content, now)
        if _owner_is_dead(content) or now - self._seen[2] >= self._lease:
            return self._create(highest + 1, (path, content))
        return False

    def still_held(self) -> bool:
        """Whether nobody has taken the lock over (after this machine slept, say)."""
        if self._path is None:
            return False
        content = _content(self._path)
        return content is not None and content.startswith(self._token) and self._numbers()[-1:] == [self._number()]

    def release(self) -> None:
        """Give the lock back; one that was taken over stays with its new holder."""
        self._stopped.set()
        if self._heart is not None:
            self._heart.join()
        if self.still_held():
            own = self._number()
            # The own file goes last: until then nobody can take a number that is in use.
            for number in [*(n for n in self._numbers() if n != own), own]:
                with contextlib.suppress(OSError):
                    self._numbered(number).unlink()
        self._path = None

    def _create(self, number: int, dead: tuple[Path, str] | None) -> bool:
        path = self._numbered(number)
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(self._text())
        # Meanwhile the dead holder's file may have gone with a third process that was done, and a fourth begun anew.
        if dead is not None and _content(dead[0]) != dead[1] or self._numbers()[-1:] != [number]:
            with contextlib.suppress(OSError):
                path.unlink()
            return False
        self._path = path
        self._stopped.clear()
        self._heart = threading.Thread(target=self._beat_on, daemon=True, name="lock")
        self._heart.start()
        return True

    def _beat_on(self) -> None:
        while not self._stopped.wait(self._beat):
            self._count += 1
            path = self._path
            if path is None:
                return
            with contextlib.suppress(OSError):
                # "r+" never creates: a lock that was taken away stays away.
                with open(path, "r+", encoding="utf-8") as stream:
                    stream.write(self._text())

    def _text(self) -> str:
        fields = {"token": self._token, "count": f"{self._count:010d}", **_identity()}
        return " ".join([fields.pop("token"), *(f"{key}={value}" for key, value in fields.items())]) + "\n"

    def _numbers(self) -> list[int]:
        try:
            names = os.listdir(self._folder)
        except OSError:
            return []
        start = f"{self._name}.lock."
        return sorted(
            int(name[len(start) :]) for name in names if name.startswith(start) and name[len(start) :].isdigit()
        )

    def _numbered(self, number: int) -> Path:
        return self._folder / f"{self._name}.lock.{number}"

    def _number(self) -> int:
        return int(self._path.name.rpartition(".")[2]) if self._path else -1


def _identity() -> dict[str, str]:
    """Where this process lives, so that a neighbour on the same machine can see whether it still does."""
    return {
        "host": socket.gethostname().replace(" ", "_"),
        "boot": _read("/proc/sys/kernel/random/boot_id") or "-",
        "space": _process_space(),
        "pid": str(os.getpid()),
        "start": _start_of(os.getpid()) or "-",
    }


def _owner_is_dead(content: str) -> bool:
    """True only where it can be known: same boot of the same machine, same space of process numbers."""
    fields = dict(part.split("=", 1) for part in content.split() if "=" in part)
    here = _identity()
    if here["boot"] == "-" or any(fields.get(key) != here[key] for key in ("boot", "space")):
        return False
    pid = fields.get("pid", "")
    return pid.isdigit() and _start_of(int(pid)) != fields.get("start")


def _start_of(pid: int) -> str | None:
    """When a process began (clock ticks since boot), None where it is gone: numbers are used again, starts are not."""
    status = _read(f"/proc/{pid}/stat")
    fields = status.rpartition(")")[2].split() if status else []
    return fields[19] if len(fields) > 19 and fields[0] not in ("Z", "X") else None


def _process_space() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return "-"


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return ""
