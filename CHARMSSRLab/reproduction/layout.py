"""A CSV file that says where scans lie: the way out where their names follow no known layout.

Columns set (ixi, hcp, ptt1, ptt2), subject, contrast (T1w, T2w), path and, for ptt1 and ptt2, field
(3 or 7). Relative paths start at the file's folder. A set that is listed is taken from the list alone.
"""

import csv
from pathlib import Path

from CHARMSSRLib.errors import InputError

from .found import CONTRASTS, Found, Scan, add_complete
from .paired import NAMES as PAIRED
from .paired import add_pairs

SETS = {"ixi": "IXI", "hcp": "HCP", **PAIRED}
COLUMNS = ("set", "subject", "contrast", "path")
FIELD = "field"


def read_layout(path, contrasts):
    """The sets that a layout file describes.

    Returns:
        dict key -> Found.

    Raises:
        InputError: the file cannot be read, lacks a column, or has a wrong value; the line is named.
    """
    path = Path(path)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = [(reader.line_num, {k: (v or "").strip() for k, v in row.items() if k}) for row in reader]
            columns = reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The layout {path} cannot be read: give a CSV file in UTF-8.") from error
    missing = [name for name in COLUMNS if name not in columns]
    if missing or not rows:
        problem = f"lacks the column {missing[0]}" if missing else "has no row"
        raise InputError(
            f"The layout {path.name} {problem}; its columns are {', '.join(COLUMNS)} and, for pairs, field."
        )
    scans = {}
    for line, row in rows:
        if any(row.values()):
            scans.setdefault(row["set"].lower(), []).append(_scan_of(row, path, line))
    found = {}
    for key, own in scans.items():
        found[key] = Found(key, SETS[key], path.parent, f"as {path.name} says")
        own = [scan for scan in own if scan.contrast in contrasts]
        if key in PAIRED:
            add_pairs(found[key], own, path.parent)
        else:
            by_subject = {}
            for scan in own:
                by_subject.setdefault(scan.subject, {})[scan.contrast] = scan
            add_complete(found[key], by_subject, contrasts)
    return found


def _scan_of(row, path, line):
    where = f"{path.name}, line {line}"
    key = row["set"].lower()
    if key not in SETS:
        raise InputError(f"{where}: there is no set {row['set']!r}; use one of: {', '.join(SETS)}.")
    if row["contrast"] not in CONTRASTS or not row["subject"]:
        raise InputError(f"{where}: give a subject, and the contrast as one of: {', '.join(CONTRASTS)}.")
    tesla = row.get(FIELD, "").upper().rstrip("T").strip()
    if key in PAIRED and tesla not in ("3", "7", "3.0", "7.0"):
        raise InputError(f"{where}: the field of a scan of a pair is 3 or 7, not {row.get(FIELD, '')!r}.")
    try:
        field = float(tesla) if tesla else None
    except ValueError as error:
        raise InputError(f"{where}: the field {row[FIELD]!r} is no number of tesla.") from error
    file = Path(row["path"]).expanduser()
    file = file if file.is_absolute() else path.parent / file
    if not row["path"] or not file.is_file():
        raise InputError(f"{where}: there is no file {file}; relative paths start at the folder of the layout.")
    return Scan(row["subject"], row["contrast"], field, file)
