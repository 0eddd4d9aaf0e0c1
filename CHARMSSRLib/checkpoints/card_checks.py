"""Whether a model card says what it must, in the form it must: before any work, and without torch."""

from __future__ import annotations

from typing import Any

OPERATORS = ("bicubic", "kspace")
INTENSITIES = ("minmax", "percentile")


def fault_of(card: dict) -> str:
    """What is wrong with a card of a super-resolution network, as a clause; "" where nothing is.

    Args:
        card: with all the keys that are required.
    """
    for key, fits in _RULES.items():
        if key in card and not fits(card[key]):
            return f"its {key} cannot be {_shown(card[key])}"
    stated = card["architecture"].get("scale", 2)
    if stated != card["scale"]:
        return f"it says scale {card['scale']}, its architecture {_shown(stated)}"
    return ""


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_plain_name(value: Any) -> bool:
    return _is_text(value) and value.isprintable() and not set("/\\:") & set(value)


def _is_whole(value: Any, most: float = float("inf")) -> bool:
    return type(value) is int and 0 <= value <= most


def _is_scale(value: Any) -> bool:
    return type(value) is int and value in (2, 4)


def _is_intensity(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("kind") not in INTENSITIES:
        return False
    upper = value.get("upper", 99.9)
    return type(upper) in (int, float) and 50 < upper <= 100


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_noise_control(value: Any) -> bool:
    if not value:  # null: it has none
        return value is None or value == {}
    if not isinstance(value, dict) or not _is_plain_name(value.get("weights")):  # they lie beside the card
        return False
    return _is_text(value.get("sha256")) and _is_whole(value.get("default"), 100)


# What code relies on; the rest of a card is for readers.
_RULES = {
    "name": _is_plain_name,
    "title": lambda value: isinstance(value, str),
    "summary": lambda value: isinstance(value, str),
    "sha256": _is_text,
    "architecture": lambda value: isinstance(value, dict),
    "scale": _is_scale,
    "intensity": _is_intensity,
    "margin": lambda value: _is_whole(value, 512),
    "data_consistency_operator": lambda value: isinstance(value, str) and value in OPERATORS,
    "degradations": _is_list_of_texts,
    "seen_7t": lambda value: isinstance(value, bool),
    "preliminary": lambda value: isinstance(value, bool),
    "noise_control": _is_noise_control,
}


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
