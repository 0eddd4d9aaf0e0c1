"""Enhanced spatial attention (ESA) of eq. (4)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from .attention_tap import AttentionTap
from .initial_values import open_gate


class ESA(nn.Module):
    """Weighs every pixel of a feature map by its surroundings: eq. (4), after RFANet.

    A_s = sigmoid(up(d2(ReLU(d1(maxpool(down(y))))))), resized bilinearly to the input.
    RLFN's extra 1x1 skip and stride-2 convolution are not in eq. (4) and not built.

    Shape: (N, C, H, W) -> (N, C, H, W), any H, W >= 1.
    """

    def __init__(self, channels: int = 64, reduced: int = 16) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, reduced, 1)
        self.pool = nn.MaxPool2d(kernel_size=7, stride=3, padding=3)
        self.d1 = nn.Conv2d(reduced, reduced, 3, padding=1)
        self.d2 = nn.Conv2d(reduced, reduced, 3, padding=2, dilation=2)
        self.up = open_gate(nn.Conv2d(reduced, channels, 1))
        self.tap = AttentionTap()

    def attention(self, y: torch.Tensor) -> torch.Tensor:
        """The map at the pooled size, (N, C, ceil(H/3), ceil(W/3)), values in (0, 1)."""
        pooled = self.pool(self.down(y))
        return self.up(self.d2(F.relu(self.d1(pooled)))).sigmoid()

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        attention = self.tap(self.attention(y))
        return y * F.interpolate(attention, size=y.shape[-2:], mode="bilinear", align_corners=False)
