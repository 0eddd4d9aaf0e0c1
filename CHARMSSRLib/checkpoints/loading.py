"""Loading and saving checkpoints: weights as safetensors, the card as JSON beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from ..errors import CheckpointError, OutputError
from ..files.atomic import replacing_all
from ..network.charms import CHARMS
from .architecture import Architecture
from .registry import CARD_FORMAT, TASK, sha256_of
from .weights import Weights, read_weights


@dataclass(frozen=True)
class Checkpoint:
    """A network and what is known about it.

    Attributes:
        network: CHARMS in eval mode, float32.
        card: the model card.
    """

    network: CHARMS
    card: dict


def load_checkpoint(name_or_path: str | Path, device: str | torch.device = "cpu", denoise: int = 0) -> Checkpoint:
    """Load a checkpoint by name or by file.

    Args:
        name_or_path: a name of ``available_checkpoints()``, or the path of a .safetensors
            file with its card beside it. A .pt file is read with ``weights_only=True`` and
            needs a card too; a pickle that holds anything but weights is refused.
        device: where the network is put.
        denoise: percent of the way to the quiet weights, for checkpoints with a noise control.

    Returns:
        Checkpoint.

    Raises:
        CheckpointError: missing, damaged (SHA-256), of another architecture, or not plain weights.
    """
    return built(read_weights(name_or_path, denoise), device)


def built(weights: Weights, device: str | torch.device = "cpu") -> Checkpoint:
    """The checkpoint of weights that are read already; arguments and errors as :func:`load_checkpoint`."""
    name, card = weights.path.name, weights.card
    network = CHARMS(**asdict(Architecture.of_card(card)))
    own = network.state_dict()
    if set(own) != set(weights.arrays) or any(own[k].shape != weights.arrays[k].shape for k in own):
        raise CheckpointError(
            f"The weights {name} are of another architecture than their card says: get both files again."
        )
    network.load_state_dict({key: torch.from_numpy(array) for key, array in weights.arrays.items()})
    return Checkpoint(network.eval().to(device), card)


def save_checkpoint(network: CHARMS, card: dict, folder: str | Path, half: bool = False) -> Path:
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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing_all(path, path.with_suffix(".json")) as (partial, card_partial):
            save_file(weights, partial)
            card = {
                "format": CARD_FORMAT, "task": TASK, **card, "architecture": network.arguments, "scale": network.scale,
                "sha256": sha256_of(partial),
            }  # fmt: skip
            card_partial.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            partial.chmod(0o644)  # safetensors writes for the owner alone; an installation may be shared
    except (OSError, SafetensorError) as error:
        raise OutputError(f"The checkpoint cannot be written to {folder}: {error}. Choose another folder.") from error
    return path
