"""Reading a checkpoint's files as arrays, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, deserialize

from ..errors import CheckpointError
from .difference import added, metadata_of, parent_of
from .noise_control import share_of
from .registry import find_weights, read_card, sha256_of

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


@dataclass(frozen=True)
class Weights:
    """What the two files of a checkpoint hold.

    Attributes:
        arrays: name -> float32 array, as in the network's state dict.
        card: the model card.
        path: of the weights.
    """

    arrays: dict[str, np.ndarray]
    card: dict
    path: Path


def read_weights(name_or_path: str | Path, denoise: int = 0) -> Weights:
    """Read a checkpoint by name or by file, see ``loading.load_checkpoint`` for what may be given.

    Raises:
        CheckpointError: missing, damaged (SHA-256), or not plain weights.
    """
    path = find_weights(name_or_path)
    arrays = _read(path)  # first: a file that is no checkpoint at all says so whether it has a card or not
    card = read_card(path)
    if sha256_of(path) != card["sha256"]:
        raise CheckpointError(
            f"The weights {path.name} are damaged (their SHA-256 differs from the card's): get them again."
        )
    return Weights(blended(arrays, path, card, denoise), card, path)


def blended(arrays: dict, path: Path, card: dict, share: int) -> dict:
    """The weights ``share`` percent of the way to the quiet set that a card with a noise control names.

    Args:
        arrays: float32 arrays by name, as measured.
        path: their file; the quiet set lies beside it.
        card: their card.
        share: 0 to 100.

    Raises:
        CheckpointError: the quiet set is missing, damaged, or of another network.
        SettingsError: the card names none.
    """
    if not share_of(card, str(share)):
        return arrays
    control = card["noise_control"]
    quiet_path = path.with_name(control["weights"])
    if not quiet_path.is_file():
        raise CheckpointError(
            f"{quiet_path.name}, with which {card['name']} takes noise away, is missing beside {path.name}:"
            " get the checkpoint again, or set the noise setting to 0."
        )
    if sha256_of(quiet_path) != control["sha256"]:
        raise CheckpointError(
            f"The weights {quiet_path.name} are damaged (their SHA-256 differs from the card's): get them again."
        )
    quiet = read_safetensors(quiet_path)
    if set(quiet) != set(arrays) or any(quiet[name].shape != arrays[name].shape for name in arrays):
        raise CheckpointError(f"{quiet_path.name} belongs to another network than {path.name}: get both files again.")
    step = np.float32(share / 100)
    return {name: own + step * (quiet[name] - own) for name, own in arrays.items()}


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """The float32 arrays of a .safetensors file; of a difference (see ``difference``) its parent's with it added.

    Raises:
        CheckpointError: damaged, with something else than floating-point numbers, or a difference whose parent is
            missing or another.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        tensors = deserialize(content)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"The weights {path.name} are damaged and cannot be read: get them again.") from error
    metadata = metadata_of(content)
    if "parent" in metadata:
        return added(read_safetensors(parent_of(path, metadata)), dict(tensors), path)
    return {name: _as_float32(path, name, one) for name, one in tensors}


def _as_float32(path, name, tensor):
    data, kind = tensor["data"], tensor["dtype"]
    if kind == "BF16":  # the upper half of a float32
        values = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    elif kind in _DTYPES:
        values = np.frombuffer(data, _DTYPES[kind]).astype(np.float32)
    else:
        raise CheckpointError(f"The weights {path.name} hold {name!r} as {kind}: they are no CHARMS network.")
    return values.reshape(tensor["shape"])


def _read(path):
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    if path.suffix in (".pt", ".pth"):
        return _read_pickle(path)
    raise CheckpointError(
        f"{path.name} is not a checkpoint: weights are .safetensors files with a .json card beside them."
    )


def _read_pickle(path):
    try:
        from .pickles import read_plain_pickle
    except ImportError as error:
        raise CheckpointError(
            f"{path.name}: .pt files are read by PyTorch, which is not installed; convert it to .safetensors."
        ) from error
    return read_plain_pickle(path)
