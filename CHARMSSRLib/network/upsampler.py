"""Sub-pixel upsampling by powers of two."""

from __future__ import annotations

from torch import nn


class Upsampler(nn.Sequential):
    """log2(scale) stages of [conv 3x3 C -> 4C, PixelShuffle(2)].

    Shape: (N, C, H, W) -> (N, C, sH, sW).
    """

    def __init__(self, channels: int = 64, scale: int = 2) -> None:
        stages = []
        for _ in range(scale.bit_length() - 1):
            stages += [nn.Conv2d(channels, 4 * channels, 3, padding=1), nn.PixelShuffle(2)]
        super().__init__(*stages)
