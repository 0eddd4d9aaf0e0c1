"""Weights that are told by their difference to others: half the size of whole ones, and less when packed.

A difference is a .safetensors file whose metadata name its parent ("parent": "NAME.safetensors sha256:...", a file
that lies beside it or is bundled). It holds the parent's tensors by name and shape: the difference as float16, or as
int8 and then "NAME.scale", float32, the step of one unit for each output channel (first axis). The weights are the
parent's plus difference times scale. Written by ``CHARMSSRLab.training.differences``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..errors import CheckpointError
from .registry import BUNDLED_FOLDER, sha256_of

SCALE = ".scale"
SHA256 = " sha256:"  # one entry, not two: safetensors writes several in an order that changes from file to file


def metadata_of(content: bytes) -> dict:
    """What a .safetensors file says of itself beside its tensors; ``content`` is the whole, sound file."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]).get("__metadata__") or {}


def parent_of(path: Path, metadata: dict) -> Path:
    """The file that a difference is to be added to.

    Raises:
        CheckpointError: it is missing, or another than the one the difference was made from.
    """
    name, _, sha256 = metadata["parent"].partition(SHA256)
    name = Path(name).name
    found = [one for one in (path.parent / name, BUNDLED_FOLDER / name) if one.is_file()]
    if not found:
        raise CheckpointError(
            f"The weights {path.name} are a difference to {name}, which is missing beside them: get both files again."
        )
    fitting = next((one for one in found if sha256_of(one) == sha256), None)
    if fitting is None:
        raise CheckpointError(
            f"The weights {path.name} are a difference to another {name} than this one: get both files again."
        )
    return fitting


def added(parent: dict[str, np.ndarray], tensors: dict[str, dict], path: Path) -> dict[str, np.ndarray]:
    """A parent's arrays with a difference added.

    Args:
        parent: name -> float32 array of any shape.
        tensors: of the difference, as ``safetensors.deserialize`` gives them.
        path: of it, for errors.

    Raises:
        CheckpointError: the difference does not fit the parent.
    """
    scaled = {name + SCALE for name, one in tensors.items() if one["dtype"] == "I8"}
    if set(tensors) - scaled != set(parent):
        raise _misfit(path)
    return {name: one + _difference(name, one.shape, tensors, path) for name, one in parent.items()}


def _difference(name, shape, tensors, path):
    steps = tensors[name]
    if tuple(steps["shape"]) != shape:
        raise _misfit(path)
    if steps["dtype"] == "F16":
        return np.frombuffer(steps["data"], "<f2").astype(np.float32).reshape(shape)
    scale = tensors.get(name + SCALE)
    if steps["dtype"] != "I8" or not shape or scale is None or (scale["dtype"], scale["shape"]) != ("F32", [shape[0]]):
        raise _misfit(path)
    units = np.frombuffer(steps["data"], np.int8).reshape(shape[0], -1).astype(np.float32)
    return (units * np.frombuffer(scale["data"], "<f4")[:, None]).reshape(shape)


def _misfit(path):
    return CheckpointError(f"The weights {path.name} do not fit those that they are a difference to: get both again.")
