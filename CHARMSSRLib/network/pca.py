"""Pixel-channel attention (PCA) of eqs. (6) to (9)."""

from __future__ import annotations

import torch
from torch import nn

from .attention_tap import AttentionTap
from .initial_values import open_gate


class PixelChannelAttention(nn.Module):
    """out = F + 1x1(G * (A_p + A_c) / 2), G = conv3x3(F).

    A_p = sigmoid(1x1(G)) weighs pixels, A_c = sigmoid(1x1(mean over H, W of G)) weighs
    channels. The mean is global over the slice, so the result depends on the crop.

    Shape: (N, C, H, W) -> (N, C, H, W).
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.pixel = open_gate(nn.Conv2d(channels, channels, 1))
        self.channel = open_gate(nn.Conv2d(channels, channels, 1))
        self.project = nn.Conv2d(channels, channels, 1)
        self.tap = AttentionTap()

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        g = self.conv(features)
        # The mean over a whole slice is taken in float32: half precision loses digits there.
        mean = g.float().mean((2, 3), keepdim=True).to(g.dtype)
        attention = self.tap((self.pixel(g).sigmoid() + self.channel(mean).sigmoid()) / 2)
        return features + self.project(g * attention)
