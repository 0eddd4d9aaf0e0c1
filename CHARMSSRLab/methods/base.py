"""What the compared networks share: the interpolated skip, the scaffold, the inference form."""

import copy

import torch.nn.functional as F
from torch import nn

from CHARMSSRLib.grids.resize import bicubic_upsample
from CHARMSSRLib.network.initial_values import silent
from CHARMSSRLib.network.upsampler import Upsampler


def conv3x3(inputs, outputs, bias=True):
    """A 3x3 convolution that keeps the size of the image."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)


class ComparedNetwork(nn.Module):
    """A 2-D super-resolution network of the comparison.

    Shape: (N, 1, H, W) -> (N, 1, scale*H, scale*W), values nominally in [0, 1], for any H, W >= 1.

    Args:
        scale: enlargement of each axis, 2 or 4.
        image_skip: True adds the bicubic interpolation of the input to the output and
            starts the last convolution at zero, as CHARMS does: with short training this
            alone decides between networks, so the main comparison gives it to all. False
            builds the network as published. The parameter count is the same.

    Raises:
        ValueError: for another scale.
    """

    def __init__(self, scale, image_skip=True):
        super().__init__()
        if scale not in (2, 4):
            raise ValueError(f"scale must be 2 or 4, not {scale!r}")
        self.scale = scale
        self.image_skip = image_skip

    def for_inference(self):
        """A frozen copy in evaluation mode that computes the same function, with what can be folded folded."""
        network = copy.deepcopy(self).eval()
        for parent in list(network.modules()):
            for name, child in list(parent.named_children()):
                if hasattr(child, "fold"):
                    setattr(parent, name, child.fold())
        return network.requires_grad_(False)


class SubPixelNetwork(ComparedNetwork):
    """The scaffold of the networks that compute on the small grid and enlarge at their end.

    Head 3x3, the method's own body with a skip around it, upsampler, tail 3x3. The body
    maps (N, channels, H, W) to the same shape.
    """

    def __init__(self, body, scale, image_skip=True, channels=64, upsampler=None, published_skip=None):
        super().__init__(scale, image_skip)
        self.head = conv3x3(1, channels)
        self.body = body
        self.upsampler = upsampler or Upsampler(channels, scale)
        self.tail = conv3x3(channels, 1)
        self.published_skip = published_skip
        if image_skip:
            silent(self.tail)

    def forward(self, image):
        features = self.head(image)
        features = features + self.body(features)
        output = self.tail(self.upsampler(features))
        if self.image_skip:
            return output + bicubic_upsample(image, self.scale)
        if self.published_skip:
            return output + F.interpolate(
                image, scale_factor=float(self.scale), mode=self.published_skip, align_corners=False
            )
        return output
