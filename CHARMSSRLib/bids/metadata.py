"""What sidecars say about a raw scan: BIDS lets one JSON file speak for all files below it."""

import json
import os
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import InputError
from .file_names import parse_name

# The field of BIDS, and those that converters write into sidecars besides.
_AGENT_FIELDS = ("ContrastBolusIngredient", "ContrastBolusAgent")


class Metadata:
    """Reads the fields that apply to a scan, from the general sidecar to the special one.

    The dataset's own folder, which may hold 100,000 subjects, is listed once.
    """

    def __init__(self, dataset: Path) -> None:
        self._dataset = dataset
        self._at_root = _sidecars(dataset)

    def of(self, scan: str) -> dict[str, Any]:
        """All fields that apply to a scan (path relative to the dataset)."""
        path = PurePosixPath(scan)
        name = parse_name(path.name)
        fields: dict[str, Any] = {}
        if name is None:
            return fields
        folders = [parent for parent in reversed(path.parents) if str(parent) != "."]
        for place, names in [
            (PurePosixPath("."), self._at_root),
            *((f, _sidecars(self._dataset / f)) for f in folders),
        ]:
            applying = []
            for candidate in names:
                stem = candidate[: -len(".json")]
                # At the top a sidecar may lack the subject: it then speaks for all.
                parsed = parse_name(candidate if "sub-" in stem else f"sub-{name.entities['sub']}_{candidate}")
                if parsed and parsed.suffix == name.suffix and parsed.entities.items() <= name.entities.items():
                    applying.append((len(parsed.entities), candidate))
            for _, candidate in sorted(applying):
                fields.update(_read(self._dataset / place / candidate))
        return fields


def refuse_contrast_agent(fields: dict[str, Any]) -> None:
    """Refuse a scan whose sidecar names a contrast agent.

    Raises:
        InputError: it does.
    """
    for field in _AGENT_FIELDS:
        agent = fields.get(field)
        if isinstance(agent, str) and agent.strip().upper() not in ("", "NONE", "NO", "N/A"):
            raise InputError(f"Its sidecar says that it was taken with a contrast agent ({agent}); it is not enhanced.")


def _sidecars(folder: Path) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    except OSError:
        return []


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
