"""FMEN: Du et al., "Fast and Memory-Efficient Network Towards Efficient Image Super-Resolution", CVPR workshops 2022.

Trained with wide linear blocks and batch normalisation; ``for_inference()`` folds each of
them into one 3x3 convolution (3.79 M parameters become 1.31 M at x2) with equal output.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .base import SubPixelNetwork, conv3x3

CHANNELS = 64  # 50 in the original, with 16 in the attention branch; these meet the CHARMS paper's counts
ATTENTION_CHANNELS = 64
FIRST_ATTENTION_CHANNELS = ATTENTION_CHANNELS - 4
RATIO = 2
PAIRS = 4
SLOPE = 0.1


def pad_with(features, border):
    """Pads (N, C, H, W) by one pixel with the values of ``border`` (C,).

    A linear map in front of a convolution turns the zeros outside the image into its
    offset; padding with that offset is what makes folding the two exact at the edges.
    """
    border = border.view(1, -1, 1, 1)
    return F.pad(features - border, (1, 1, 1, 1)) + border


def filled_convolution(weight, bias):
    """A zero-padded 3x3 convolution with these weights."""
    convolution = conv3x3(weight.shape[1], weight.shape[0])
    convolution.load_state_dict({"weight": weight, "bias": bias})
    return convolution.to(weight.device).eval()


def affine_of(norm):
    """Factor and offset (C,) of a batch normalisation in evaluation mode."""
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return factor, norm.bias - norm.running_mean * factor


class ReparameterisableConvolution(nn.Module):
    """Stands for a 3x3 convolution while training: 1x1 up, 3x3 with skip, 1x1 down, and a skip around all."""

    def __init__(self, channels):
        super().__init__()
        wide = RATIO * channels
        self.expand = nn.Conv2d(channels, wide, 1)
        self.spatial = nn.Conv2d(wide, wide, 3)
        self.reduce = nn.Conv2d(wide, channels, 1)

    def forward(self, features):
        wide = self.expand(features)
        wide = wide + self.spatial(pad_with(wide, self.expand.bias))
        return features + self.reduce(wide)

    @torch.no_grad()
    def fold(self):
        """The one convolution that computes the same."""
        expand, reduce = self.expand.weight.double()[..., 0, 0], self.reduce.weight.double()[..., 0, 0]
        spatial = self.spatial.weight.double().clone()
        spatial[:, :, 1, 1] += torch.eye(len(spatial), dtype=spatial.dtype, device=spatial.device)
        weight = torch.einsum("ow,wvyx,vi->oiyx", reduce, spatial, expand)
        weight[:, :, 1, 1] += torch.eye(len(weight), dtype=weight.dtype, device=weight.device)
        wide_bias = spatial.sum((2, 3)) @ self.expand.bias.double() + self.spatial.bias.double()
        bias = reduce @ wide_bias + self.reduce.bias.double()
        return filled_convolution(weight.to(self.expand.weight.dtype), bias.to(self.expand.weight.dtype))


class NormalisedConvolution(nn.Module):
    """Batch normalisation, 3x3 convolution and, where ``norm_after``, batch normalisation again."""

    def __init__(self, inputs, outputs, norm_after):
        super().__init__()
        self.before = nn.BatchNorm2d(inputs)
        self.convolution = nn.Conv2d(inputs, outputs, 3)
        self.after = nn.BatchNorm2d(outputs) if norm_after else None

    def forward(self, features):
        offset = affine_of(self.before)[1]
        output = self.convolution(pad_with(self.before(features), offset))
        return output if self.after is None else self.after(output)

    @torch.no_grad()
    def fold(self):
        """The one convolution that computes the same in evaluation mode."""
        factor, offset = affine_of(self.before)
        weight = self.convolution.weight * factor.view(1, -1, 1, 1)
        bias = self.convolution.bias + self.convolution.weight.sum((2, 3)) @ offset
        if self.after is not None:
            factor, offset = affine_of(self.after)
            weight, bias = weight * factor.view(-1, 1, 1, 1), bias * factor + offset
        return filled_convolution(weight, bias)


class EnhancedResidualBlock(nn.Sequential):
    """Two reparameterisable convolutions with a leaky ReLU between."""

    def __init__(self, channels):
        super().__init__(
            ReparameterisableConvolution(channels), nn.LeakyReLU(SLOPE), ReparameterisableConvolution(channels)
        )


class HighFrequencyAttention(nn.Module):
    """Weights the features by a sigmoid of what a narrow branch of residual blocks finds in them."""

    def __init__(self, channels, branch_channels, blocks):
        super().__init__()
        self.squeeze = NormalisedConvolution(channels, branch_channels, norm_after=False)
        self.blocks = nn.Sequential(*[EnhancedResidualBlock(branch_channels) for _ in range(blocks)])
        self.excite = NormalisedConvolution(branch_channels, channels, norm_after=True)

    def forward(self, features):
        branch = F.leaky_relu(self.squeeze(features), SLOPE)
        branch = F.leaky_relu(self.blocks(branch), SLOPE)
        return features * torch.sigmoid(self.excite(branch))


class FMEN(SubPixelNetwork):
    """A warm-up attention, then four pairs of residual block and high-frequency attention."""

    def __init__(self, scale, image_skip=True):
        body = [conv3x3(CHANNELS, CHANNELS), HighFrequencyAttention(CHANNELS, FIRST_ATTENTION_CHANNELS, blocks=2)]
        for _ in range(PAIRS):
            body += [EnhancedResidualBlock(CHANNELS), HighFrequencyAttention(CHANNELS, ATTENTION_CHANNELS, blocks=1)]
        body.append(conv3x3(CHANNELS, CHANNELS))
        super().__init__(nn.Sequential(*body), scale, image_skip, CHANNELS)
