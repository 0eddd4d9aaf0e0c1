"""A checkpoint in the hands of an engine."""

from __future__ import annotations

from pathlib import Path

from ..checkpoints.weights import read_weights
from .interface import Model


def load_model(engine: str, name_or_path: str | Path, denoise: int = 0) -> tuple[Model, dict]:
    """(model, card) of a checkpoint.

    Args:
        engine: "ncnn" or "torch"; only its package is imported.
        name_or_path: see ``load_checkpoint``.
        denoise: likewise.

    Raises:
        CheckpointError: missing, damaged, of another architecture, or not plain weights.
        BackendError: the engine is not usable here.
    """
    weights = read_weights(name_or_path, denoise)
    if engine == "ncnn":
        from .ncnn_model import NcnnModel

        return NcnnModel(weights), weights.card
    from .torch_engine import TorchModel

    return TorchModel.of_weights(weights), weights.card
