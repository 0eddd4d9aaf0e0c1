"""High-frequency information refinement (HFIR) of eq. (14)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class DepthwiseSeparable(nn.Sequential):
    """Depthwise 3x3, then pointwise 1x1."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels),
            nn.Conv2d(channels, channels, 1),
        )


class HFIR(nn.Module):
    """U' = U + sigmoid(DS4(ReLU(DS3(ReLU(DS2(ReLU(DS1(U)))))))) * U on the upsampled channels.

    Shape: (N, C, sH, sW) -> (N, C, sH, sW).
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.steps = nn.ModuleList(DepthwiseSeparable(channels) for _ in range(4))

    def forward(self, upsampled: torch.Tensor) -> torch.Tensor:
        gate = self.steps[0](upsampled)
        for step in self.steps[1:]:
            gate = step(F.relu(gate))
        return upsampled + gate.sigmoid() * upsampled
