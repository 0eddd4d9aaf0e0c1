"""A checkpoint's network in the hands of ncnn, on processors and graphics cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..checkpoints.architecture import Architecture
from .ncnn_charms import CharmsGraphs
from .ncnn_engine import ProcessorRunner, usable_ncnn
from .ncnn_vulkan import checked_runner

if TYPE_CHECKING:
    from ..checkpoints.weights import Weights
    from .interface import Runner


class NcnnModel:
    """A checkpoint's network for ncnn.

    Args:
        weights: what ``read_weights`` returns.

    Raises:
        BackendError: ncnn is missing or not usable. CheckpointError: the weights do not fit their card.
    """

    engine = "ncnn"

    def __init__(self, weights: Weights) -> None:
        self.version = usable_ncnn().__version__
        architecture = Architecture.of_card(weights.card)
        self.scale, self.in_channels = architecture.scale, architecture.in_channels
        self._graphs = CharmsGraphs(
            weights.arrays, architecture, weights.path.name if weights.path else "the checkpoint"
        )

    def runner(self, device: str, precision: str) -> Runner:
        if device.startswith("vulkan"):
            return checked_runner(self._graphs, device, precision)
        return ProcessorRunner(self._graphs)

    def make_room(self) -> None:
        pass
