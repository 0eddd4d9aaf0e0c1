"""EDSR: Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution", CVPR workshops 2017."""

from torch import nn

from .base import SubPixelNetwork, conv3x3


class ResidualBlock(nn.Module):
    """conv, ReLU, conv, scaled, added to the input; no normalisation."""

    def __init__(self, channels, residual_scale):
        super().__init__()
        self.layers = nn.Sequential(conv3x3(channels, channels), nn.ReLU(), conv3x3(channels, channels))
        self.residual_scale = residual_scale

    def forward(self, features):
        return features + self.residual_scale * self.layers(features)


class EDSR(SubPixelNetwork):
    """EDSR; by default the small one (16 blocks of 64 channels) of the CHARMS paper's tables."""

    def __init__(self, scale, image_skip=True, blocks=16, channels=64, residual_scale=1.0):
        body = [ResidualBlock(channels, residual_scale) for _ in range(blocks)]
        super().__init__(nn.Sequential(*body, conv3x3(channels, channels)), scale, image_skip, channels)

    @classmethod
    def original(cls, scale, image_skip=True):
        """The network of the EDSR paper (32 blocks of 256 channels, 40.7 M at x2): for ratios of speed."""
        return cls(scale, image_skip, blocks=32, channels=256, residual_scale=0.1)
