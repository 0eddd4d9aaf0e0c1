"""The network of SynthStrip (Hoopes et al., NeuroImage 2022), written anew for its public weights.

Module names follow the public state dictionary: ``encoder.LEVEL.N.conv``, ``decoder.LEVEL.N.conv``
and ``remaining.N.conv``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

_ENCODER = (16, 32, 64, 64, 64, 64)
_DECODER = (64, 64, 64, 64, 64, 32)
# Sizes must be divisible by this: six halvings.
SIZE_MULTIPLE = 2 ** len(_ENCODER)


class SynthStripNetwork(nn.Module):
    """3-D U-Net from an image (N, 1, D, H, W) in [0, 1] to the signed distance in mm from the brain's surface.

    The distance is negative inside. D, H and W must be divisible by 64.
    """

    def __init__(self) -> None:
        super().__init__()
        inputs = (1,) + _ENCODER[:-1]
        self.encoder = nn.ModuleList([_pair(source, target) for source, target in zip(inputs, _ENCODER)])
        # Each decoder level but the deepest reads the level below joined with the encoder's features.
        joined = [_ENCODER[-1]] + [below + skip for below, skip in zip(_DECODER, _ENCODER[:0:-1])]
        self.decoder = nn.ModuleList([_pair(source, target) for source, target in zip(joined, _DECODER)])
        self.remaining = nn.ModuleList(
            [_Convolution(_DECODER[-1] + _ENCODER[0], 16), _Convolution(16, 16), _Convolution(16, 1, activation=False)]
        )
        self.pool = nn.MaxPool3d(2)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for level in self.encoder:
            x = _through(level, x)
            skips.append(x)
            x = self.pool(x)
        for level in self.decoder:
            x = _through(level, x)
            x = torch.cat([self.up(x), skips.pop()], dim=1)
        for convolution in self.remaining:
            x = convolution(x)
        return x


class _Convolution(nn.Module):
    def __init__(self, source, target, activation=True):
        super().__init__()
        self.conv = nn.Conv3d(source, target, 3, padding=1)
        self.activation = nn.LeakyReLU(0.2) if activation else nn.Identity()

    def forward(self, x):
        return self.activation(self.conv(x))


def _pair(source, target):
    return nn.ModuleList([_Convolution(source, target), _Convolution(target, target)])


def _through(level: Any, x: torch.Tensor) -> torch.Tensor:
    for convolution in level:
        x = convolution(x)
    return x
