"""Which volumes a batch enhances, and what the results are called."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import InputError

_READABLE = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr", ".mnc", ".mgz", ".mgh")
_MARK = "_charms"
_ENDING = f"{_MARK}.nii.gz"


@dataclass(frozen=True)
class Member:
    """One volume of a batch: where it comes from, where its result goes.

    Attributes:
        input: volume file, or folder that holds a DICOM series.
        output: volume file, or folder of a DICOM series.
        mask: mask file.
        series: identifier of the DICOM series, where its folder may hold several.
    """

    input: Path
    output: Path
    mask: Path | None = None
    series: str = ""


def find_members(source: Path, folder: Path, notes: list[str] | None = None, as_series: bool = False) -> list:
    """The volumes of a batch.

    Args:
        source: folder that is searched with its subfolders (links are followed) for volumes and
            DICOM series, or a CSV file with the columns input and, if wished, output and mask.
            Relative inputs and masks start at the CSV file's folder, relative outputs at ``folder``.
        folder: folder of the results. Those of a searched folder keep their place below it and get
            the ending "_charms.nii.gz".
        notes: list that takes sentences about what was left out, if given.
        as_series: whether results are folders of DICOM series (ending "_charms"); of a searched folder only DICOM
            series are members then.

    Returns:
        List of Member, in a stable order.

    Raises:
        InputError: nothing to do, a bad CSV, or a table with two results of the same name.
    """
    source, folder = Path(source), Path(folder)
    notes = notes if notes is not None else []
    if source.is_dir():
        members = _members_of_folder(source, folder, notes, as_series)
        if not members:
            _refuse_empty(source, as_series)
    elif source.is_file():
        members = _members_of_table(source, folder, as_series)
        if not members:
            raise InputError(f"{source.name} lists no volume; give one per line below the heading.")
        _refuse_collisions(members)
    else:
        from ..files.foreign_kinds import refuse_missing

        refuse_missing(source)
    return members


def base_of(output: Path) -> str:
    """What reports and maps of a result are called after: its name without the extension of a volume."""
    from ..files.volume_writer import volume_extension, volume_stem

    return volume_stem(output) if volume_extension(output) else output.name


def _refuse_empty(source, as_series):
    from ..files.absent_files import absence, absent_below

    absent = absent_below(source)
    wanted = "DICOM series of MR images" if as_series else f"volume ({', '.join(_READABLE)} or DICOM)"
    raise InputError(
        absence(source, absent) if absent else f"The folder {source} holds no {wanted} that could be enhanced."
    )


def _members_of_folder(source: Path, folder: Path, notes: list[str], as_series: bool) -> list[Member]:
    from ..files.dicom_header import is_dicom
    from ..files.walk import folders_below

    results = folder.resolve()
    members, dicom, earlier, volumes = [], [], 0, 0
    for place, names in folders_below(source):
        real = place.resolve()
        if results != source.resolve() and (results == real or results in real.parents):
            continue
        for name in names:
            stem = _readable_stem(name)
            if stem is not None:
                if _is_own_result(place / name):
                    earlier += 1
                elif as_series:
                    volumes += 1
                else:
                    relative = place.relative_to(source)
                    members.append(Member(place / name, folder / relative / f"{stem}{_ENDING}"))
            elif is_dicom(place / name):
                dicom.append(place / name)
    if earlier:
        notes.append(f"{earlier} results of this program were left out")
    if volumes:
        several = "s" if volumes > 1 else ""
        notes.append(f"left out: {volumes} volume file{several}; only DICOM series can become DICOM series")
    ending = _MARK if as_series else _ENDING
    return _with_names_of_their_own(members + _members_of_dicom(dicom, source, folder, notes, ending), ending)


def _members_of_dicom(paths: Sequence[Path], source: Path, folder: Path, notes: list[str], ending: str) -> list[Member]:
    """One member for each series, wherever its files lie; a damaged file stands for its folder."""
    from ..files.dicom_frames import read_frames
    from ..files.dicom_series import series_from
    from ..scan_limits import MINIMUM_SLICES

    frames, damaged = [], []
    for path in paths:
        try:
            frames += read_frames(path)
        except InputError:
            damaged.append(path.parent)
    series = series_from(frames)
    own = [one for one in series if one.is_own_result]
    if own:
        notes.append(f"left out: {len(own)} DICOM series that this program made")
        series = [one for one in series if one not in own]
    large = [one for one in series if len(one.frames) >= MINIMUM_SLICES]
    if large:
        notes += [f"left out: {one.describe(source)}" for one in series if one not in large]
    members = []
    for one in large or series:
        place = Path(os.path.commonpath([path.parent for path in one.files]))
        if place not in damaged:
            # A single multi-frame file is read as such: its folder may hold others.
            lone = one.files[0] if len(one.files) == 1 and len(one.frames) > 1 else None
            uid = "" if one.split or lone else one.frames[0].series
            members.append((lone or place, place, one.frames[0].number, uid))
    members += [(place, place, "", "") for place in dict.fromkeys(damaged)]
    shared = Counter(place for _, place, _, _ in members)
    found = []
    for path, place, number, uid in members:
        # The folder's own name serves where the series lies in the searched folder itself.
        relative = place.relative_to(source)
        name = relative.name or source.resolve().name
        name = f"{name}_s{number or 0}" if shared[place] > 1 else name
        found.append(Member(path, folder / relative.parent / f"{name}{ending}", series=uid))
    return found


def _with_names_of_their_own(members: Sequence[Member], ending: str) -> list[Member]:
    """Members of equal names get the whole name of their file, and a number where that is not enough."""
    counts = Counter(_key(member.output) for member in members)
    named, taken = [], set()
    for member in members:
        output = member.output
        is_file = _readable_stem(member.input.name) is not None
        if counts[_key(output)] > 1 and is_file and not member.input.name.lower().endswith(".nii.gz"):
            output = output.with_name(f"{member.input.name}{ending}")
        number = 2
        while _key(output) in taken:
            output = member.output.with_name(f"{member.output.name[: -len(ending)]}-{number}{ending}")
            number += 1
        taken.add(_key(output))
        named.append(replace(member, output=output))
    return named


def _is_own_result(path: Path) -> bool:
    """Whether a NIfTI file says that this program wrote it."""
    from ..files.header_checks import first_bytes
    from ..files.nifti_header import parse_nifti

    if not path.name.lower().endswith((".nii", ".nii.gz")):
        return False
    try:
        header = parse_nifti(path, first_bytes(path))
    except InputError:
        return False
    return header is not None and header.get("description", b"").startswith(b"CHARMSSR ")


def _readable_stem(name):
    for extension in sorted(_READABLE, key=len, reverse=True):
        if name.lower().endswith(extension) and len(name) > len(extension):
            return name[: -len(extension)]
    return None


def _members_of_table(table, folder, as_series):
    from ..files.csv_tables import read_table
    from ..files.volume_writer import volume_extension

    try:
        columns, rows = read_table(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table.name} cannot be read as a CSV table ({error}); save it as CSV in UTF-8.") from error
    if rows and "input" not in columns:
        raise InputError(f"{table.name} has no column 'input'; its first line names the columns: input, output, mask.")
    members = []
    for number, row in rows:
        source = row.get("input", "")
        if not source:
            raise InputError(f"Line {number} of {table.name} names no input; fill it in or remove the line.")
        ending = _MARK if as_series else _ENDING
        output = row.get("output") or f"{_readable_stem(Path(source).name) or Path(source).name}{ending}"
        if as_series and volume_extension(output):
            raise InputError(
                f"Line {number} of {table.name} names {output} as output, where a DICOM series needs a folder; leave "
                "out the extension, or --output-format dicom."
            )
        mask = row.get("mask", "")
        members.append(Member(table.parent / source, folder / output, table.parent / mask if mask else None))
    return members


def _refuse_collisions(members):
    first_with = {}
    for member in members:
        other = first_with.setdefault(_key(member.output), member)
        if other is not member and other == member:
            raise InputError(f"The table lists {member.input} twice; remove one of the lines.")
        if other is not member:
            raise InputError(
                f"{other.input} and {member.input} would both become {member.output.name}; "
                "rename one, or give a CSV table with the columns input and output."
            )


def _key(output):
    """Results of equal keys would share a name, or the name of their reports and maps."""
    return os.path.normcase(os.path.abspath(output.with_name(base_of(output))))
