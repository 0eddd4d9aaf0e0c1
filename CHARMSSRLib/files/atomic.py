"""A file that is there whole or not at all: written beside its place, then put into it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(*paths: str | Path) -> Iterator[Path | tuple[Path, ...]]:
    """Paths to write to; on leaving without an error they take the places of ``paths``, one after the other.

    A partial file keeps the ending, which decides the format for some writers, and is removed on an error. What
    stood at a place stays there until the new file is complete. Several files are replaced in the order given, so
    that the last one may be the sign that all are there.

    Raises:
        OSError: a file cannot be written or put into its place; the places that were not reached are as they were.
    """
    finals = [Path(path) for path in paths]
    partials = [final.with_name(f".{final.stem}.partial{final.suffix}") for final in finals]
    try:
        yield partials[0] if len(partials) == 1 else tuple(partials)
        for partial, final in zip(partials, finals):
            os.replace(partial, final)
    finally:
        for partial in partials:
            with contextlib.suppress(OSError):
                partial.unlink()
