"""What tells whether a file is still the one that a result was made from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .walk import folders_below


def fingerprint(path: Path, files: Sequence[Path] = ()) -> dict[str, Any]:
    """What a file, or the files of a folder, hold.

    Args:
        path: a file or a folder.
        files: those of the folder that count; all by default.

    Returns:
        "size" (bytes), "modified" (seconds), "sha256"; and "files", where some were named.
    """
    named = [os.path.relpath(file, path) for file in files] if path.is_dir() else []
    counted = _files(path, named)
    digest = hashlib.sha256()
    for file in counted:
        with open(file, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                digest.update(block)
    state = {**_quick(counted), "sha256": digest.hexdigest()}
    return {**state, "files": named} if named else state


def is_unchanged(path: Path, known: dict[str, Any]) -> bool:
    """Whether a file is the one of an earlier ``fingerprint``; its content is read only if its time differs."""
    names = known.get("files") or []
    try:
        counted = _files(path, names)
        quick = _quick(counted)
        if quick["size"] != known.get("size"):
            return False
        if quick["modified"] == known.get("modified"):
            return True
        return fingerprint(path, counted if names else ())["sha256"] == known.get("sha256")
    except OSError:
        return False


def _files(path: Path, names: Sequence[str]) -> list[Path]:
    if not path.is_dir():
        return [path]
    if names:
        return [path / name for name in names]
    return [place / name for place, found in folders_below(path) for name in found if (place / name).is_file()]


def _quick(files: Sequence[Path]) -> dict[str, Any]:
    states = [os.stat(file) for file in files]
    return {
        "size": sum(state.st_size for state in states),
        "modified": max((round(state.st_mtime, 3) for state in states), default=0.0),
    }
