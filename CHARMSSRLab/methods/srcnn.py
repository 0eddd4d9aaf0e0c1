"""SRCNN: Dong et al., "Image Super-Resolution Using Deep Convolutional Networks", TPAMI 2016."""

from torch import nn

from CHARMSSRLib.grids.resize import bicubic_upsample
from CHARMSSRLib.network.initial_values import silent

from .base import ComparedNetwork


class SRCNN(ComparedNetwork):
    """Three convolutions (9, 5, 5; 64 and 32 channels) on the interpolated image.

    57,281 parameters at either scale: the 0.82 M that the CHARMS paper prints for SRCNN
    cannot be met by the network that it cites. As published the output replaces the
    interpolated image; with the image skip it is added to it.
    """

    def __init__(self, scale, image_skip=True):
        super().__init__(scale, image_skip)
        self.layers = nn.Sequential(
            nn.Conv2d(1, 64, 9, padding=4),
            nn.ReLU(),
            nn.Conv2d(64, 32, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(32, 1, 5, padding=2),
        )
        if image_skip:
            silent(self.layers[-1])

    def forward(self, image):
        enlarged = bicubic_upsample(image, self.scale)
        output = self.layers(enlarged)
        return enlarged + output if self.image_skip else output
