"""Writes a network in ncnn's own two formats: the list of layers as text, the weights as bytes.

The text names one layer a line: its type, its name, how many blobs it reads and makes, their names,
and its parameters as number=value. Which number means what, and which weights follow in which order,
is in ncnn's docs/developer-guide, operators.md and param-and-model-file-structure.md. A blob has one
reader there; where several layers read one, a "Split" stands between, which this writer puts in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

MAGIC = 7767517  # the first line of every param file
RAW_FLOAT32 = b"\0\0\0\0"  # the tag before weights that may also be stored in other types
ARRAY = -23300  # an array's number is this minus the parameter's


class Graph:
    """A network under construction: every method that adds a layer returns the name of the blob it makes."""

    def __init__(self) -> None:
        self._layers: list[tuple] = []
        self._weights: list[bytes] = []

    def input(self, name: str) -> str:
        """A blob that is given from outside; returns its name."""
        self._layers.append(("Input", name, [], [name], {}))
        return name

    def add(
        self,
        kind: str,
        blobs: str | Sequence[str],
        parameters: dict | None = None,
        weights: Sequence[tuple] = (),
        outputs: int = 1,
    ) -> Any:
        """Add a layer.

        Args:
            kind: ncnn's name of its type.
            blobs: name or names of what it reads.
            parameters: {number: int, float, list of them, or quoted text}.
            weights: (array, tagged) in the order in which the layer reads them; stored as float32. ``tagged``
                are weights that ncnn may also store in other types, as a convolution's; a bias is not.
            outputs: how many blobs it makes.

        Returns:
            The name of its blob, or a list of names with several ``outputs``.
        """
        blobs = [blobs] if isinstance(blobs, str) else list(blobs)
        name = f"{kind.lower()}_{len(self._layers)}"
        made = [name] if outputs == 1 else [f"{name}_{i}" for i in range(outputs)]
        self._layers.append((kind, name, blobs, made, parameters or {}))
        for array, tagged in weights:
            if tagged:
                self._weights.append(RAW_FLOAT32)
            self._weights.append(np.ascontiguousarray(array, "<f4").tobytes())
        return made[0] if outputs == 1 else list(made)

    def rename(self, blob: str, name: str) -> None:
        """Give a blob, which no layer reads, the name under which it is asked for."""
        for _, _, _, made, _ in self._layers:
            if blob in made:
                made[made.index(blob)] = name

    def written(self) -> tuple[str, bytes]:
        """(text, weights): what a param file and a bin file hold."""
        layers = self._with_splits()
        lines = [str(MAGIC), f"{len(layers)} {sum(len(made) for _, _, _, made, _ in layers)}"]
        for kind, name, blobs, made, parameters in layers:
            numbers = [_parameter(number, value) for number, value in parameters.items()]
            lines.append(" ".join([kind, name, str(len(blobs)), str(len(made)), *blobs, *made, *numbers]))
        return "\n".join(lines) + "\n", b"".join(self._weights)

    def _with_splits(self):
        readers = {}
        for _, _, blobs, _, _ in self._layers:
            for blob in blobs:
                readers[blob] = readers.get(blob, 0) + 1
        layers, copies = [], {}
        for kind, name, blobs, made, parameters in self._layers:
            blobs = [copies[blob].pop() if blob in copies else blob for blob in blobs]
            layers.append((kind, name, blobs, made, parameters))
            for blob in made:
                if readers.get(blob, 0) > 1:
                    copies[blob] = [f"{blob}_copy_{i}" for i in range(readers[blob])]
                    layers.append(("Split", f"split_{blob}", [blob], list(copies[blob]), {}))
        return layers


def _parameter(number, value):
    if isinstance(value, list):
        return f"{ARRAY - number}={len(value)}" + "".join(f",{_text(one)}" for one in value)
    return f"{number}={_text(value)}"


def _text(value):
    """A value so that ncnn reads its type: a float has a point or an exponent, a text quotation marks."""
    if isinstance(value, str):
        return value
    return f"{value:.9e}" if isinstance(value, float) else str(int(value))
