"""Writes weights as their difference to others (``CHARMSSRLib.checkpoints.difference`` reads it).

    python -m CHARMSSRLab.training.differences PARENT.safetensors WEIGHTS.safetensors OUTPUT.safetensors [--levels N]

The fewer the levels, the smaller is the file once it is packed, and the larger is the error: half a step. How much
the network's answer differs is to be measured on slices. Vectors, and the layers to whose rounding the answer is most
sensitive (EXACT), are few numbers: they stay float16.
"""

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from CHARMSSRLib.checkpoints.difference import SCALE, SHA256
from CHARMSSRLib.checkpoints.registry import sha256_of
from CHARMSSRLib.checkpoints.weights import read_safetensors
from CHARMSSRLib.errors import SettingsError
from CHARMSSRLib.files.atomic import replacing

MOST_LEVELS = 127
EXACT = ("head.", "fuse.", "transformer.", "tail.")


def write_difference(parent, weights, output, levels=MOST_LEVELS):
    """Write a difference file.

    Args:
        parent: path of the file that it will be added to; it must be found beside ``output`` or among the bundled ones.
        weights: name -> array of any floating kind, of the parent's names and shapes.
        output: path to write.
        levels: units of the largest difference of each output channel, at most MOST_LEVELS.

    Returns:
        ``output``.

    Raises:
        SettingsError: the weights do not fit the parent, or levels are out of range.
    """
    own = read_safetensors(Path(parent))
    if set(own) != set(weights) or any(own[name].shape != np.shape(one) for name, one in weights.items()):
        raise SettingsError(f"The weights are of another network than {Path(parent).name}.")
    if not 1 <= levels <= MOST_LEVELS:
        raise SettingsError(f"levels must be from 1 to {MOST_LEVELS}.")
    tensors = {}
    for name, one in own.items():
        difference = np.asarray(weights[name], np.float32) - one
        if difference.ndim < 2 or name.startswith(EXACT):
            tensors[name] = difference.astype(np.float16)
        else:
            tensors[name], tensors[name + SCALE] = quantised(difference, levels)
    # In C order whatever the weights' memory order was: safetensors writes the memory as it lies.
    tensors = {name: np.ascontiguousarray(one) for name, one in tensors.items()}
    with replacing(Path(output)) as partial:
        save_file(tensors, partial, {"parent": f"{Path(parent).name}{SHA256}{sha256_of(parent)}"})
        partial.chmod(0o644)
    return Path(output)


def quantised(difference, levels):
    """(int8 steps of its shape, float32 scale (output channels,)) of a difference of two axes or more."""
    rows = difference.reshape(len(difference), -1)
    scale = np.abs(rows).max(axis=1, keepdims=True) / np.float32(levels)
    steps = np.rint(np.divide(rows, scale, out=np.zeros_like(rows), where=scale > 0))
    return steps.astype(np.int8).reshape(difference.shape), scale[:, 0].astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parent", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--levels", type=int, default=MOST_LEVELS, help="units of the largest difference of a channel")
    arguments = parser.parse_args()
    write_difference(arguments.parent, read_safetensors(arguments.weights), arguments.output, arguments.levels)


if __name__ == "__main__":
    main()
