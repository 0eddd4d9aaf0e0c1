"""Which volumes a batch enhances, and what the results are called."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ..errors import InputError

_READABLE = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr", ".mnc", ".mgz", ".mgh")
_ENDING = "_charms.nii.gz"


@dataclass(frozen=True)
class Member:
    """One volume of a batch: where it comes from, where its result goes."""

    input: Path
    output: Path
    mask: Optional[Path] = None


def find_members(source, folder):
    """The volumes of a batch.

    Args:
        source: folder that is searched with its subfolders for volumes and DICOM series, or a CSV
            file with the columns input and, if wished, output and mask. Relative inputs and masks
            start at the CSV file's folder, relative outputs at ``folder``.
        folder: folder of the results. Those of a searched folder keep their place below it and get
            the ending "_charms.nii.gz".

    Returns:
        List of Member, in a stable order.

    Raises:
        InputError: nothing to do, a bad CSV, or two results of the same name.
    """
    source, folder = Path(source), Path(folder)
    if source.is_dir():
        members = _members_of_folder(source, folder)
        if not members:
            raise InputError(f"The folder {source} holds no volume ({', '.join(_READABLE)} or DICOM).")
    elif source.is_file():
        members = _members_of_table(source, folder)
        if not members:
            raise InputError(f"{source.name} lists no volume; give one per line below the heading.")
    else:
        raise InputError(f"There is no file or folder {source}; check the name.")
    _refuse_collisions(members)
    return members


def _members_of_folder(source, folder):
    from ..files.dicom_series import is_dicom

    results = folder.resolve()
    members = []
    for place, subfolders, names in os.walk(source):
        place = Path(place)
        subfolders[:] = sorted(
            name for name in subfolders if not name.startswith(".") and (place / name).resolve() != results
        )
        if place.resolve() == results:
            continue
        names = sorted(name for name in names if not name.startswith("."))
        for name in names:
            stem = _readable_stem(name)
            if stem is not None:
                members.append(Member(place / name, folder / place.relative_to(source) / f"{stem}{_ENDING}"))
        if any(is_dicom(place / name) for name in names if _readable_stem(name) is None):
            # The folder's own name serves where the series lies in the searched folder itself.
            relative = place.relative_to(source)
            name = relative.name or source.resolve().name
            members.append(Member(place, folder / relative.parent / f"{name}{_ENDING}"))
    return members


def _readable_stem(name):
    for extension in sorted(_READABLE, key=len, reverse=True):
        if name.lower().endswith(extension) and len(name) > len(extension):
            return name[: -len(extension)]
    return None


def _members_of_table(table, folder):
    try:
        with open(table, newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table.name} cannot be read as a CSV table ({error}); save it as CSV in UTF-8.") from error
    if rows and "input" not in rows[0]:
        raise InputError(f"{table.name} has no column 'input'; its first line names the columns: input, output, mask.")
    members = []
    for number, row in enumerate(rows, 2):
        source = (row.get("input") or "").strip()
        if not source:
            raise InputError(f"Line {number} of {table.name} names no input; fill it in or remove the line.")
        output = (
            row.get("output") or ""
        ).strip() or f"{_readable_stem(Path(source).name) or Path(source).name}{_ENDING}"
        mask = (row.get("mask") or "").strip()
        members.append(Member(table.parent / source, folder / output, table.parent / mask if mask else None))
    return members


def _refuse_collisions(members):
    first_with = {}
    for member in members:
        output = os.path.normcase(os.path.abspath(member.output))
        other = first_with.setdefault(output, member)
        if other is not member:
            raise InputError(
                f"{other.input} and {member.input} would both become {member.output.name}; "
                "rename one, or give a CSV table with the columns input and output."
            )
