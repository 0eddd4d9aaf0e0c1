"""What a user gives for fine-tuning: 3T/7T pairs, or the list of them in a CSV file."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from ...errors import InputError, PairError
from ...files.csv_tables import read_table
from ...files.foreign_kinds import refuse_missing
from ...files.mask_placement import placed_mask
from ...files.scan import Scan
from ...files.volumes import read_scan, read_spacing

COLUMNS = ("subject", "contrast", "path_3t", "path_7t")
MASK_COLUMN = "mask_3t"


@dataclass(frozen=True, eq=False)
class Pair:
    """Two scans of one head in one contrast.

    Images carry all of their geometry in their headers: whoever takes them from a scene hardens
    parent transforms first.

    Attributes:
        subject: label of the head; pairs of one subject are held out together.
        contrast: "T1w", "T2w" or any other label.
        image_3t, image_7t: SimpleITK.Image (scalar, 3-D) or path of a file or DICOM folder.
        mask_3t: brain mask that was drawn on the 3T scan (image or path), or None to skull-strip.
    """

    subject: str
    contrast: str
    image_3t: Any
    image_7t: Any
    mask_3t: Any | None = None

    @property
    def name(self) -> str:
        """How messages call the pair."""
        return " ".join(part for part in (self.subject, self.contrast) if part) or "unnamed pair"

    @property
    def file_names(self) -> tuple[str, ...]:
        """Names of the 3T's and the 7T's file; "" for what is no file."""
        return tuple(Path(one).name if isinstance(one, (str, Path)) else "" for one in (self.image_3t, self.image_7t))

    def load(self) -> tuple:
        """The pair's images, read where they are paths.

        Returns:
            (image_3t, image_7t, mask_3t): SimpleITK images; the mask may be None.

        Raises:
            InputError: a file cannot be read.
        """
        scan_3t, scan_7t = _loaded(self.image_3t), _loaded(self.image_7t)
        mask = None if self.mask_3t is None else placed_mask(_loaded(self.mask_3t, labels_allowed=True), scan_3t)
        return scan_3t.image, scan_7t.image, mask


def _loaded(source, labels_allowed=False):
    return Scan(source) if isinstance(source, sitk.Image) else read_scan(source, labels_allowed)


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


def swap_suspicion(spacing_3t: Sequence[float], spacing_7t: Sequence[float]) -> str:
    """Why the two scans look swapped, or "" when they do not.

    They do when the "7T" voxel is clearly larger than the "3T" one: then it cannot teach detail
    that the 3T lacks either.

    Args:
        spacing_3t: voxel sizes in mm, in any order of the axes.
        spacing_7t: likewise.
    """
    volume_3t, volume_7t = (s[0] * s[1] * s[2] for s in (spacing_3t, spacing_7t))
    if volume_7t <= 1.1 * volume_3t:
        return ""
    sizes = ["x".join(f"{step:.3g}" for step in spacing) for spacing in (spacing_7t, spacing_3t)]
    return (
        f"the 7T scan is coarser ({sizes[0]} mm) than the 3T scan ({sizes[1]} mm): the two may be swapped. Swap "
        "them, or, if the 3T was interpolated to a finer grid, give it at the resolution that was acquired."
    )


def _voxel_size(path):
    """Spacing by the file's header alone; None for DICOM folders and for what cannot be read here."""
    if path.is_dir():
        return None
    try:
        return read_spacing(path)
    except InputError as error:
        raise PairError(str(error)) from error
