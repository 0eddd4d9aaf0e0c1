"""Finished parts of an experiment: each is done once, and again only when what it was made of changed."""

import hashlib
import json
from pathlib import Path

from CHARMSSRLib.files.atomic import replacing
from CHARMSSRLib.files.output_files import plain


def fingerprint(**made_of):
    """A text that changes whenever one of the named, JSON-able values does."""
    return hashlib.sha256(json.dumps(plain(made_of), sort_keys=True, default=str).encode()).hexdigest()


def state_of(path):
    """What tells a file from another version of itself: path, size, time of change."""
    about = Path(path).stat()
    return [str(Path(path).resolve()), about.st_size, about.st_mtime_ns]


def read_part(path, made_of):
    """The result of a finished part, or None when it is not there or was made of something else."""
    try:
        part = json.loads(Path(path).read_text(encoding="utf-8"))
        return part["result"] if part["made_of"] == made_of else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_part(path, made_of, result):
    """Keep the result (JSON-able) of a finished part; the file appears only when complete."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_text(json.dumps({"made_of": made_of, "result": plain(result)}), encoding="utf-8")
