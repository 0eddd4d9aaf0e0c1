"""Bicubic interpolation, the baseline of every table."""

from CHARMSSRLib.grids.resize import bicubic_upsample

from .base import ComparedNetwork


class Bicubic(ComparedNetwork):
    """Cubic convolution with voxel edges aligned (Keys 1981, a = -0.75 as in torch); no parameters."""

    def forward(self, image):
        return bicubic_upsample(image, self.scale)
