"""Decides by ordered rules over the header what happens to a series; what matches none does not leave.

A file of rules is JSON::

    {"rules": [
      {"name": "T1 of the scanner in room 3",
       "match": {"StationName": "MR3", "SeriesDescription": ["*mprage*", "*t1*"], "EchoTime": {"most": 10}},
       "action": "enhance", "settings": {"checkpoint": "charms-x2-clinical", "planes": "acquisition"}},
      {"name": "all else", "match": {}, "action": "hold"}
    ]}

Values are compared as texts, without regard to case, with * and ? as wildcards; a list gives several, of which one has
to match; {"least": a, "most": b} compares numbers. Several values of an attribute are joined by a backslash.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ...errors import CHARMSSRError, InputError
from ...settings import EnhancementSettings
from ..derivation import MAKER

ENHANCE, HOLD = "enhance", "hold"
MINIMUM_IMAGES = 16
_LOCALISERS = ("*locali[sz]er*", "*scout*", "*survey*", "*3-pl*", "*3 plane*")
# Named in reasons; what else stands in this place may be anything.
_MODALITIES = """
AU BI BMD CR CT DOC DX ECG EEG EPS ES FID GM HC IO IVUS KO LS M3D MG NM OCT OP OPT OT PR PT PX REG RF RG RTDOSE RTIMAGE
RTPLAN RTRECORD RTSTRUCT RWV SC SEG SM SMR SR TG US XA XC
""".split()
_LOSSY_COMPRESSION = "113040"  # DCM
_NO_VALUES = ("SQ", "OB", "OW", "OB or OW", "OF", "OD", "OL", "OV", "UN")
_KEYS = {"name", "match", "action", "settings"}


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: for the record.
        match: keyword -> what its value has to be.
        action: ENHANCE or HOLD.
        settings: of the enhancement, those that differ from the node's own.
    """

    name: str
    match: dict[str, Any]
    action: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """What happens to a series, and why."""

    action: str
    reason: str
    settings: dict[str, Any] = field(default_factory=dict)


DEFAULT_RULES = (Rule("MR", {"Modality": "MR"}, ENHANCE),)


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file.

    Raises:
        InputError: no such file, no JSON, an unknown key, attribute, action or setting.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_without_repetition)
    except UnicodeDecodeError:
        raise InputError(f"The rules {path.name} are not in UTF-8; save them in that encoding.") from None
    except OSError as error:
        raise InputError(f"The rules {path} cannot be read ({error.strerror or error}).") from error
    except RecursionError:
        raise InputError(f"The rules {path.name} are no rules but a deep nest of brackets.") from None
    except ValueError as error:
        raise InputError(f"The rules {path.name} are no JSON ({error}).") from error
    if not isinstance(content, dict) or not isinstance(content.get("rules"), list) or len(content) > 1:
        raise InputError(f'The rules {path.name} must be {{"rules": [...]}} and nothing else.')
    if not content["rules"]:
        raise InputError(
            f"The rules {path.name} hold none, so nothing would be enhanced; without --rules every MR volume is."
        )
    return tuple(_rule(f"Rule {number} of {path.name}", number, one) for number, one in enumerate(content["rules"], 1))


def _rule(what: str, number: int, one: Any) -> Rule:
    if not isinstance(one, dict) or set(one) - _KEYS or not {"match", "action"} <= set(one):
        raise InputError(f"{what} needs match and action, and may have name and settings, nothing else.")
    if one["action"] not in (ENHANCE, HOLD):
        raise InputError(f"{what} has the action {one['action']!r}; use {ENHANCE} or {HOLD}.")
    if not isinstance(one["match"], dict):
        raise InputError(f"{what} must give for match the wanted values by the attributes' keywords.")
    name, settings = one.get("name", f"rule {number}"), one.get("settings", {})
    if not isinstance(name, str) or not isinstance(settings, dict):
        raise InputError(f"{what} needs a text for its name and {{...}} for its settings.")
    for keyword, wanted in one["match"].items():
        _check_keyword(what, keyword)
        _check_wanted(what, keyword, wanted)
    try:
        EnhancementSettings.from_dict(settings)
    except (CHARMSSRError, TypeError, AttributeError) as error:
        raise InputError(f"{what}: {error}") from error
    if settings.get("maps"):
        raise InputError(f"{what}: a node writes no maps; leave out that setting.")
    return Rule(name, one["match"], one["action"], settings)


