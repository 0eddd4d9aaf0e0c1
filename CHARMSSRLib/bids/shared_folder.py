"""Looks at files that other machines write, too: a network file system shows what it remembers unless it is asked.

NFS remembers names that were missing, and what folders hold, for up to a minute. Opening a folder or a file asks the
server ("close-to-open"), and then what was remembered of it is dropped.
"""

import contextlib
import errno
import os
from pathlib import Path

_ATTEMPTS = 5


def names_now(folder: Path, root: Path) -> set[str]:
    """The names in a folder as the server has them; empty where there is none.

    Args:
        folder: in or below ``root``.
        root: a folder whose existence is certain; those between are looked at anew.
    """
    for place in [*(parent for parent in reversed(folder.parents) if root in (parent, *parent.parents))]:
        _ask(place)
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def read_now(path: Path) -> str:
    """The text of a file that others may replace at any moment.

    Raises:
        OSError: it cannot be read.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return path.read_text(encoding="utf-8-sig", errors="replace")
        except OSError as error:
            # Replaced by another machine between our opening and our reading; by its name there is a new one.
            if error.errno != errno.ESTALE or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _ask(folder: Path) -> None:
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        os.close(os.open(folder, os.O_RDONLY))
