"""Checkpoints in an engine's hands, kept between calls: the worker's model stays warm."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from ..checkpoints.noise_control import share_of
from ..checkpoints.registry import find_weights, read_card
from ..engines.models import load_model


class Loaded(NamedTuple):
    """A network that is ready to run.

    Attributes:
        share: percent of the noise that it takes away.
        model: in an engine's hands, see ``engines.interface``.
        card: of its checkpoint.
    """

    share: int
    model: Any
    card: dict


def load(engine: str, checkpoint: str, denoise: str) -> Loaded:
    """A checkpoint for an engine; a file that was replaced is loaded again.

    Args:
        engine: "torch" or "ncnn".
        checkpoint: name or path.
        denoise: percent of the noise to take away, as text, or "auto" for the card's.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    path = find_weights(checkpoint)
    status = path.stat()
    return _load(engine, str(path), status.st_mtime_ns, status.st_size, denoise)


@functools.lru_cache(maxsize=2)
def _load(engine, path, modified, size, denoise):
    share = share_of(read_card(path), denoise)
    return Loaded(share, *load_model(engine, path, share))
