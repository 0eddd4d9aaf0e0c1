"""The list of pairs in a CSV file."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

from ...errors import InputError, PairError
from ...files.csv_tables import read_table
from ...files.foreign_kinds import refuse_missing
from ...files.volumes import read_spacing
from .pair import Pair
from .pair_checks import swap_suspicion

COLUMNS = ("subject", "contrast", "path_3t", "path_7t")
MASK_COLUMN = "mask_3t"


def read_pairs(path: str | Path) -> list[Pair]:
    """Read a list of pairs.

    Args:
        path: table (commas, semicolons or tabs between the fields) with the columns subject, contrast,
            path_3t, path_7t and, where wanted, mask_3t. Relative paths start at the table's folder.
            Further columns and empty lines are passed over.

    Returns:
        list of Pair, with absolute paths.

    Raises:
        PairError: no such file, not CSV, a column missing, no row, an empty field, a volume that
            does not exist, one file as both scans, a row or a scan given twice, or a "7T" with
            larger voxels than its "3T". Messages name the line.
    """
    path = Path(path)
    try:
        columns, rows = read_table(path)
    except OSError as error:
        raise PairError(f"The list of pairs {path} cannot be read: {error.strerror}. Check the name.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise PairError(f"The list of pairs {path} is no CSV text: save it as CSV in UTF-8.") from error
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise PairError(
            f"The list of pairs {path.name} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
            f"its first line must name the columns {','.join(COLUMNS)} (and {MASK_COLUMN} where there are masks)."
        )
    pairs: list[Pair] = []
    seen: dict[Any, Any] = {}
    for line, fields in rows:
        pairs.append(_pair_of(fields, path, line, seen))
    if not pairs:
        raise PairError(f"The list of pairs {path.name} holds no pair; add a line for each pair below the first.")
    return pairs


def _pair_of(fields, path, line, seen):
    where = f"{path.name}, line {line}"
    empty = [name for name in COLUMNS if not fields.get(name)]
    if empty:
        raise PairError(f"{where}: the field {empty[0]} is empty; fill it in.")
    files = {name: _existing(fields[name], path.parent, f"{where}: {name}") for name in ("path_3t", "path_7t")}
    mask = fields.get(MASK_COLUMN)
    mask = _existing(mask, path.parent, f"{where}: {MASK_COLUMN}") if mask else None
    if files["path_3t"].resolve() == files["path_7t"].resolve():
        raise PairError(f"{where}: path_3t and path_7t name the same file; give two different scans.")
    for key, what in [((fields["subject"], fields["contrast"]), f"{fields['subject']} {fields['contrast']}")] + [
        (file.resolve(), file.name) for file in files.values()
    ]:
        if key in seen:
            raise PairError(f"{where}: {what} stands in line {seen[key]} already; give each pair and scan once.")
        seen[key] = line
    sizes = [_voxel_size(file) for file in files.values()]
    if None not in sizes:
        reason = swap_suspicion(*sizes)
        if reason:
            raise PairError(f"{where}: {reason}")
    return Pair(fields["subject"], fields["contrast"], files["path_3t"], files["path_7t"], mask)


def _existing(text, folder, where):
    file = Path(text).expanduser()
    # A link keeps its name: what it leads to (git-annex) may have one without an ending.
    file = Path(os.path.abspath(file if file.is_absolute() else folder / file))
    if not file.exists():
        if file.is_symlink():
            try:
                refuse_missing(file)
            except InputError as error:
                raise PairError(f"{where}: {error}") from None
        raise PairError(f"{where}: there is no file {file}; relative paths start at the folder of the list.")
    return file


def _voxel_size(path):
    """Spacing by the file's header alone; None for DICOM folders and for what cannot be read here."""
    if path.is_dir():
        return None
    try:
        return read_spacing(path)
    except InputError as error:
        raise PairError(str(error)) from error
