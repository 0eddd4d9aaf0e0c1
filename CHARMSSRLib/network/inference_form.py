"""The inference form: the same function as CHARMS, folded and frozen.

What changes, and why it is faster on the same values:

- everything is channels-last, so 1x1 convolutions are matrix products on contiguous rows;
- the channel shuffle (linear) becomes one dense 1x1 with its skip folded in;
- ``fuse`` is a running sum of products, without the 320-channel concatenation;
- in MDDTA the 16 x 16 Gram matrix is normalised instead of Q and K, and the rates'
  weights, the attention and the output projection become one 64 x 64 matrix per image;
- residuals are added in place; no attention map is kept.
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from .channel_shuffle import ChannelShuffle
from .charms import bicubic_upsample
from .pca import PixelChannelAttention


class InferenceForm(nn.Module):
    """Built by ``CHARMS.for_inference()``; equal to the network it came from to 1e-5.

    Shape: (N, in_channels, H, W) -> (N, 1, scale*H, scale*W). Has no gradients.
    """

    def __init__(self, network):
        super().__init__()
        self.scale, self.arguments = network.scale, network.arguments
        self.head = _frozen(network.head)
        self.blocks = nn.ModuleList(_FoldedRRAF(block) for block in network.backbone)
        weight = network.fuse.weight.detach()[:, :, 0, 0]
        self.fuse_weights = nn.ParameterList(_constant(part) for part in weight.split(weight.shape[0], dim=1))
        self.fuse_bias = _constant(network.fuse.bias)
        self.transformers = nn.ModuleList(_FoldedTransformer(one) for one in network.transformer)
        self.upsampler = _frozen(network.upsampler)
        self.refinement = _FoldedHFIR(network.refinement) if hasattr(network.refinement, "steps") else None
        self.tail = _frozen(network.tail)
        self.eval()

    @torch.no_grad()
    def forward(self, slices):
        middle = slices.shape[1] // 2
        shallow = self.head(slices.contiguous(memory_format=torch.channels_last))
        features = shallow
        fused = F.linear(_rows(shallow), self.fuse_weights[0], self.fuse_bias)
        for block, weight in zip(self.blocks, self.fuse_weights[1:]):
            features = block(features)
            fused += F.linear(_rows(features), weight)
        for transformer in self.transformers:
            fused = transformer(fused)
        features = _image(fused).add_(shallow)
        features = self.upsampler(features)
        if self.refinement is not None:
            features = self.refinement(features)
        detail = self.tail(features)
        return detail + bicubic_upsample(slices[:, middle : middle + 1].to(detail.dtype), self.scale)


class _FoldedRRAF(nn.Module):
    def __init__(self, block):
        super().__init__()
        self.units = nn.ModuleList(_FoldedRLFE(unit) for unit in block.units)
        self.mix = None
        if isinstance(block.shuffle, ChannelShuffle):
            weight, bias = _fold_shuffle(block.shuffle)
            self.mix, self.mix_bias = _constant(weight), _constant(bias)
        self.pca = _FoldedPCA(block.pca) if isinstance(block.pca, PixelChannelAttention) else None

    def forward(self, features):
        for unit in self.units:
            features = unit(features)
        if self.mix is not None:
            features = _image(F.linear(_rows(features), self.mix, self.mix_bias))
        return self.pca(features) if self.pca is not None else features


class _FoldedRLFE(nn.Module):
    def __init__(self, unit):
        super().__init__()
        self.conv1, self.conv2, self.esa = _frozen(unit.conv1), _frozen(unit.conv2), _frozen(unit.esa)

    def forward(self, features):
        y = self.conv2(F.relu_(self.conv1(features)))
        attention = self.esa.attention(y)
        y *= F.interpolate(attention, size=y.shape[-2:], mode="bilinear", align_corners=False)
        return y.add_(features)


class _FoldedPCA(nn.Module):
    def __init__(self, pca):
        super().__init__()
        self.conv = _frozen(pca.conv)
        for name in ("pixel", "channel", "project"):
            layer = getattr(pca, name)
            setattr(self, name, _constant(layer.weight[:, :, 0, 0]))
            setattr(self, name + "_bias", _constant(layer.bias))

    def forward(self, features):
        g = _rows(self.conv(features))
        mean = g.float().mean((1, 2), keepdim=True).to(g.dtype)
        attention = F.linear(g, self.pixel, self.pixel_bias).sigmoid_()
        attention += F.linear(mean, self.channel, self.channel_bias).sigmoid_()
        # (A_p + A_c) / 2: the half is taken in the product's place, on the weights.
        out = F.linear(g.mul_(attention), self.project / 2, self.project_bias)
        return _image(out.add_(_rows(features)))


class _FoldedTransformer(nn.Module):
    """Works on rows (N, H, W, C)."""

    def __init__(self, transformer):
        super().__init__()
        self.norm1, self.norm2 = _frozen(transformer.norm1), _frozen(transformer.norm2)
        mddta, gddfn = transformer.mddta, transformer.gddfn
        self.heads = mddta.heads
        self.qkv, self.qkv_bias = _constant(mddta.qkv.weight[:, :, 0, 0]), _constant(mddta.qkv.bias)
        self.depthwise = _frozen(mddta.depthwise)
        self.temperature, self.rate_weights = _constant(mddta.temperature), _constant(mddta.rate_weights)
        self.project, self.project_bias = _constant(mddta.project.weight[:, :, 0, 0]), _constant(mddta.project.bias)
        self.expand, self.expand_bias = _constant(gddfn.expand.weight[:, :, 0, 0]), _constant(gddfn.expand.bias)
        self.gate = _frozen(gddfn.depthwise)
        self.out, self.out_bias = _constant(gddfn.project.weight[:, :, 0, 0]), _constant(gddfn.project.bias)

    def forward(self, rows):
        rows = self._attend(_normalised(rows, self.norm1), rows)
        expanded = F.linear(_normalised(rows, self.norm2), self.expand, self.expand_bias)
        gate, value = self.gate(_image(expanded)).permute(0, 2, 3, 1).chunk(2, dim=-1)
        rows += F.linear(F.gelu(gate).mul_(value), self.out, self.out_bias)
        return rows

    def _attend(self, normalised, rows):
        n, h, w, c = rows.shape
        tokens = _image(F.linear(normalised, self.qkv, self.qkv_bias))
        total = rows.view(n, h * w, c) + self.project_bias
        for rate, depthwise in enumerate(self.depthwise):
            q, k, v = depthwise(tokens).permute(0, 2, 3, 1).reshape(n, h * w, 3 * c).split(c, dim=-1)
            matrix = self._matrix(q, k, rate, n, c)
            total = torch.baddbmm(total, v, matrix.to(v.dtype))
        return total.view(n, h, w, c)

    def _matrix(self, q, k, rate, n, c):
        """(project * rate weight * attention) as one (N, C, C) matrix that multiplies rows of V."""
        each = c // self.heads
        q = q.reshape(n, -1, self.heads, each).permute(0, 2, 3, 1)
        k = k.reshape(n, -1, self.heads, each).permute(0, 2, 3, 1)
        q, k = q.float(), k.float()
        gram = q @ k.transpose(-2, -1)
        # F.normalize divides by max(norm, 1e-12); the same floor here.
        length_q = q.square().sum(-1).sqrt().clamp_min(1e-12)
        length_k = k.square().sum(-1).sqrt().clamp_min(1e-12)
        gram = gram / length_q[..., :, None] / length_k[..., None, :]
        attention = (self.temperature[rate].float().view(1, -1, 1, 1) * gram).softmax(-1)
        project = self.project.float().view(c, self.heads, each)
        folded = torch.einsum("ohi,nhij->nhjo", project, attention).reshape(n, c, c)
        return folded * self.rate_weights[rate].float()


class _FoldedHFIR(nn.Module):
    def __init__(self, refinement):
        super().__init__()
        self.depthwise = nn.ModuleList(_frozen(step[0]) for step in refinement.steps)
        self.weights = nn.ParameterList(_constant(step[1].weight[:, :, 0, 0]) for step in refinement.steps)
        self.biases = nn.ParameterList(_constant(step[1].bias) for step in refinement.steps)

    def forward(self, upsampled):
        gate = upsampled
        last = len(self.weights) - 1
        for i, (depthwise, weight, bias) in enumerate(zip(self.depthwise, self.weights, self.biases)):
            gate = F.linear(_rows(depthwise(gate)), weight, bias)
            gate = _image(gate.sigmoid_() if i == last else gate.relu_())
        return upsampled.addcmul_(gate, upsampled)


def _rows(image):
    """(N, C, H, W) channels-last -> (N, H, W, C), a view."""
    return image.permute(0, 2, 3, 1)


def _image(rows):
    """(N, H, W, C) -> (N, C, H, W) channels-last, a view."""
    return rows.permute(0, 3, 1, 2)


def _normalised(rows, norm):
    weight, bias = norm.weight.float(), norm.bias.float()
    return F.layer_norm(rows.float(), weight.shape, weight, bias, norm.eps).to(rows.dtype)


def _fold_shuffle(shuffle):
    """The shuffle's skip, two grouped 1x1 and permutation as one dense (C, C) matrix and a bias."""
    channels = shuffle.p2.out_channels
    basis = torch.eye(channels, dtype=torch.float64).view(channels, channels, 1, 1)

    exact = copy.deepcopy(shuffle).double().cpu()

    with torch.no_grad():
        bias = exact(torch.zeros(1, channels, 1, 1, dtype=torch.float64)).flatten()
        matrix = (exact(basis).view(channels, channels) - bias).T
    reference = shuffle.p1.weight
    return matrix.to(reference), bias.to(reference)


def _constant(tensor):
    return nn.Parameter(tensor.detach().clone().contiguous(), requires_grad=False)


def _frozen(module):
    """A copy without gradients in channels-last layout."""
    return copy.deepcopy(module).requires_grad_(False).to(memory_format=torch.channels_last)
