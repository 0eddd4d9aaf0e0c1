"""Depthwise convolution with dilation, in a form whose gradient a CPU can be trusted with."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class DilatedDepthwise(nn.Conv2d):
    """Depthwise 3x3 convolution of a dilation, zero "same" padding.

    While a CPU trains, the input is sorted into its rate x rate phases and each phase convolved
    without dilation: the same sums. PyTorch's own gradient of a *dilated* depthwise convolution
    takes 15 times as long there, and in bfloat16 oneDNN returns a gradient of the weights that
    holds uninitialised memory now and then (seen with torch 2.13 on AVX-512).

    Shape: (N, C, H, W) -> (N, C, H, W).

    Args:
        channels: C.
        rate: the dilation.
    """

    def __init__(self, channels: int, rate: int) -> None:
        super().__init__(channels, channels, 3, padding=rate, dilation=rate, groups=channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        rate = self.dilation[0]
        if rate == 1 or features.device.type != "cpu" or not torch.is_grad_enabled():
            return super().forward(features)
        h, w = features.shape[-2:]
        phases = F.conv2d(_to_phases(features, rate), self.weight, self.bias, padding=1, groups=self.groups)
        return _from_phases(phases, rate, len(features))[..., :h, :w]


def _to_phases(image, rate):
    """(N, C, H, W) -> (N*rate*rate, C, ceil(H/rate), ceil(W/rate)), zeros beyond the edges; channels-last."""
    n, c, h, w = image.shape
    image = F.pad(image, (0, -w % rate, 0, -h % rate))
    h, w = image.shape[-2] // rate, image.shape[-1] // rate
    rows = image.permute(0, 2, 3, 1).reshape(n, h, rate, w, rate, c)
    return rows.permute(0, 2, 4, 1, 3, 5).reshape(n * rate * rate, h, w, c).permute(0, 3, 1, 2)


def _from_phases(phases, rate, n):
    """The reverse of :func:`_to_phases`, with the padding still on."""
    _, c, h, w = phases.shape
    rows = phases.permute(0, 2, 3, 1).reshape(n, rate, rate, h, w, c)
    return rows.permute(0, 3, 1, 4, 2, 5).reshape(n, h * rate, w * rate, c).permute(0, 3, 1, 2)
