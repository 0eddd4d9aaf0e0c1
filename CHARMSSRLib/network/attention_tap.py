"""Where the attention maps are read: see ``attention_maps``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


class AttentionTap(nn.Module):
    """Passes a map through and remembers it while recording; no parameters, no cost otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.recording = False
        self.recorded: torch.Tensor | None = None

    def forward(self, attention: torch.Tensor) -> torch.Tensor:
        if self.recording:
            self.recorded = attention
        return attention

    def take(self) -> torch.Tensor | None:
        """Hand the recorded map over and forget it, so that no graph is kept alive."""
        recorded, self.recorded = self.recorded, None
        return recorded


@contextmanager
def record_attention(network: nn.Module) -> Iterator[None]:
    """Record every attention map of ``network`` inside the ``with`` block."""
    taps = [module for module in network.modules() if isinstance(module, AttentionTap)]
    for tap in taps:
        tap.recording = True
    try:
        yield
    finally:
        for tap in taps:
            tap.recording = False
            tap.recorded = None
