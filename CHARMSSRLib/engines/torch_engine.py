"""The engine torch: the folded form of the network on NVIDIA cards, Apple's, and processors."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import torch

from ..machine.allocator import keep_freed_memory
from ..machine.cores import give_torch_its_threads
from ..machine.devices import PRECISION_DTYPES
from .torch_runners import runner_for

if TYPE_CHECKING:
    from ..checkpoints.weights import Weights
    from ..network.charms import CHARMS
    from .interface import Runner


class TorchModel:
    """A network for torch.

    Args:
        network: CHARMS, or another with ``for_inference()``, in eval mode (float32, on the CPU).
    """

    engine: str = "torch"
    version: str = torch.__version__

    def __init__(self, network: CHARMS) -> None:
        give_torch_its_threads()
        self.network = network
        self.scale, self.in_channels = network.scale, network.arguments["in_channels"]

    @classmethod
    def of_weights(cls, weights: Weights) -> TorchModel:
        """That of what ``read_weights`` returns."""
        from ..checkpoints.loading import built

        return cls(built(weights).network)

    def runner(self, device: str, precision: str) -> Runner:
        place, dtype = torch.device(device), PRECISION_DTYPES[precision]
        runner = runner_for(self.network.for_inference().to(place, dtype), place)
        if place.type == "cpu":
            keep_freed_memory()
        if place.type == "cuda" and dtype == torch.float32:
            # PyTorch's default rounds a convolution's input to 10 bits (TF32): that is not float32.
            torch.backends.cudnn.allow_tf32 = False
        return runner

    def make_room(self) -> None:
        if torch.cuda.is_available():
            with contextlib.suppress(RuntimeError):
                torch.cuda.empty_cache()
