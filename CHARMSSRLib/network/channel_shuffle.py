"""Channel shuffle (CS) of eqs. (2) and (5)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class ChannelShuffle(nn.Module):
    """S(F) = F + p2(shuffle(p1(F))): a permutation between two grouped 1x1 convolutions.

    A bare permutation between dense convolutions would change nothing, and Table 4
    charges it 0.03 M parameters: the shuffle therefore sits between grouped
    convolutions, as in ShuffleNet. It is linear, so the inference form folds it into
    one dense 1x1 convolution.

    Shape: (N, C, H, W) -> (N, C, H, W).
    """

    def __init__(self, channels: int = 64, groups: int = 2) -> None:
        super().__init__()
        self.p1 = nn.Conv2d(channels, 2 * channels, 1, groups=groups)
        self.p2 = nn.Conv2d(2 * channels, channels, 1, groups=groups)
        self.groups = groups

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features + self.p2(F.channel_shuffle(self.p1(features), self.groups))
