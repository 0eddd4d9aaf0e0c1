"""Files of a folder that are named there but not there: links to nothing, pointers, empty files.

A series of which one slice is such a file looks like one with a gap, or, where it is the last slice,
like a complete one.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InputError
from .foreign_kinds import refuse_missing, refuse_pointer
from .walk import folders_below

_LARGEST_POINTER = 1024


def absent_below(folder: Path) -> list[Path]:
    """The files below a folder whose content is not there, in a stable order."""
    return [path for place, names in folders_below(folder) for path in (place / one for one in names) if _absent(path)]


def absence(folder: Path, absent: list[Path]) -> str:
    """One sentence about such files: how many, what the first one is, and what to do."""
    first = _reason(absent[0])
    if len(absent) == 1:
        return f"A file of the folder {folder.name} is not there: {first}"
    return f"{len(absent)} files of the folder {folder.name} are not there, the first being this: {first}"


def _reason(path: Path) -> str:
    try:
        if path.is_file():
            if path.stat().st_size == 0:
                return f"{path.name} is empty; copy or export it again."
            refuse_pointer(path, path.read_bytes())
        else:
            refuse_missing(path)
    except InputError as error:
        return str(error)
    except OSError as error:
        return f"{path.name} cannot be opened ({error.strerror or error}); copy or export it again."
    return ""


def _absent(path: Path) -> bool:
    if not path.is_file():
        return os.path.islink(path)
    size = path.stat().st_size
    if size == 0:
        return path.suffix.lower() in (".dcm", ".ima")
    return size <= _LARGEST_POINTER and bool(_reason(path))
