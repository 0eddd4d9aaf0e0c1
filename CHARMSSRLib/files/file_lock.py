"""A lock that several processes see: one of them makes a result, the others look again later."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import IO

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]


class FileLock:
    """A lock on a hidden file; the system frees it when its process ends, however that ends.

    Args:
        path: what is to be locked; the lock lies beside it.
    """

    def __init__(self, path: Path):
        self.path = path.with_name(f".{path.name}.lock")
        self._stream: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Take the lock if it is free; returns whether it is ours now."""
        while True:
            stream = open(self.path, "ab")
            if not _lock(stream):
                stream.close()
                return False
            # Whoever held it may have removed the file between our opening and our locking.
            with contextlib.suppress(OSError):
                if os.path.samestat(os.fstat(stream.fileno()), os.stat(self.path)):
                    self._stream = stream
                    return True
            stream.close()

    def release(self) -> None:
        """Give the lock back."""
        if self._stream is None:
            return
        with contextlib.suppress(OSError):
            self.path.unlink()
        self._stream.close()
        with contextlib.suppress(OSError):  # Windows removes no open file
            self.path.unlink()
        self._stream = None


def _lock(stream: IO[bytes]) -> bool:
    try:
        if fcntl is not None:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True
