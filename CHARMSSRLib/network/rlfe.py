"""Residual local feature extraction (RLFE) of eqs. (2) and (3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from .esa import ESA


class RLFE(nn.Module):
    """One residual unit: F_k = F_{k-1} + y * A_s(y), y = conv(ReLU(conv(F_{k-1}))).

    The single ReLU lies between the convolutions: a second one would make every
    residual non-negative.

    Shape: (N, C, H, W) -> (N, C, H, W).
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.esa = ESA(channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features + self.esa(self.conv2(F.relu(self.conv1(features))))
