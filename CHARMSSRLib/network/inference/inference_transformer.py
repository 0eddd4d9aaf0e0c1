"""The Transformer in its form for inference: one matrix per image and dilation rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from .frozen_convolution import FrozenConvolution, as_image, as_rows

if TYPE_CHECKING:
    pass


class FoldedTransformer(nn.Module):
    """MDDTA and GDDFN, folded and frozen; norms, Gram matrices and softmax in float32.

    In MDDTA the 16 x 16 Gram matrix is normalised instead of Q and K, and a rate's weight, its
    attention and the output projection become one 64 x 64 matrix per image.

    Shape: (N, C, H, W) channels-last -> the same.
    """

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        self.norm1, self.norm2 = _FrozenNorm(transformer.norm1), _FrozenNorm(transformer.norm2)
        mddta, gddfn = transformer.mddta, transformer.gddfn
        self.heads = mddta.heads
        self.qkv = FrozenConvolution.of(mddta.qkv)
        self.depthwise = nn.ModuleList(FrozenConvolution.of(one) for one in mddta.depthwise)
        self.temperature, self.rate_weights = frozen(mddta.temperature), frozen(mddta.rate_weights)
        self.project, self.project_bias = frozen(mddta.project.weight[:, :, 0, 0]), frozen(mddta.project.bias)
        self.expand, self.gate = FrozenConvolution.of(gddfn.expand), FrozenConvolution.of(gddfn.depthwise)
        self.out = FrozenConvolution.of(gddfn.project)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        features = self._attend(self.norm1(features), features)
        gate, value = self.gate(self.expand(self.norm2(features))).chunk(2, dim=1)
        return self.out.plus(F.gelu(gate).mul_(value), features)

    def _attend(self, normalised, features):
        n, c, h, w = features.shape
        tokens = self.qkv(normalised)
        total = as_rows(features).reshape(n, h * w, c) + self.project_bias
        for rate, depthwise in enumerate(self.depthwise):
            qkv = as_rows(depthwise(tokens)).reshape(n, h * w, 3 * c)
            total = torch.baddbmm(total, qkv[..., 2 * c :], self._matrix(qkv.float(), rate).to(qkv.dtype))
        return as_image(total.view(n, h, w, c))

    def _matrix(self, qkv, rate):
        """(project * rate weight * attention) as one (N, C, C) matrix that multiplies rows of V; qkv (N, HW, 3C)."""
        n, c = len(qkv), qkv.shape[-1] // 3
        each = c // self.heads
        q, k = qkv[..., :c], qkv[..., c : 2 * c]
        # All channels with all: the heads' own blocks lie on the diagonal. Four times the products, no copy.
        gram = (q.transpose(1, 2) @ k).view(n, self.heads, each, self.heads, each)
        gram = gram.diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)
        # Of V too: one pass over memory in its order is faster than two that skip.
        # F.normalize divides by max(norm, 1e-12); the same floor here.
        lengths = qkv.square().sum(1).sqrt().clamp_min(1e-12).view(n, 3, self.heads, each)
        length_q, length_k = lengths[:, 0], lengths[:, 1]
        gram = gram / length_q[..., :, None] / length_k[..., None, :]
        attention = (self.temperature[rate].float().view(1, -1, 1, 1) * gram).softmax(-1)
        project = self.project.float().view(c, self.heads, each)
        folded = torch.einsum("ohi,nhij->nhjo", project, attention).reshape(n, c, c)
        return folded * self.rate_weights[rate].float()


class _FrozenNorm(nn.Module):
    """ChannelLayerNorm without gradients; computed in float32 whatever the precision."""

    def __init__(self, norm):
        super().__init__()
        self.weight, self.bias, self.eps = frozen(norm.weight), frozen(norm.bias), norm.eps

    def forward(self, image):
        rows, weight, bias = as_rows(image).float(), self.weight.float(), self.bias.float()
        return as_image(F.layer_norm(rows, weight.shape, weight, bias, self.eps).to(image.dtype))


def frozen(tensor: torch.Tensor) -> nn.Parameter:
    """A copy as a parameter without gradient."""
    return nn.Parameter(tensor.detach().clone().contiguous(), requires_grad=False)
