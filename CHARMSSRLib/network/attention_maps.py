"""Attention maps on request: what the network looks at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from .attention_tap import AttentionTap, record_attention

__all__ = ["AttentionMaps", "attention_maps", "record_attention"]


@dataclass
class AttentionMaps:
    """The maps of one forward pass.

    Attributes:
        esa: one list per RRAF block with one (N, 64, h, w) map per RLFE, at ESA's pooled size.
        pca: one (N, 64, H, W) map per RRAF block (empty without pixel-channel attention).
        transformer: (N, rates * heads, H, W) response maps, L2 norm over a head's
            channels, one tensor per transformer (empty without transformer).
    """

    esa: list = field(default_factory=list)
    pca: list = field(default_factory=list)
    transformer: list = field(default_factory=list)


def collect_attention(network: Any) -> AttentionMaps:
    """Take the maps of the last forward pass; call inside ``record_attention(network)``."""
    maps = AttentionMaps()
    for block in network.backbone:
        maps.esa.append([unit.esa.tap.take() for unit in block.units])
        tap = getattr(block.pca, "tap", None)
        if isinstance(tap, AttentionTap):
            maps.pca.append(tap.take())
    maps.transformer = [layer.mddta.tap.take() for layer in network.transformer]
    return maps


def attention_maps(network: nn.Module, slices: torch.Tensor) -> tuple[torch.Tensor, AttentionMaps]:
    """Run ``network`` on ``slices`` (N, in_channels, H, W) and return (output, AttentionMaps)."""
    with record_attention(network):
        output = network(slices)
        return output, collect_attention(network)
