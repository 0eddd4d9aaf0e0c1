"""PAN: Zhao et al., "Efficient Image Super-Resolution Using Pixel Attention", ECCV workshops 2020."""

import torch
from torch import nn

from .base import SubPixelNetwork, conv3x3

CHANNELS = 64  # 40 in the original; 64 and the shared upsampler give the 0.78 M of the CHARMS paper
BLOCKS = 16


class PixelAttentionConvolution(nn.Module):
    """Two 3x3 convolutions with the features between them weighted per pixel and channel."""

    def __init__(self, channels):
        super().__init__()
        self.first = conv3x3(channels, channels, bias=False)
        self.attention = nn.Conv2d(channels, channels, 1)
        self.second = conv3x3(channels, channels, bias=False)

    def forward(self, features):
        return self.second(self.first(features) * torch.sigmoid(self.attention(features)))


class SCPA(nn.Module):
    """Self-calibrated block with pixel attention: a plain and an attentive half, joined and added."""

    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        self.plain = nn.Sequential(
            nn.Conv2d(channels, half, 1, bias=False), nn.LeakyReLU(0.2), conv3x3(half, half, bias=False)
        )
        self.attentive = nn.Sequential(
            nn.Conv2d(channels, half, 1, bias=False), nn.LeakyReLU(0.2), PixelAttentionConvolution(half)
        )
        self.activation = nn.LeakyReLU(0.2)
        self.join = nn.Conv2d(2 * half, channels, 1, bias=False)

    def forward(self, features):
        halves = torch.cat([self.plain(features), self.attentive(features)], dim=1)
        return features + self.join(self.activation(halves))


class PAN(SubPixelNetwork):
    """Sixteen SCPA blocks and a trunk convolution; as published it adds the bilinear interpolation."""

    def __init__(self, scale, image_skip=True):
        body = nn.Sequential(*[SCPA(CHANNELS) for _ in range(BLOCKS)], conv3x3(CHANNELS, CHANNELS))
        super().__init__(body, scale, image_skip, CHANNELS, published_skip="bilinear")
