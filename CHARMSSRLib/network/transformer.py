"""The late transformer: MDDTA and GDDFN, each after a norm and with a residual."""

from __future__ import annotations

import torch
from torch import nn

from .gddfn import GDDFN
from .layer_norm import ChannelLayerNorm
from .mddta import MDDTA


class Transformer(nn.Module):
    """Shape: (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.norm1 = ChannelLayerNorm(channels)
        self.mddta = MDDTA(channels)
        self.norm2 = ChannelLayerNorm(channels)
        self.gddfn = GDDFN(channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        features = features + self.mddta(self.norm1(features))
        return features + self.gddfn(self.norm2(features))
