"""Residual refinement with attention fusion (RRAF): one stage of the backbone."""

from torch import nn

from .channel_shuffle import ChannelShuffle
from .pca import PixelChannelAttention
from .rlfe import RLFE


class RRAF(nn.Module):
    """``units`` RLFE units, then the channel shuffle, then pixel-channel attention.

    Shape: (N, C, H, W) -> (N, C, H, W).
    """

    def __init__(self, channels=64, units=4, channel_shuffle=True, pixel_channel_attention=True):
        super().__init__()
        self.units = nn.Sequential(*[RLFE(channels) for _ in range(units)])
        self.shuffle = ChannelShuffle(channels) if channel_shuffle else nn.Identity()
        self.pca = PixelChannelAttention(channels) if pixel_channel_attention else nn.Identity()

    def forward(self, features):
        return self.pca(self.shuffle(self.units(features)))
