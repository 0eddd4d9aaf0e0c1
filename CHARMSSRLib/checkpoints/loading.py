"""Loading and saving checkpoints: weights as safetensors, the card as JSON beside it."""

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ..errors import CheckpointError, OutputError
from ..network.charms import CHARMS
from .registry import CARD_FORMAT, TASK, find_weights, read_card, sha256_of


@dataclass(frozen=True)
class Checkpoint:
    """A network and what is known about it.

    Attributes:
        network: CHARMS in eval mode, float32.
        card: the model card.
    """

    network: CHARMS
    card: dict


def load_checkpoint(name_or_path, device="cpu"):
    """Load a checkpoint by name or by file.

    Args:
        name_or_path: a name of ``available_checkpoints()``, or the path of a .safetensors
            file with its card beside it. A .pt file is read with ``weights_only=True`` and
            needs a card too; a pickle that holds anything but weights is refused.
        device: where the network is put.

    Returns:
        Checkpoint.

    Raises:
        CheckpointError: missing, damaged (SHA-256), of another architecture, or not plain weights.
    """
    path = find_weights(name_or_path)
    weights = _read_weights(path)  # first: a file that is no checkpoint at all says so whether it has a card or not
    card = read_card(path)
    if sha256_of(path) != card["sha256"]:
        raise CheckpointError(
            f"The weights {path.name} are damaged (their SHA-256 differs from the card's): get them again."
        )
    try:
        network = CHARMS(**card["architecture"])
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"The card of {path.name} describes a network that this version cannot build: {error}."
        ) from error
    own = network.state_dict()
    if set(own) != set(weights) or any(own[k].shape != weights[k].shape for k in own):
        raise CheckpointError(
            f"The weights {path.name} are of another architecture than their card says: get both files again."
        )
    network.load_state_dict({k: v.float() for k, v in weights.items()})
    return Checkpoint(network.eval().to(device), card)


def _read_weights(path):
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except (SafetensorError, OSError, ValueError) as error:
            raise CheckpointError(f"The weights {path.name} are damaged and cannot be read: get them again.") from error
    if path.suffix in (".pt", ".pth"):
        return _read_plain_pickle(path)
    raise CheckpointError(
        f"{path.name} is not a checkpoint: weights are .safetensors files with a .json card beside them."
    )


def _read_plain_pickle(path):
    # Before 2.6, weights_only could be made to run code (CVE-2025-32434).
    if tuple(int(n) for n in torch.__version__.split("+")[0].split(".")[:2]) < (2, 6):
        raise CheckpointError(f"{path.name}: .pt files are read from PyTorch 2.6 on only; convert it to .safetensors.")
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a bad file; each means the same to the user
        raise CheckpointError(
            f"{path.name} is damaged or holds more than plain weights and was not opened: convert it to .safetensors."
        ) from error
    if not isinstance(weights, dict) or not all(isinstance(v, torch.Tensor) for v in weights.values()):
        raise CheckpointError(
            f"{path.name} does not hold plain weights (names and tensors): convert it to .safetensors."
        )
    return weights


def save_checkpoint(network, card, folder, half=False):
    """Write NAME.safetensors and NAME.json; each appears only when complete.

    Args:
        network: CHARMS; its constructor arguments go into the card.
        card: what is known about it; "name" is required. Architecture, scale, task,
            format and SHA-256 are filled in here.
        folder: where to; made if missing.
        half: store float16 (bundled weights, where it costs less than 0.01 dB).

    Returns:
        Path of the weights.

    Raises:
        OutputError: when the folder cannot be written.
    """
    folder = Path(folder)
    path = folder / f"{card['name']}.safetensors"
    kind = torch.float16 if half else torch.float32
    weights = {k: v.detach().cpu().to(kind).contiguous() for k, v in network.state_dict().items()}
    partial = path.with_name(path.name + ".partial")
    card_partial = path.with_name(path.stem + ".json.partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(weights, partial)
        card = {
            "format": CARD_FORMAT, "task": TASK, **card, "architecture": network.arguments, "scale": network.scale,
            "sha256": sha256_of(partial),
        }  # fmt: skip
        card_partial.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.chmod(0o644)  # safetensors writes for the owner alone; an installation may be shared
        os.replace(partial, path)
        os.replace(card_partial, path.with_suffix(".json"))
    except (OSError, SafetensorError) as error:
        for remnant in (partial, card_partial):
            with contextlib.suppress(OSError):
                remnant.unlink()
        raise OutputError(f"The checkpoint cannot be written to {folder}: {error}. Choose another folder.") from error
    return path
