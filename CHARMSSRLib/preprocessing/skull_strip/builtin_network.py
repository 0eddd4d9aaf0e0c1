"""The network of the built-in skull-strip: a small 3-D U-Net on a 3 mm grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .builtin_layout import CHANNELS, NORM_EPSILON, SLOPE


class StripUNet(nn.Module):
    """3-D U-Net with instance normalisation; input (N, 1, D, H, W) in about [0, 1], output logits.

    Instance normalisation makes it indifferent to gain and offset of the intensities.
    D, H and W must be divisible by ``SIZE_MULTIPLE``.

    Args:
        channels: sequence of int; features per level, finest first.
    """

    def __init__(self, channels: Sequence[int] = CHANNELS) -> None:
        super().__init__()
        inputs = (1,) + tuple(channels[:-1])
        self.encoder = nn.ModuleList([_block(source, target) for source, target in zip(inputs, channels)])
        self.decoder = nn.ModuleList(
            [_block(deep + skip, skip) for deep, skip in zip(channels[:0:-1], channels[-2::-1])]
        )
        self.pool = nn.MaxPool3d(2)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.head = nn.Conv3d(channels[0], 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for level, block in enumerate(self.encoder):
            x = block(x if level == 0 else self.pool(x))
            skips.append(x)
        skips.pop()
        for block in self.decoder:
            x = block(torch.cat([self.up(x), skips.pop()], dim=1))
        return self.head(x)


def _block(source, target):
    layers = []
    for channels in (source, target):
        layers += [
            nn.Conv3d(channels, target, 3, padding=1, bias=False),
            nn.InstanceNorm3d(target, affine=True, eps=NORM_EPSILON),
            nn.LeakyReLU(SLOPE, inplace=True),
        ]
    return nn.Sequential(*layers)
