"""The inference form: the same function as CHARMS, folded and frozen.

What changes, and why it is faster on the same values:

- everything is channels-last, and what follows a convolution happens in place (``frozen_convolution``);
- the channel shuffle (linear) becomes one dense 1x1 with its skip folded in;
- ``fuse`` is a running sum of products, without the 320-channel concatenation;
- the Transformer's attention becomes one matrix per image and rate (``inference_transformer``);
- no attention map is kept.

It serves graphics cards, half precision and the laboratory. On processors the engine ncnn is faster.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from ...grids.resize import bicubic_upsample
from ..channel_shuffle import ChannelShuffle
from ..pca import PixelChannelAttention
from .frozen_convolution import FrozenConvolution, as_image, as_rows
from .inference_transformer import FoldedTransformer

if TYPE_CHECKING:
    from ..charms import CHARMS


class InferenceForm(nn.Module):
    """Built by ``CHARMS.for_inference()``; equal to the network it came from to 1e-5.

    Has no gradients. May be moved to a device and to half precision; slices stay as they are
    then: the bicubic skip and the sum with the detail are computed in the slices' own precision.

    Shape: (N, in_channels, H, W) -> (N, 1, scale*H, scale*W), in the dtype of the input.
    """

    def __init__(self, network: CHARMS) -> None:
        super().__init__()
        self.scale, self.arguments = network.scale, network.arguments
        self.head = FrozenConvolution.of(network.head)
        self.blocks = nn.ModuleList(_FoldedRRAF(block) for block in network.backbone)
        self.fuse = nn.ModuleList(_split_fuse(network.fuse))
        self.transformers = nn.ModuleList(FoldedTransformer(one) for one in network.transformer)
        self.upsampler = nn.ModuleList(_sorted_stage(layer) for layer in network.upsampler if _is_conv(layer))
        self.finish = _Finish(network.refinement, network.tail)
        self.eval()

    @torch.no_grad()
    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        middle = slices.shape[1] // 2
        own = slices.to(self.head.weight.dtype)
        shallow = self.head(_channels_last(own))
        features, fused = shallow, self.fuse[0](shallow)
        fuse: Any
        for block, fuse in zip(self.blocks, self.fuse[1:]):
            features = block(features)
            fused = fuse.plus(features, fused)
        for transformer in self.transformers:
            fused = transformer(fused)
        features = fused.add_(shallow)
        for stage in self.upsampler[:-1]:
            features = _shuffled(stage(features))
        detail = self.finish(self.upsampler[-1](features))
        return detail.to(slices.dtype) + bicubic_upsample(slices[:, middle : middle + 1], self.scale)


class _FoldedRRAF(nn.Module):
    def __init__(self, block):
        super().__init__()
        self.units = nn.ModuleList(_FoldedRLFE(unit) for unit in block.units)
        self.mix = (
            FrozenConvolution(*fold_shuffle(block.shuffle)) if isinstance(block.shuffle, ChannelShuffle) else None
        )
        self.pca = _FoldedPCA(block.pca) if isinstance(block.pca, PixelChannelAttention) else None

    def forward(self, features):
        for unit in self.units:
            features = unit(features)
        if self.mix is not None:
            features = self.mix(features)
        return self.pca(features) if self.pca is not None else features


class _FoldedRLFE(nn.Module):
    def __init__(self, unit):
        super().__init__()
        self.conv1, self.conv2 = FrozenConvolution.of(unit.conv1, "relu"), FrozenConvolution.of(unit.conv2)
        esa = unit.esa
        self.down, self.pool, self.d1 = FrozenConvolution.of(esa.down), esa.pool, FrozenConvolution.of(esa.d1, "relu")
        self.d2, self.up = FrozenConvolution.of(esa.d2), FrozenConvolution.of(esa.up, "sigmoid")

    def forward(self, features):
        y = self.conv2(self.conv1(features))
        attention = self.up(self.d2(self.d1(self.pool(self.down(y)))))
        attention = F.interpolate(attention, size=y.shape[-2:], mode="bilinear", align_corners=False)
        return torch.addcmul(features, y, attention, out=y)


class _FoldedPCA(nn.Module):
    def __init__(self, pca):
        super().__init__()
        self.conv, self.pixel = FrozenConvolution.of(pca.conv), FrozenConvolution.of(pca.pixel, "sigmoid")
        self.channel = FrozenConvolution.of(pca.channel, "sigmoid")
        # (A_p + A_c) / 2: the half is taken on the weights of the product that follows.
        self.project = FrozenConvolution(pca.project.weight / 2, pca.project.bias)

    def forward(self, features):
        g = self.conv(features)
        mean = g.float().mean((2, 3), keepdim=True).to(g.dtype)
        attention = self.pixel(g).add_(self.channel(mean))
        return self.project.plus(g.mul_(attention), features)


class _Finish(nn.Module):
    """The last PixelShuffle, HFIR and the tail: (N, 4C, H, W), sorted channels -> (N, 1, 2H, 2W)."""

    def __init__(self, refinement, tail):
        super().__init__()
        steps = list(getattr(refinement, "steps", ()))
        self.depthwise = nn.ModuleList(FrozenConvolution.of(step[0]) for step in steps)
        self.pointwise = nn.ModuleList(
            FrozenConvolution.of(step[1], "sigmoid" if step is steps[-1] else "relu") for step in steps
        )
        self.tail = FrozenConvolution.of(tail)

    def forward(self, packed):
        upsampled = _shuffled(packed)
        if not len(self.depthwise):
            return self.tail(upsampled)
        gate = upsampled
        for depthwise, pointwise in zip(self.depthwise, self.pointwise):
            gate = pointwise(depthwise(gate))
        return self.tail(torch.addcmul(upsampled, gate, upsampled, out=gate))


def _channels_last(slices):
    """The slices with the strides of channels-last.

    With one channel both layouts are the same in memory, and ``contiguous`` leaves the strides of the
    other: the head's 64 channels, which every block adds to, would then not be channels-last.
    """
    n, c, h, w = slices.shape
    return slices.contiguous(memory_format=torch.channels_last).as_strided(slices.shape, (h * w * c, 1, w * c, c))


def _sorted_stage(layer):
    """The convolution before a PixelShuffle(2) with its channels sorted so that whole pixels move.

    PixelShuffle takes channel 4 c + 2 i + j to row 2 h + i, column 2 w + j; sorted, (i, j, c) is the order.
    """
    order = torch.arange(layer.out_channels).view(-1, 2, 2).permute(1, 2, 0).flatten()
    return FrozenConvolution(layer.weight[order], layer.bias[order], layer.padding[0])


def _shuffled(packed):
    """PixelShuffle(2) of sorted channels: (N, 4C, H, W) -> (N, C, 2H, 2W)."""
    rows = as_rows(packed)
    n, h, w, channels = rows.shape
    rows = rows.reshape(n, h, w, 2, channels // 2).permute(0, 1, 3, 2, 4)
    return as_image(rows.reshape(n, 2 * h, 2 * w, channels // 4))


def _is_conv(layer):
    return isinstance(layer, nn.Conv2d)


def _split_fuse(fuse):
    """The 1x1 convolution on the concatenated stages as one for each stage; the first has the bias."""
    parts = fuse.weight.split(fuse.out_channels, dim=1)
    return [
        FrozenConvolution(part, fuse.bias if i == 0 else torch.zeros_like(fuse.bias)) for i, part in enumerate(parts)
    ]


def fold_shuffle(shuffle: ChannelShuffle) -> tuple[torch.Tensor, torch.Tensor]:
    """The shuffle's skip, two grouped 1x1 and permutation as one dense (C, C, 1, 1) weight and a bias."""
    channels = shuffle.p2.out_channels
    basis = torch.eye(channels, dtype=torch.float64).view(channels, channels, 1, 1)
    exact = copy.deepcopy(shuffle).double().cpu()
    with torch.no_grad():
        bias = exact(torch.zeros(1, channels, 1, 1, dtype=torch.float64)).flatten()
        matrix = (exact(basis).view(channels, channels) - bias).T
    reference = shuffle.p1.weight
    return matrix.to(reference).view(channels, channels, 1, 1), bias.to(reference)
