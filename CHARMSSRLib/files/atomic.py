"""A file that is there whole or not at all: written beside its place, then put into it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A path to write to; on leaving without an error the file takes the place of ``path``.

    The partial file keeps the ending, which decides the format for some writers, and is removed on an error. What
    stood at the place stays there until the new file is complete.

    Raises:
        OSError: the file cannot be written or put into its place.
    """
    with replacing_all(path) as (partial,):
        yield partial


@contextlib.contextmanager
def replacing_all(*paths: str | Path) -> Iterator[tuple[Path, ...]]:
    """As :func:`replacing` for files that belong together.

    They take their places in the order given, so that the last one may be the sign that all are there.
    """
    finals = [Path(path) for path in paths]
    partials = tuple(final.with_name(f".{final.stem}.partial{final.suffix}") for final in finals)
    try:
        yield partials
        for partial, final in zip(partials, finals):
            os.replace(partial, final)
    finally:
        for partial in partials:
            with contextlib.suppress(OSError):
                partial.unlink()
