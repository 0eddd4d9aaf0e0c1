"""Writes that are on the disk when they return, and names that appear only when complete."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any


def flush_folder(folder: Path) -> None:
    """Have a folder's names on the disk (where the system can)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, *parts: bytes) -> None:
    """A file that is complete and on the disk, or not there.

    Raises:
        OSError: it could not be written; nothing is left.
    """
    temporary = path.parent / f".{secrets.token_hex(8)}"
    try:
        write_flushed(temporary, *parts)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def write_flushed(path: Path, *parts: bytes) -> None:
    """A new file whose content is on the disk; its name may not be yet."""
    with open(path, "xb") as stream:
        for part in parts:
            stream.write(part)
        stream.flush()
        os.fsync(stream.fileno())


def write_json(path: Path, data: Any) -> None:
    """JSON data as :func:`write_bytes`."""
    write_bytes(path, (json.dumps(data, indent=1, default=str) + "\n").encode())


def read_json(path: Path) -> Any:
    """JSON data; None where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def move(source: Path, target: Path) -> None:
    """Rename within the spool, and have it on the disk."""
    os.replace(source, target)
    flush_folder(target.parent)
    if source.parent != target.parent:
        flush_folder(source.parent)
