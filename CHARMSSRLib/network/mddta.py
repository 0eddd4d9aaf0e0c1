"""Multi-dilated depthwise transposed attention (MDDTA) of eqs. (10) and (12)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .attention_tap import AttentionTap
from .dilated_depthwise import DilatedDepthwise
from .initial_values import faint


class MDDTA(nn.Module):
    """Channel attention at three dilation rates, summed with learned weights.

    For each rate: (Q, K, V) from a depthwise 3x3 of that dilation, Q and K
    L2-normalised along the pixels, A = softmax(temperature * Q K^T) of 16 x 16 per
    head. Attention between channels costs linear time in the pixels (Restormer).

    Shape: (N, C, H, W) -> (N, C, H, W); the caller adds the residual, small at first.
    """

    RATES = (1, 2, 3)

    def __init__(self, channels: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.depthwise = nn.ModuleList(DilatedDepthwise(3 * channels, rate) for rate in self.RATES)
        self.temperature = nn.Parameter(torch.ones(len(self.RATES), heads))
        self.rate_weights = nn.Parameter(torch.full((len(self.RATES),), 1 / len(self.RATES)))
        self.project = faint(nn.Conv2d(channels, channels, 1))
        self.tap = AttentionTap()

    def attention(self, q: torch.Tensor, k: torch.Tensor, rate_index: int) -> torch.Tensor:
        """The (N, heads, c, c) channel attention of one rate; q, k are (N, heads, c, H*W). In float32."""
        q = F.normalize(q.float(), dim=-1)
        k = F.normalize(k.float(), dim=-1)
        temperature = self.temperature[rate_index].float().view(1, self.heads, 1, 1)
        return (temperature * (q @ k.transpose(-2, -1))).softmax(dim=-1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        n, c, h, w = features.shape
        tokens = self.qkv(features)
        total: Any = 0
        responses = []
        for i, depthwise in enumerate(self.depthwise):
            q, k, v = depthwise(tokens).reshape(n, 3, self.heads, c // self.heads, h * w).unbind(1)
            response = self.attention(q, k, i).to(v.dtype) @ v
            total = total + self.rate_weights[i].to(v.dtype) * response
            if self.tap.recording:
                responses.append(response.float().square().sum(2).clamp_min(1e-12).sqrt().view(n, self.heads, h, w))
        if responses:
            self.tap(torch.cat(responses, 1))
        return self.project(total.reshape(n, c, h, w))