def decide(headers: list[Any], rules: tuple[Rule, ...]) -> Decision:
    """What happens to a series.

    Args:
        headers: pydicom datasets of its images, without pixels.
        rules: in order; the first that matches decides.
    """
    first = headers[0]
    never = _never_enhanced(headers)
    if never:
        return Decision(HOLD, never)
    for rule in rules:
        if all(_matches(first, keyword, wanted) for keyword, wanted in rule.match.items()):
            return Decision(rule.action, f"rule: {rule.name}", rule.settings)
    return Decision(HOLD, "no rule matches")


def _never_enhanced(headers):
    """Why no rule may have a series enhanced; "" where one may."""
    first = headers[0]
    kind = [str(part).upper() for part in _values(first, "ImageType")]
    makers = [str(one.get("Manufacturer", "")) for one in first.get("ContributingEquipmentSequence") or []]
    if MAKER in makers or "CHARMS" in kind:
        return "a result of this software"
    modality = _text(first, "Modality")
    if modality != "MR":
        return f"not MR but {modality if modality in _MODALITIES else 'of unknown modality'}"
    if _text(first, "QualityControlImage").upper() == "YES":
        return "a quality control image (phantom)"
    title = _text(first, "SeriesDescription").lower()
    if "LOCALIZER" in kind or any(fnmatchcase(title, pattern) for pattern in _LOCALISERS):
        return "a localiser"
    if kind and kind[0] != "ORIGINAL" and not _only_packed_with_loss(first, kind):
        return "derived images"
    count = sum(int(one.get("NumberOfFrames") or 1) for one in headers)
    if count < MINIMUM_IMAGES:
        return f"only {count} images, too few for a volume"
    return _incomplete(headers)


def _only_packed_with_loss(header, kind):
    """Whether images are called derived because an archive packed them with loss, as the standard has it."""
    codes = {str(one.get("CodeValue", "")) for one in header.get("DerivationCodeSequence") or []}
    return _text(header, "LossyImageCompression") == "01" and kind[1:2] == ["PRIMARY"] and codes <= {_LOSSY_COMPRESSION}


def _incomplete(headers):
    """A reason where the headers themselves tell that images are missing."""
    numbers = set()
    for one in headers:
        try:
            numbers.add(int(one.InstanceNumber))
        except (AttributeError, TypeError, ValueError):
            return ""
    if len(numbers) == len(headers) > 1:
        steps = {after - before for before, after in zip(sorted(numbers), sorted(numbers)[1:])}
        if len(steps) > 1 and 1 in steps:
            return "incomplete: numbers of images are missing in between"
    return ""


def _matches(header, keyword, wanted):
    if isinstance(wanted, dict):
        try:
            value = float(_values(header, keyword)[0])
        except (IndexError, TypeError, ValueError):
            return False
        return wanted.get("least", float("-inf")) <= value <= wanted.get("most", float("inf"))
    value = _text(header, keyword).lower()
    return any(fnmatchcase(value, str(one).lower()) for one in (wanted if isinstance(wanted, list) else [wanted]))


def _without_repetition(pairs):
    """A JSON object, where none of its names stands twice: of two values one would be lost without a word."""
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{twice[0]!r} stands twice in one place; of several values make a list")
    return dict(pairs)


def _check_keyword(what, keyword):
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    if tag_for_keyword(keyword) is None:
        raise InputError(f"{what} names {keyword!r}, which is no attribute's keyword (PatientID, EchoTime ...).")
    if dictionary_VR(keyword) in _NO_VALUES:
        raise InputError(f"{what} names {keyword}, which holds no text or number that could be compared.")


def _check_wanted(what, keyword, wanted):
    if isinstance(wanted, dict) and wanted and set(wanted) <= {"least", "most"}:
        bounds = [wanted.get("least", -math.inf), wanted.get("most", math.inf)]
        if all(_is_number(value) for value in bounds) and bounds[0] <= bounds[1]:
            return
    for one in wanted if isinstance(wanted, list) and wanted else [wanted]:
        if not (isinstance(one, str) or _is_number(one)):
            raise InputError(
                f'{what} has for {keyword} no text, number, list of them or {{"least": a, "most": b}} with a up to b: '
                f"{one!r}."
            )


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)


def _values(header, keyword):
    value = header.get(keyword)
    if value is None:
        return []
    return [value] if isinstance(value, (str, int, float)) or not hasattr(value, "__iter__") else list(value)


def _text(header, keyword):
    return "\\".join(str(value) for value in _values(header, keyword)).strip()
