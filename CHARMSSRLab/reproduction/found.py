"""What a recipe finds in a folder: scans, subjects that lack one, and what a reader must know."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

import SimpleITK as sitk

from CHARMSSRLib.errors import InputError
from CHARMSSRLib.files.native_messages import native_messages_hidden

CONTRASTS = ("T1w", "T2w")
VOLUME_ENDINGS = (".nii", ".nii.gz")
ARCHIVES = (".tar", ".tgz", ".tar.gz", ".zip", ".7z")
SHOWN = 6  # entries of a folder that a message names
SMALLEST = 16  # voxels along an axis; ``enhance`` refuses less


@dataclass(frozen=True)
class Scan:
    """One volume of a data set.

    Attributes:
        subject: its label in the tables. contrast: "T1w" or "T2w".
        field: tesla, or None where nothing tells it.
        path: Path of the file.
        size: voxels along x, y, z. spacing: mm along x, y, z.
        stripped: whether the skull was removed by whoever distributes it.
    """

    subject: str
    contrast: str
    field: Optional[float]
    path: Path
    size: tuple = ()
    spacing: tuple = ()
    stripped: bool = False


@dataclass
class Found:
    """A data set as it lies in a folder.

    Attributes:
        key: name of its option ("ixi"). name: in tables ("IXI"). folder: Path that was searched.
        layout: how it is laid out, in words.
        scans: Scan of complete subjects, by subject, contrast and field.
        left_out: list of (what, reason).
        notes: sentences for the reader.
    """

    key: str
    name: str
    folder: Path
    layout: str
    scans: list = field(default_factory=list)
    left_out: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    @property
    def subjects(self):
        """Labels of the complete subjects, sorted."""
        return sorted({scan.subject for scan in self.scans})

    def of(self, contrast):
        """The scans of one contrast."""
        return [scan for scan in self.scans if scan.contrast == contrast]


def add_complete(found, candidates, contrasts):
    """Take the subjects that have a readable scan of every contrast; list the others.

    Args:
        found: Found, filled here.
        candidates: dict subject -> contrast -> Scan (without size and spacing).
        contrasts: those that are wanted.
    """
    for subject in sorted(candidates):
        own, missing = candidates[subject], [one for one in contrasts if one not in candidates[subject]]
        if missing:
            found.left_out.append((subject, f"no {' and no '.join(missing)} scan"))
            continue
        try:
            found.scans += [with_header(own[contrast]) for contrast in contrasts]
        except InputError as error:
            found.left_out.append((subject, str(error)))


def with_header(scan):
    """The scan with the size and spacing of its file's header.

    Raises:
        InputError: it cannot be read or is no volume.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(scan.path))
    try:
        with native_messages_hidden():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise InputError(f"{scan.path.name} cannot be read: it is damaged or was not downloaded completely") from error
    size, spacing = reader.GetSize(), reader.GetSpacing()
    if reader.GetDimension() < 3 or min(size[:3]) < SMALLEST or any(more > 1 for more in size[3:]):
        raise InputError(f"{scan.path.name} is no single volume ({' x '.join(map(str, size))} voxels)")
    return Scan(
        scan.subject, scan.contrast, scan.field, scan.path, tuple(size[:3]),
        tuple(round(float(step), 4) for step in spacing[:3]), scan.stripped,
    )  # fmt: skip


def volumes_below(folder, passed_over=()):
    """Paths of all NIfTI files below a folder, sorted; hidden ones and folders named in ``passed_over`` are not."""
    files = []
    for where, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(one for one in folders if not one.startswith(".") and not _named(one, passed_over))
        files += [
            Path(where, name) for name in sorted(names) if name.endswith(VOLUME_ENDINGS) and not name.startswith(".")
        ]
    return files


def _named(folder, patterns):
    return any(folder == one or (one.endswith("*") and folder.startswith(one[:-1])) for one in patterns)


def check_readable(folder, option):
    """Refuse a folder that is not there.

    Raises:
        InputError: it is missing, or no folder.
    """
    if not Path(folder).is_dir():
        raise InputError(f"{option}: there is no folder {folder}; give the folder into which the set was unpacked.")


def nothing_found(folder, name, looked_for):
    """The InputError for a folder without a set's files: what was looked for and what is there."""
    entries = sorted(Path(folder).iterdir())
    shown = ", ".join(one.name + ("/" if one.is_dir() else "") for one in entries[:SHOWN])
    more = f" and {len(entries) - SHOWN} more" if len(entries) > SHOWN else ""
    packed = [one.name for one in entries if one.name.lower().endswith(ARCHIVES)]
    hint = f" Unpack {packed[0]} first." if packed else " --layout FILE.csv tells where scans of other names lie."
    return InputError(
        f"{folder} holds no scans of {name}: looked for {looked_for}, at any depth. The folder holds:"
        f" {shown + more or 'nothing'}.{hint}"
    )
