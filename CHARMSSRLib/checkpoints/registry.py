"""Which checkpoints there are and what their cards say. Free of torch: the panel reads it.

A checkpoint is a pair of files: ``NAME.safetensors`` (weights only) and ``NAME.json``
(its model card). Bundled ones lie in ``checkpoints/``, the user's own outside the
installation, in ``user_checkpoint_folder()``.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

from ..errors import CheckpointError
from ..settings import AUTOMATIC, DEFAULT_CHECKPOINT
from .card_checks import fault_of

CARD_FORMAT = 1
BUNDLED_FOLDER = Path(__file__).parent
TASK = "super-resolution"  # other networks of the folder (the skull-strip's) have another task
REQUIRED_KEYS = (
    "format", "name", "task", "architecture", "scale", "intensity", "margin", "data_consistency_operator", "sha256",
)  # fmt: skip


def user_checkpoint_folder() -> Path:
    """Where the user's own checkpoints live: $CHARMSSR_HOME, else the platform's data folder."""
    home = os.environ.get("CHARMSSR_HOME")
    if home:
        return Path(home)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "charmssr"


def available_checkpoints() -> list[str]:
    """Names of all checkpoints: the bundled ones, then the user's; a user's name never shadows a bundled one."""
    names = _names_in(BUNDLED_FOLDER)
    return names + [name for name in _names_in(user_checkpoint_folder()) if name not in names]


def _names_in(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    names = []
    for card_path in sorted(folder.glob("*.json")):
        if card_path.with_suffix(".safetensors").exists():
            try:
                card = _parse_card(card_path)
            except CheckpointError:
                continue  # a damaged card is reported when its checkpoint is asked for, not while listing
            if card["task"] == TASK:
                names.append(card_path.stem)
    return names


def find_weights(name_or_path: str | Path) -> Path:
    """Path of the weights of a checkpoint, given by name or by file.

    "auto" stands for the default here, where no scan is looked at: every choice has its scale and label.

    Raises:
        CheckpointError: when there is no such checkpoint.
    """
    text = DEFAULT_CHECKPOINT if str(name_or_path) == AUTOMATIC else str(name_or_path)
    for folder in (BUNDLED_FOLDER, user_checkpoint_folder()):
        path = folder / f"{text}.safetensors"
        if os.sep not in text and _is_file(path):
            return path
    path = Path(text)
    if _is_file(path):
        return path.with_suffix(".safetensors") if path.suffix == ".json" else path
    raise CheckpointError(
        f"There is no checkpoint {text!r}. Choose one of: {', '.join(available_checkpoints()) or 'none is installed'};"
        " or give the path of a .safetensors file."
    )


def _is_file(path):
    try:
        return path.is_file()
    except OSError:  # no name that this system can hold
        return False


def read_card(name_or_path: str | Path) -> dict:
    """The model card of a checkpoint as a dict (see docs/reference/checkpoints.md for its keys).

    Raises:
        CheckpointError: when the checkpoint or its card is missing, damaged or of another format.
    """
    weights = find_weights(name_or_path)
    card_path = weights.with_suffix(".json")
    if not card_path.is_file():
        raise CheckpointError(
            f"The model card {card_path.name} is missing beside {weights.name}: copy both files of the checkpoint."
        )
    card = _parse_card(card_path)
    missing = [key for key in REQUIRED_KEYS if key not in card]
    if missing:
        raise CheckpointError(f"The model card {card_path.name} lacks {missing[0]!r}: get the checkpoint again.")
    if card["task"] != TASK:
        raise CheckpointError(f"{card_path.name} is not a super-resolution checkpoint (its task is {card['task']!r}).")
    if fault := fault_of(card):
        raise CheckpointError(
            f"The model card {card_path.name} cannot be used: {fault}. Get the checkpoint again, or update CHARMSSR."
        )
    return card


def _parse_card(card_path: Path) -> dict:
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"The model card {card_path.name} cannot be read: get the checkpoint again.") from error
    if not isinstance(card, dict) or not isinstance(card.get("task"), str):
        raise CheckpointError(f"The model card {card_path.name} is damaged: get the checkpoint again.")
    if card.get("format") != CARD_FORMAT:
        raise CheckpointError(
            f"The model card {card_path.name} has format {card.get('format')!r}; this version reads {CARD_FORMAT}:"
            " update CHARMSSR."
        )
    return card


def sha256_of(path: str | Path) -> str:
    """Hex SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def label(card: dict) -> str:
    """What the result may be called: "7T-like" only when the weights were tuned on 3T/7T pairs."""
    return "7T-like" if card.get("seen_7t") else "super-resolved"
