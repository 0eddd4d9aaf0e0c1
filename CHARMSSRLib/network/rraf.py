"""Residual refinement with attention fusion (RRAF): one stage of the backbone."""

from __future__ import annotations

import torch
from torch import nn

from .channel_shuffle import ChannelShuffle
from .pca import PixelChannelAttention
from .rlfe import RLFE


class RRAF(nn.Module):
    """``units`` RLFE units, then the channel shuffle, then pixel-channel attention.

    Shape: (N, C, H, W) -> (N, C, H, W).
    """

    def __init__(
        self, channels: int = 64, units: int = 4, channel_shuffle: bool = True, pixel_channel_attention: bool = True
    ) -> None:
        super().__init__()
        self.units = nn.Sequential(*[RLFE(channels) for _ in range(units)])
        self.shuffle = ChannelShuffle(channels) if channel_shuffle else nn.Identity()
        self.pca = PixelChannelAttention(channels) if pixel_channel_attention else nn.Identity()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.pca(self.shuffle(self.units(features)))
