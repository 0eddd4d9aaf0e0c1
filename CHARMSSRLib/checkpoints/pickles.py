"""Reading a .pt file of plain weights: nothing but tensors is ever unpickled."""

from __future__ import annotations

from pathlib import Path

import torch

from ..errors import CheckpointError


def read_plain_pickle(path: Path) -> dict:
    """Name -> float32 array.

    Raises:
        CheckpointError: damaged, or with more than plain weights.
    """
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
    return {name: tensor.float().numpy() for name, tensor in weights.items()}
