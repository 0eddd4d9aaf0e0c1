"""The folder of a derived series: may it be written here."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..errors import OutputError
from ..files.output_files import check_folder
from .needs import need

_OURS = re.compile(r"(IM\d+|report|map)\.dcm")


def check_series_folder(folder: Path, source: Path, overwrite: bool = False) -> None:
    """Make sure, before a long computation, that a series can be written here.

    Args:
        folder: of the series, to be made.
        source: folder of the series that is enhanced; the two must not mix.
        overwrite: whether an earlier result there may be replaced.

    Raises:
        OutputError: something else is there, it is the source's folder, or it cannot be written.
        BackendError: pydicom is missing.
    """
    need("pydicom")
    if os.path.realpath(folder) == os.path.realpath(source) or _is_inside(folder, source):
        raise OutputError(
            f"{folder} lies in the folder of the series that is enhanced, where the two would be mixed up; choose "
            "another folder."
        )
    if os.path.lexists(folder) and not folder.is_dir():
        raise OutputError(f"{folder} is a file; name a folder for the series.")
    if folder.is_dir():
        names = sorted(one.name for one in folder.iterdir())
        strange = [name for name in names if not _OURS.fullmatch(name)]
        if names and not overwrite:
            raise OutputError(f"{folder} is not empty; choose another folder, or move this one away first.")
        if strange:
            raise OutputError(f"{folder} holds {strange[0]}, which no series of ours has; choose another folder.")
    check_folder(folder.absolute().parent)


def _is_inside(folder, source):
    return Path(source).is_dir() and Path(os.path.realpath(source)) in Path(os.path.realpath(folder)).parents
