"""Is a scan finished, and with what? The answer stands in the sidecar of its result."""

import json
import os
from dataclasses import asdict
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional

from ..errors import CHARMSSRError, InputError
from ..settings import AUTOMATIC, MACHINE, EnhancementSettings
from ..settings_table import settings_of
from .file_names import Outputs
from .shared_folder import names_now, read_now

SECTION = "CHARMSSR"
# What a result does not depend on beyond rounding: another machine may go on with a dataset.
_MACHINE_SETTINGS = {name for name, (one, _) in settings_of(EnhancementSettings).items() if one.group == MACHINE}


class State(Enum):
    """Of a scan in the output folder."""

    TO_DO = "to do"
    DONE = "done"
    CHANGED = "changed"


def wanted_settings(settings: EnhancementSettings) -> dict[str, Any]:
    """The settings that a result depends on; the checkpoint counts by its hash."""
    return {name: value for name, value in asdict(settings).items() if name not in {*_MACHINE_SETTINGS, "checkpoint"}}


def input_stamp(path: Path) -> dict[str, Any]:
    """What identifies the content of an input: hash, and size and time for a quick look.

    Raises:
        InputError: it is not there (a link of a dataset whose content was not fetched, say) or cannot be read.
    """
    from ..checkpoints.registry import sha256_of

    try:
        status = path.stat()
        return {"sha256": sha256_of(path), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    except FileNotFoundError:
        if path.is_symlink():
            raise InputError(
                f"{path} is a link to content that is not there; fetch it first (datalad get, git annex get)."
            ) from None
        raise InputError(f"{path} has gone; check the dataset.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}; check its permissions.") from None


_DEFAULTS = wanted_settings(EnhancementSettings())


class Finished:
    """Looks at results in the output folder; every folder is listed once, however many scans it holds.

    Args:
        dataset: folder of the raw dataset.
        output: folder of the derivatives.
        settings: of this run.
        checkpoint_sha256: of its weights.
        verify: compare hashes of inputs even where size and time agree.
    """

    def __init__(
        self, dataset: Path, output: Path, settings: EnhancementSettings, checkpoint_sha256: str, verify: bool = False
    ) -> None:
        self._dataset, self._output, self._verify = dataset, output, verify
        self._settings, self._checkpoint = wanted_settings(settings), checkpoint_sha256
        self._chosen_by_scan = settings.checkpoint == AUTOMATIC
        self._folder = ""
        self._names: set[str] = set()

    def state(self, scan: str, outputs: Outputs, fresh: bool = False) -> tuple[State, str]:
        """State and, where it changed, one clause that says what did.

        Args:
            scan: path relative to the dataset.
            outputs: paths of a scan's results.
            fresh: list the folder anew, whatever a network file system remembers (under the scan's lock).
        """
        names = self._listed(outputs.folder, fresh)
        if _base(outputs.sidecar) not in names or _base(outputs.image) not in names:
            return State.TO_DO, ""
        record = read_record(self._output / outputs.sidecar)
        if record is None:
            return State.CHANGED, "its sidecar is not of this program"
        if record["checkpoint"] != self._checkpoint and not (self._chosen_by_scan and _is_present_choice(record)):
            return State.CHANGED, "it was made with other weights"
        # A setting that an older version did not have was at what is the default now.
        made_with = {**_DEFAULTS, **record["settings"]}
        different = sorted(name for name, value in self._settings.items() if made_with[name] != value)
        if different:
            return State.CHANGED, f"it was made with another setting of {different[0].replace('_', ' ')}"
        stamp = record["input"]
        path = self._dataset / scan
        try:
            status = path.stat()
        except OSError:
            return State.DONE, ""  # a result outlives its input (content that was dropped to save room)
        same = (status.st_size, status.st_mtime_ns) == (stamp.get("size"), stamp.get("mtime_ns"))
        if not same or self._verify:
            if status.st_size != stamp.get("size") or input_stamp(path)["sha256"] != stamp["sha256"]:
                return State.CHANGED, "its input has changed since"
        return State.DONE, ""

    def _listed(self, folder: str, fresh: bool) -> set[str]:
        if fresh or folder != self._folder:
            self._names = names_now(self._output / folder, self._output) if fresh else _names_in(self._output / folder)
            self._folder = folder
        return self._names


def read_record(sidecar: Path) -> Optional[dict[str, Any]]:
    """What a result was made from and with ("input", "settings", "checkpoint", "report"); None where it is not ours."""
    try:
        section = json.loads(read_now(sidecar))[SECTION]
        made = section["MadeFrom"]
        record = {
            "input": dict(made["Input"]),
            "settings": dict(made["Settings"]),
            "checkpoint": made["CheckpointSHA256"],
            "report": dict(section["Report"]),
        }
        record["input"]["sha256"]
        return record
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_present_choice(record: dict[str, Any]) -> bool:
    """Whether a result was made with what its scan chose ("checkpoint auto"), and these weights are still the same."""
    checkpoint = record["report"].get("checkpoint", {})
    return "chosen" in checkpoint and _present_sha256(str(checkpoint.get("name"))) == record["checkpoint"]


@lru_cache
def _present_sha256(name: str) -> str:
    from ..checkpoints.registry import find_weights, sha256_of

    try:
        return sha256_of(find_weights(name))
    except CHARMSSRError:
        return ""


def _names_in(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def _base(path: str) -> str:
    return path.rpartition("/")[2]
