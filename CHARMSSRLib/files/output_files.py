"""Files that appear together, complete, or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import OutputError

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def check_target(path: Path | str, overwrite: bool = False) -> None:
    """Make sure, by trying, that a file can be created here; nothing is left behind.

    Raises:
        OutputError: the file exists and may not be replaced, or its folder is missing or unwritable.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file.")
    if os.path.lexists(path) and not overwrite:
        raise OutputError(f"{path} exists already; choose another name, or move it away first.")
    check_folder(path.parent)


def check_folder(folder: Path | str) -> None:
    """Make sure, by trying, that files can be created in an existing folder.

    Raises:
        OutputError: the folder is missing or cannot be written.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise OutputError(f"There is no folder {folder}; create it first or choose another.")
    probe = folder / f".charmssr-{secrets.token_hex(6)}"
    try:
        # A permission bit says little (root, network shares, read-only mounts); a file says all.
        with open(probe, "xb") as stream:
            stream.write(b"\0")
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be written: {_reason(error)}. Choose another folder.") from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


class OutputFiles:
    """Several output files as one transaction.

    Each is written beside its final name first, under a hidden temporary name with the same
    extension, and flushed to the disk; ``commit`` renames them all. Leaving the ``with`` block
    without it removes whatever was written.
    """

    def __init__(self, overwrite: bool = False) -> None:
        self.overwrite = overwrite
        self._pending: list[tuple[Path, Path]] = []
        self._new_folders: list[Path] = []

    def __enter__(self) -> OutputFiles:
        return self

    def __exit__(self, *exception: object) -> None:
        self._discard()

    def add_json(self, data: Any, path: Path | str) -> None:
        """Write a JSON file (numpy numbers become plain, NaN and infinity become null)."""
        text = json.dumps(plain(data), indent=2, allow_nan=False) + "\n"
        self._add(path, ".json", lambda temporary: temporary.write_text(text, encoding="utf-8"))

    def add_text(self, text: str, path: Path | str) -> None:
        """Write a text file (UTF-8, line ends as given)."""
        self._add(
            path, Path(path).suffix, lambda temporary: temporary.write_bytes(text.encode("utf-8", "surrogateescape"))
        )

    def add_file(self, write: Callable[[Path], Any], path: Path | str, extension: str | None = None) -> None:
        """Let ``write(temporary path)`` make a file of any kind.

        Args:
            write: function of the temporary path, whose name ends like the final one.
            path: the final name.
            extension: of the name, where that is more than its last part (".nii.gz").
        """
        self._add(path, Path(path).suffix if extension is None else extension, write)

    def add_folder(self, folder: Path | str) -> None:
        """Create a folder for later files if it is missing; it goes again without a commit."""
        folder = Path(folder)
        if not folder.is_dir():
            try:
                folder.mkdir()
            except OSError as error:
                raise OutputError(
                    f"The folder {folder} cannot be created: {_reason(error)}. Choose another."
                ) from error
            self._new_folders.append(folder)

    def add_tree(self, write: Callable[[Path], Any], folder: Path | str) -> None:
        """Let ``write(temporary folder)`` fill a new folder, which takes the place of ``folder`` as a whole.

        What lies at ``folder`` must be missing or an empty folder, unless overwriting is allowed.
        """
        folder = Path(folder)
        temporary = folder.parent / f".{folder.name}.{secrets.token_hex(6)}"
        self._pending.append((temporary, folder))
        try:
            temporary.mkdir()
            write(temporary)
            for path in sorted(temporary.rglob("*"), reverse=True):
                _flush_to_disk(path)
            _flush_to_disk(temporary)
        except (OSError, RuntimeError, MemoryError) as error:
            self._discard()
            raise OutputError(f"{folder} could not be written: {_reason(error, folder.parent)}.") from error
        except BaseException:
            self._discard()
            raise

    def commit(self) -> None:
        """Give every file its final name.

        Raises:
            OutputError: a name was taken meanwhile, or renaming failed; new files are taken back.
        """
        renamed = []
        try:
            for temporary, path in self._pending:
                existed = os.path.lexists(path) and not _is_empty_folder(path)
                if existed and not self.overwrite:
                    raise OutputError(f"{path} exists already; choose another name, or move it away first.")
                if temporary.is_dir():
                    _replace_folder(temporary, path)
                else:
                    os.replace(temporary, path)
                if not existed:
                    renamed.append(path)
        except (OSError, OutputError) as error:
            for path in renamed:
                _remove(path)
            self._discard()
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"The result cannot be written: {_reason(error)}.") from error
        for folder in {path.parent for _, path in self._pending}:
            _flush_to_disk(folder)
        self._pending, self._new_folders = [], []

    def _add(self, path, extension, write):
        path = Path(path)
        temporary = path.parent / f".{path.name[: -len(extension) or None]}.{secrets.token_hex(6)}{extension}"
        self._pending.append((temporary, path))
        try:
            write(temporary)
            _flush_to_disk(temporary)
        except (OSError, RuntimeError, MemoryError) as error:
            self._discard()
            raise OutputError(f"{path} could not be written: {_reason(error, path.parent)}.") from error

    def _discard(self):
        for temporary, _ in self._pending:
            _remove(temporary)
        for folder in reversed(self._new_folders):
            with contextlib.suppress(OSError):
                folder.rmdir()
        self._pending, self._new_folders = [], []


def plain(value: Any) -> Any:
    """A copy of nested data that JSON can hold: numpy numbers plain, NaN and infinity None, paths text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def _flush_to_disk(path):
    """fsync a file or (where the system can) a folder."""
    if path.is_dir():
        if os.name == "posix":
            with contextlib.suppress(OSError):
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        return
    with open(path, "rb+") as stream:
        os.fsync(stream.fileno())


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        os.unlink(path)


def _is_empty_folder(path):
    return path.is_dir() and not any(path.iterdir())


def _replace_folder(temporary, path):
    """Put a folder into the place of another, which is moved aside first: no system replaces a full one."""
    if not path.is_dir():
        os.replace(temporary, path)
        return
    aside = path.parent / f".{path.name}.{secrets.token_hex(6)}"
    os.replace(path, aside)
    try:
        os.replace(temporary, path)
    except OSError:
        os.replace(aside, path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _reason(error, folder=None):
    """One clause for what went wrong, with what to do where that is known."""
    if getattr(error, "errno", None) in _FULL:
        return "the disk (or your quota) is full; free some space or choose another folder"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, MemoryError):
        return "the memory is exhausted; close other programs and try again"
    with contextlib.suppress(OSError, TypeError):
        if shutil.disk_usage(folder).free < 1 << 20:
            return "the disk is full; free some space or choose another folder"
    return "the file on the disk is incomplete (is the disk or your quota full?)"
