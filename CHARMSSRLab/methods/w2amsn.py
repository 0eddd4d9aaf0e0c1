"""W2AMSN-S: Wang et al., IEEE TCSVT 2022.

"Wide Weighted Attention Multi-Scale Network for Accurate MR Image Super-Resolution".

No code is published. The layout below is ours: it follows the paper's description and
meets the parameter counts of the CHARMS paper. So are the initial values: with PyTorch's own the
features grow five hundredfold over the twenty blocks, and training ends in the first steps.
"""

import torch
from torch import nn

from CHARMSSRLib.network.initial_values import faint

from .base import SubPixelNetwork, conv3x3

CHANNELS = 64
WIDENING = 2
BLOCKS = 20


class WideBranch(nn.Module):
    """Two convolutions that widen and narrow again; residual and input with learned weights."""

    def __init__(self, channels, kernel):
        super().__init__()
        wide = WIDENING * channels
        self.layers = nn.Sequential(
            nn.Conv2d(channels, wide, kernel, padding=kernel // 2),
            nn.ReLU(),
            nn.Conv2d(wide, channels, kernel, padding=kernel // 2),
        )
        self.weights = nn.Parameter(torch.ones(2))

    def forward(self, features):
        return self.weights[0] * self.layers(features) + self.weights[1] * features


class ChannelAttention(nn.Module):
    """Attention over channels without reduction (ECA): a convolution of 3 along the channels' means."""

    def __init__(self):
        super().__init__()
        self.across = nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, features):
        means = features.mean((2, 3)).unsqueeze(1)
        return features * torch.sigmoid(self.across(means)).squeeze(1)[:, :, None, None]


class MultiScaleBlock(nn.Module):
    """A 3x3 and a 5x5 branch, fused, weighted by channel and added to the input."""

    def __init__(self, channels):
        super().__init__()
        self.fine = WideBranch(channels, 3)
        self.coarse = WideBranch(channels, 5)
        self.fuse = faint(nn.Conv2d(2 * channels, channels, 1))
        self.attention = ChannelAttention()

    def forward(self, features):
        scales = torch.cat([self.fine(features), self.coarse(features)], dim=1)
        return features + self.attention(self.fuse(scales))


class RecurrentBody(nn.Module):
    """The blocks in a chain, each fed the shallow features again through one shared 1x1 convolution."""

    def __init__(self, channels):
        super().__init__()
        self.blocks = nn.ModuleList(MultiScaleBlock(channels) for _ in range(BLOCKS))
        self.feedback = faint(nn.Conv2d(2 * channels, channels, 1))
        self.fusion = nn.Conv2d(2 * channels, channels, 1)
        self.attention = nn.Conv2d(channels, channels, 1)

    def forward(self, shallow):
        features = shallow
        for block in self.blocks:
            features = block(features + self.feedback(torch.cat([shallow, features], dim=1)))
        fused = self.fusion(torch.cat([shallow, features], dim=1))
        return fused * torch.sigmoid(self.attention(fused))


class W2AMSN(SubPixelNetwork):
    """W2AMSN-S: twenty wide multi-scale blocks; enlarges by nearest neighbours and convolutions."""

    def __init__(self, scale, image_skip=True):
        stages = []
        for _ in range(scale.bit_length() - 1):
            stages += [nn.Upsample(scale_factor=2, mode="nearest"), conv3x3(CHANNELS, CHANNELS)]
        super().__init__(RecurrentBody(CHANNELS), scale, image_skip, CHANNELS, upsampler=nn.Sequential(*stages))
