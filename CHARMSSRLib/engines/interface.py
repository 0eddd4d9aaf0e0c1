"""What an engine is: something that takes slices and gives slices."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

NAMES = ("ncnn", "torch")


class Runner(Protocol):
    """A network made ready on a device. At most two batches are under way between submission and collection."""

    def submit(self, slices: np.ndarray) -> Any:
        """Start on slices (n, c, h, w), float32; returns the ticket for :meth:`collect`."""

    def collect(self, ticket: Any) -> np.ndarray:
        """The enhanced slices of a ticket in their order: (n, s*h, s*w), float32."""


class Model(Protocol):
    """A checkpoint's network in the hands of an engine.

    Attributes:
        engine: name of the engine. version: of the package that computes.
        scale: enlargement of each in-plane axis. in_channels: neighbouring slices that go in.
    """

    engine: str
    version: str
    scale: int
    in_channels: int

    def runner(self, device: str, precision: str) -> Runner:
        """The network on a device.

        Args:
            device: "cpu", "cuda:N", "mps" or "vulkan:N".
            precision: "float32", "float16" or "bfloat16".

        Raises:
            MemoryError: the device has no room for it.
        """

    def make_room(self) -> None:
        """Give back device memory that is kept for later."""


EXHAUSTED = ("out of memory", "can't allocate memory", "not enough memory", "status_alloc_failed")


def is_memory(error: BaseException) -> bool:
    """Whether an engine's error says that memory ran out."""
    return isinstance(error, MemoryError) or any(text in str(error).lower() for text in EXHAUSTED)


def default_batch(batch: int, device: str) -> int:
    """Slices at a time: one with ncnn and on a processor (its caches), many on a card of torch's; ``batch`` if set."""
    return batch or (1 if device == "cpu" or device.startswith("vulkan") else 16)
