"""What tells whether a file is still the one that a result was made from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .walk import folders_below


def fingerprint(path: Path) -> dict[str, Any]:
    """Size (bytes), time of the last change (seconds) and SHA-256 of a file, or of all files of a folder."""
    files = _files(path)
    digest = hashlib.sha256()
    for file in files:
        with open(file, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                digest.update(block)
    return {**_quick(files), "sha256": digest.hexdigest()}


def is_unchanged(path: Path, known: dict[str, Any]) -> bool:
    """Whether a file is the one of an earlier ``fingerprint``; its content is read only if its time differs."""
    quick = _quick(_files(path))
    if quick["size"] != known.get("size"):
        return False
    return quick["modified"] == known.get("modified") or fingerprint(path)["sha256"] == known.get("sha256")


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return [place / name for place, names in folders_below(path) for name in names if (place / name).is_file()]


def _quick(files: Sequence[Path]) -> dict[str, Any]:
    states = [os.stat(file) for file in files]
    return {
        "size": sum(state.st_size for state in states),
        "modified": max((round(state.st_mtime, 3) for state in states), default=0.0),
    }
