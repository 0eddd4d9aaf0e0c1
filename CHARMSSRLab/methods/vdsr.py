"""VDSR: Kim et al., "Accurate Image Super-Resolution Using Very Deep Convolutional Networks", CVPR 2016."""

from torch import nn

from CHARMSSRLib.grids.resize import bicubic_upsample
from CHARMSSRLib.network.initial_values import silent

from .base import ComparedNetwork, conv3x3

LAYERS = 20
CHANNELS = 48  # 64 in the original; 48 without biases gives the 0.37 M of the CHARMS paper


class VDSR(ComparedNetwork):
    """Twenty 3x3 convolutions without bias on the interpolated image, which is added to their output.

    The skip is the method's own; ``image_skip`` only decides whether the last convolution
    starts at zero or, as published, at He's values like the others.
    """

    def __init__(self, scale, image_skip=True):
        super().__init__(scale, image_skip)
        layers = [conv3x3(1, CHANNELS, bias=False), nn.ReLU()]
        for _ in range(LAYERS - 2):
            layers += [conv3x3(CHANNELS, CHANNELS, bias=False), nn.ReLU()]
        layers.append(conv3x3(CHANNELS, 1, bias=False))
        for layer in layers[::2]:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if image_skip:
            silent(layers[-1])
        self.layers = nn.Sequential(*layers)

    def forward(self, image):
        enlarged = bicubic_upsample(image, self.scale)
        return enlarged + self.layers(enlarged)
