"""Layer normalisation per pixel over the channels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class ChannelLayerNorm(nn.Module):
    """Normalises the channels of each pixel; weight and bias per channel, eps 1e-5.

    Shape: (N, C, H, W) -> (N, C, H, W). Computed in float32 whatever the precision.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.permute(0, 2, 3, 1)  # a view without copy when x is channels-last
        rows = F.layer_norm(rows.float(), self.weight.shape, self.weight.float(), self.bias.float(), self.eps)
        return rows.to(x.dtype).permute(0, 3, 1, 2)
