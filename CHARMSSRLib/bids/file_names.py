"""File names of BIDS: taken apart into entities, and made for a derivative.

Source: the Brain Imaging Data Structure, version 1.11.1 (filenames; anatomy; common derivatives).
"""

import re
from pathlib import PurePosixPath
from typing import NamedTuple, Optional

CONTRASTS = ("T1w", "T2w", "FLAIR")
EXTENSIONS = (".nii.gz", ".nii")

# Entities of a raw anatomical scan, in the order of a name, with the long names of filter files.
RAW_ENTITIES = {
    "sub": "subject",
    "ses": "session",
    "task": "task",
    "acq": "acquisition",
    "ce": "ceagent",
    "rec": "reconstruction",
    "run": "run",
    "inv": "inversion",
    "echo": "echo",
    "part": "part",
    "chunk": "chunk",
}
_LABEL = re.compile(r"[0-9a-zA-Z+]+")


class Name(NamedTuple):
    """A file's name: ``entities`` by their short keys in the order of the name, suffix, extension."""

    entities: dict[str, str]
    suffix: str
    extension: str


def parse_name(filename: str) -> Optional[Name]:
    """Take a name apart; None where it is no BIDS name ("sub-01_acq-x_T1w.nii.gz" is one)."""
    stem, dot, extension = filename.partition(".")
    *pairs, suffix = stem.split("_")
    entities = {}
    for pair in pairs:
        key, dash, label = pair.partition("-")
        if not dash or not _LABEL.fullmatch(label) or key in entities:
            return None
        entities[key] = label
    if not dot or not suffix.isalnum() or "sub" not in entities:
        return None
    return Name(entities, suffix, dot + extension)


def label_of(text: str, key: str) -> str:
    """A label with or without its key: "sub-01" and "01" are both "01"."""
    return text[len(key) + 1 :] if text.startswith(f"{key}-") else text


class Outputs:
    """Where the files of one scan go, relative to the folder of the derivatives, with "/" between folders.

    Args:
        scan: path of the scan relative to the dataset, such as sub-01/anat/sub-01_T1w.nii.gz.
        scale: enlargement of the checkpoint.
        whole_head: the result holds in the head, not in the brain alone.

    Attributes:
        key: name of the scan without extension; unique in the dataset.
        resolution: label of the entity "res".
        image, sidecar, mask, mask_sidecar: of the result. The sidecar is written last: a scan is finished where it is.
        pictures: JSON file for the quality page.
        log: what happened to the scan, a line each.
    """

    def __init__(self, scan: str, scale: int, whole_head: bool = False) -> None:
        path = PurePosixPath(scan)
        self.subject = path.parts[0]
        self.folder = str(path.parent)
        self.key = path.name.partition(".")[0]
        self._entities, _, suffix = self.key.rpartition("_")
        self._suffix = suffix
        self.resolution = f"x{scale}"
        self.image, self.sidecar = self.map_files("charms")
        # T1w and T2w of one session would share a mask's name; they are no copies of each other.
        part = "head" if whole_head else "brain"
        part = part if suffix == "T1w" else f"{part}{suffix}"
        stem = f"{self.folder}/{self._entities}_res-{self.resolution}_desc-{part}_mask"
        self.mask, self.mask_sidecar = f"{stem}.nii.gz", f"{stem}.json"
        self.pictures = f"{self.subject}/figures/{self.key}_res-{self.resolution}_pictures.json"
        self.log = f"logs/{self.subject}/{self.key}_res-{self.resolution}.log"
        self.lock = f".charmssr/locks/{self.subject}/{self.key}_res-{self.resolution}"

    def map_files(self, description: str) -> tuple[str, str]:
        """Image and sidecar of a further volume on the result's grid."""
        stem = f"{self.folder}/{self._entities}_res-{self.resolution}_desc-{description}_{self._suffix}"
        return f"{stem}.nii.gz", f"{stem}.json"
