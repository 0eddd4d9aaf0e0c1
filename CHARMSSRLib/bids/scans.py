"""Finds the scans of a BIDS dataset by their entities.

A reader of our own: only sub-*/[ses-*/]anat/ has to be listed, so 100,000 scans take 1.5 s and 44 MB, where the
libraries of the field index every file of the dataset first (docs/studies/cohorts.md).
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .file_names import CONTRASTS, EXTENSIONS, RAW_ENTITIES, Name, parse_name
from .filters import Selection

_SUBJECT, _SESSION = re.compile(r"sub-([0-9a-zA-Z+]+)"), re.compile(r"ses-([0-9a-zA-Z+]+)")
_RUN = re.compile(r"_run-[0-9a-zA-Z+]+")
_MP2RAGE = ("MP2RAGE", "UNIT1")
# Words by which sites name a contrast agent in acq- where BIDS has ce- for it.
_AGENT = re.compile(r"(?i)(gad|gado|gadolinium|postgd|postcontrast|contrastenhanced|withcontrast|cet1|t1ce|gd)")


@dataclass(frozen=True)
class Scan:
    """A scan to enhance.

    Attributes:
        path: relative to the dataset, with "/" between folders.
        subject: label without "sub-". contrast: one of CONTRASTS.
    """

    path: str
    subject: str
    contrast: str


@dataclass(frozen=True)
class Note:
    """What the search has to say: a scan that is left out (and why), or, where ``refused``, what is wrong."""

    message: str
    refused: bool = False


def find_scans(dataset: Path, selection: Selection) -> tuple[list[Scan], list[Note]]:
    """The scans that are asked for, in the order of their paths, and what is to be said about the others.

    Never taken: derivatives and everything outside sub-*/[ses-*/]anat/, masks, phase images, MP2RAGE, scans
    with a contrast agent. Whether a file is 3-D is seen when it is read.
    """
    scans: list[Scan] = []
    notes: list[Note] = []
    labels = []
    for entry in _listed(dataset, notes):
        match = _SUBJECT.fullmatch(entry)
        if match:
            labels.append(match.group(1))
        elif entry.startswith("sub-") and (dataset / entry).is_dir():
            notes.append(Note(f"{entry} is left out: a subject's folder is named sub- and letters or digits.", True))
    unknown = [label for label in selection.subjects if label not in set(labels)]
    notes += [Note(f"There is no subject sub-{label} in the dataset; check the label.", True) for label in unknown]
    if not labels:
        notes.append(Note(f"{dataset} has no folder sub-*; give the folder of a BIDS dataset.", True))
    wanted = set(selection.subjects)
    sessions_seen = set()
    for label in labels:
        if wanted and label not in wanted:
            continue
        found, said = 0, len(notes)
        subject = f"sub-{label}"
        for folder, session in _anat_folders(dataset, subject, notes):
            sessions_seen.add(session)
            if selection.sessions and session not in selection.sessions:
                continue
            here = _scans_in(dataset, folder, label, session, selection, notes)
            if not here and session is not None:
                notes.append(Note(f"{folder} has no {_any_of(selection)} scan."))
            found += len(here)
            scans += here
        if not found and len(notes) == said:  # one sentence is enough
            notes.append(Note(f"{subject} has no {_any_of(selection)} scan that was asked for."))
    for session in selection.sessions:
        if session not in sessions_seen:
            notes.append(Note(f"No chosen subject has a session ses-{session}; check the label.", True))
    return scans, [*notes, *_several_runs(scans)]


def _several_runs(scans: list[Scan]) -> list[Note]:
    """One sentence for the whole dataset: a mean of runs, or the last one, may be what somebody expects."""
    runs = Counter(_RUN.sub("", scan.path) for scan in scans)
    several = [path for path, count in runs.items() if count > 1]
    if not several:
        return []
    first = next(scan.path for scan in scans if _RUN.sub("", scan.path) == several[0])
    what = "one scan" if len(several) == 1 else f"{len(several)} scans"
    examples = first if len(several) == 1 else f"{first}, ..."
    return [Note(f"There are several runs of {what} ({examples}): each is enhanced by itself.")]


def _anat_folders(dataset: Path, subject: str, notes: list[Note]) -> Iterator[tuple[str, object]]:
    """(folder of anatomical scans relative to the dataset, session label or None) of one subject."""
    names = _listed(dataset / subject, notes)
    sessions = [match.group(1) for match in map(_SESSION.fullmatch, names) if match]
    if "anat" in names:
        yield f"{subject}/anat", None
    for session in sessions:
        yield f"{subject}/ses-{session}/anat", session


def _scans_in(dataset, folder, subject, session, selection, notes) -> list[Scan]:
    scans = []
    names: dict[str, str] = {}
    for filename in _listed(dataset / folder, notes, missing_ok=True):
        if not filename.lower().endswith(EXTENSIONS) or filename.startswith("."):  # hidden: a Mac's resource forks
            continue
        name = parse_name(filename)
        path = f"{folder}/{filename}"
        if name is None:
            notes.append(Note(f"{path} has no name of BIDS and is left out.", True))
            continue
        if name.suffix in _MP2RAGE and "T1w" in selection.contrasts:
            notes.append(Note(f"{path} is left out: images of MP2RAGE have another contrast than the network knows."))
            continue
        if name.suffix + name.extension != (right := _as_bids_writes(name)):
            notes.append(Note(f"{path} is left out: BIDS writes {right} at the end of its name.", True))
            continue
        if not selection.accepts(name.suffix, name.entities):
            continue
        reason = _left_out(name) or _strange(name, subject, session)
        if reason is None and filename.partition(".")[0] in names:
            reason = f"{names[filename.partition('.')[0]]} beside it has the same name"
        if reason:
            refused = _left_out(name) is None
            notes.append(Note(f"{path} is left out: {reason}.", refused))
            continue
        names[filename.partition(".")[0]] = filename
        scans.append(Scan(path, subject, name.suffix))
    return scans


def _as_bids_writes(name: Name) -> str:
    suffix = {contrast.lower(): contrast for contrast in CONTRASTS}.get(name.suffix.lower(), name.suffix)
    return suffix + name.extension.lower()


def _left_out(name: Name):
    """Why a scan of the right contrast is none for this program; None where it is one."""
    acquisition = name.entities.get("acq", "")
    if "inv" in name.entities or "mp2rage" in acquisition.lower():
        return "images of MP2RAGE have another contrast than the network knows"
    if "ce" in name.entities:
        return f"it was taken with a contrast agent (ce-{name.entities['ce']}), which the network does not know"
    if _AGENT.fullmatch(acquisition) or _AGENT.fullmatch(name.entities.get("rec", "")):
        return f"its name (acq-{acquisition}) says that it was taken with a contrast agent"
    if name.entities.get("part", "mag") != "mag":
        return f"part-{name.entities['part']} is no magnitude image"
    return None


def _strange(name: Name, subject, session):
    """Why a name does not belong where it stands; None where it does."""
    foreign = [key for key in name.entities if key not in RAW_ENTITIES]
    if foreign:
        return f"{foreign[0]}-{name.entities[foreign[0]]} is no part of a raw scan's name (is it a derivative?)"
    if name.entities["sub"] != subject or name.entities.get("ses") != session:
        return "its name and its folder name different subjects or sessions"
    return None


def _any_of(selection: Selection) -> str:
    return " or ".join(selection.contrasts)


def _listed(folder: Path, notes: list[Note], missing_ok: bool = False) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError) as error:
        if not missing_ok:
            notes.append(Note(f"{folder} cannot be read: {error.strerror}.", True))
    except OSError as error:
        notes.append(Note(f"{folder} cannot be read: {error.strerror or error}; check its permissions.", True))
    return []
