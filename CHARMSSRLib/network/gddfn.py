"""Gated dilated depthwise feed-forward network (GDDFN) of eqs. (11) and (13)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from .dilated_depthwise import DilatedDepthwise
from .initial_values import faint


class GDDFN(nn.Module):
    """1x1(GELU(C_d(F1)) * C_d(F2)), F1 and F2 the halves of 1x1(F), C_d depthwise 3x3 of dilation 2.

    Shape: (N, C, H, W) -> (N, C, H, W); the caller adds the residual, small at first.
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels, channels, 1)
        self.depthwise = DilatedDepthwise(channels, 2)
        self.project = faint(nn.Conv2d(channels // 2, channels, 1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        gate, value = self.depthwise(self.expand(features)).chunk(2, dim=1)
        return self.project(F.gelu(gate) * value)
