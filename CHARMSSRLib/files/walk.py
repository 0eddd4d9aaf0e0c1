"""All files below a folder: links are followed, loops of links are not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def folders_below(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """A folder and all below it, each with the names of its files, in a stable order.

    Hidden files and folders are left out. A folder that is reached twice (by links) is visited once.
    """
    seen: set[str] = set()
    for place, subfolders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            subfolders[:] = []
            continue
        seen.add(real)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield Path(place), sorted(name for name in names if not name.startswith("."))
