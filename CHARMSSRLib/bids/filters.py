"""Which scans a user asks for: subjects, sessions, contrasts, and a filter file as other BIDS Apps read it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from .file_names import CONTRASTS, RAW_ENTITIES

_SHORT = {long: short for short, long in RAW_ENTITIES.items()}
_COUNTED = ("run", "echo", "inv", "chunk")
_ANY, _NONE = ("*", "Query.ANY", "Query.REQUIRED"), (None, "Query.NONE")


@dataclass(frozen=True)
class Selection:
    """What is asked for.

    Attributes:
        subjects, sessions: labels without "sub-" and "ses-"; empty for all.
        contrasts: some of CONTRASTS.
        filters: by contrast, what each entity (short key) must be: a tuple of labels, "*" (any), None (absent).
    """

    subjects: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    contrasts: tuple[str, ...] = CONTRASTS
    filters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def accepts(self, contrast: str, entities: Mapping[str, str]) -> bool:
        """Whether a scan of the chosen subjects is asked for."""
        if contrast not in self.contrasts or (self.sessions and entities.get("ses") not in self.sessions):
            return False
        for key, wanted in self.filters.get(contrast, {}).items():
            label = entities.get(key)
            if wanted is None and label is not None or wanted == "*" and label is None:
                return False
            if isinstance(wanted, tuple) and (label is None or not any(_same(key, label, one) for one in wanted)):
                return False
        return True


def _same(key: str, label: str, wanted: str) -> bool:
    """Labels are texts ("ses-1" is not "ses-01"), but runs and echoes are counted, as in other BIDS Apps."""
    return label == wanted or key in _COUNTED and label.isdigit() and wanted.isdigit() and int(label) == int(wanted)


def read_filters(path: Path) -> dict[str, dict[str, Any]]:
    """Read a filter file of the form {"t1w": {"session": "02", "acquisition": null}, ...}.

    The keys t1w, t2w and flair name the contrasts; each maps long entity names to a label, a list of
    labels, null (the entity must be absent) or "*" (any label).

    Raises:
        SettingsError: unreadable, or with a key that is not known (other programs' queries, such as "bold",
            are passed over).
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"The filter file {path} cannot be read as JSON ({error}).") from None
    if not isinstance(data, dict) or not all(isinstance(query, dict) for query in data.values()):
        raise SettingsError(f'The filter file {path} must look like {{"t1w": {{"session": "02"}}}}.')
    by_query = {contrast.lower(): contrast for contrast in CONTRASTS}
    filters: dict[str, dict[str, Any]] = {}
    for query, wanted in data.items():
        contrast = by_query.get(query.lower())
        if contrast is None:
            continue
        filters[contrast] = {}
        for name, value in wanted.items():
            if name in ("datatype", "suffix", "extension"):
                continue
            key = _SHORT.get(name, name)
            if key not in RAW_ENTITIES:
                known = ", ".join(_SHORT)
                raise SettingsError(f"The filter file {path} has an unknown entity {name!r}; known are: {known}.")
            filters[contrast][key] = _wanted(value)
    return filters


def _wanted(value: Any) -> Any:
    if value in _NONE:
        return None
    if value in _ANY:
        return "*"
    return tuple(str(one) for one in (value if isinstance(value, list) else [value]))
