"""Identifiers that are the same each time the same result is made, so that sending it twice makes no duplicate.

Source: DICOM PS3.5, B.2 (identifiers below 2.25 from 128 bits).
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

# Of files and of associations.
IMPLEMENTATION_UID = "2.25.224470986799530544656203534059254629589"
# May differ without the result being another one (beyond rounding).
MACHINE_SETTINGS = ("device", "precision", "batch", "engine", "threads")
_VALID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")


def uid_from(*parts: Any) -> str:
    """An identifier made from anything that JSON can hold."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False)
    number = bytearray(hashlib.sha256(text.encode("utf-8")).digest()[:16])
    # The bits that mark a UUID of the kind "made from a name".
    number[6] = number[6] & 0x0F | 0x80
    number[8] = number[8] & 0x3F | 0x80
    return f"2.25.{int.from_bytes(number, 'big')}"


def is_uid(text: str) -> bool:
    """Whether a text is an identifier by the letter: at most 64 characters, numbers without leading zeros, dots."""
    return len(text) <= 64 and _VALID.fullmatch(text) is not None


def settings_that_count(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings on which a result depends beyond rounding."""
    return {name: value for name, value in settings.items() if name not in MACHINE_SETTINGS and name != "maps"}
