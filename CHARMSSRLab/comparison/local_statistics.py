"""CHARMS with the statistics of windows in the place of those of the whole slice, for measuring what they do.

PCA's mean and MDDTA's channel attention are taken over all pixels of a slice, but were
learned on small patches. The test-time local converter (TLC; Chu et al., "Improving Image
Restoration by Revisiting Global Information Aggregation", ECCV 2022) takes them over windows
of about the patches' size instead: each pixel's mean from the window around it, the
attention from overlapping windows whose answers are averaged. The weights stay as they are.
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from CHARMSSRLib.network.mddta import MDDTA
from CHARMSSRLib.network.pca import PixelChannelAttention


def with_local_statistics(network, window, attention=True):
    """A frozen copy of CHARMS that takes its statistics over windows.

    Args:
        network: CHARMS. window: side in LR pixels; axes that are shorter count whole, so that a
            window as large as the slice gives the network itself.
        attention: False leaves MDDTA's attention global: only PCA's mean is local.
    """
    if window < 1:
        raise ValueError(f"a window of {window} pixels holds nothing")
    local = copy.deepcopy(network).eval().requires_grad_(False)
    for module in list(local.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, PixelChannelAttention):
                setattr(module, name, LocalPixelChannelAttention(child, window))
            elif isinstance(child, MDDTA) and attention:
                setattr(module, name, LocalMDDTA(child, window))
    return local


def local_mean(image, window):
    """Mean over the window around each pixel: (N, C, H, W) -> the same shape.

    Where a window would reach beyond the image it is moved inside, as TLC does.
    """
    for axis, kernel in ((-2, (window, 1)), (-1, (1, window))):
        size = image.shape[axis]
        if window >= size:
            image = image.mean(axis, keepdim=True).expand_as(image)
            continue
        image = F.avg_pool2d(image, kernel, stride=1)
        before, after = (window - 1) // 2, window - 1 - (window - 1) // 2
        padding = (0, 0, before, after) if axis == -2 else (before, after, 0, 0)
        image = F.pad(image, padding, mode="replicate")
    return image


def window_starts(size, window):
    """First pixels of windows that cover an axis and overlap by about half."""
    if window >= size:
        return [0]
    count = -(-(size - window) // max(1, window // 2)) + 1
    return torch.linspace(0, size - window, count).round().int().tolist()


class LocalPixelChannelAttention(nn.Module):
    """PCA whose channel weights come from the mean over a window: they differ from pixel to pixel."""

    def __init__(self, pca, window):
        super().__init__()
        self.pca, self.window = pca, window

    def forward(self, features):
        g = self.pca.conv(features)
        mean = local_mean(g.float(), self.window).to(g.dtype)
        attention = (self.pca.pixel(g).sigmoid() + self.pca.channel(mean).sigmoid()) / 2
        return features + self.pca.project(g * attention)


class LocalMDDTA(nn.Module):
    """MDDTA whose attention is worked out window by window; where windows overlap the responses are averaged."""

    def __init__(self, mddta, window):
        super().__init__()
        self.mddta, self.window = mddta, window

    def forward(self, features):
        n, c, h, w = features.shape
        tokens = self.mddta.qkv(features)
        starts = [(y, x) for y in window_starts(h, self.window) for x in window_starts(w, self.window)]
        total, cover = torch.zeros_like(features), torch.zeros_like(features[:1, :1])
        for i, depthwise in enumerate(self.mddta.depthwise):
            # The convolution sees the whole slice: only the statistics are local.
            qkv = depthwise(tokens).reshape(n, 3, self.mddta.heads, c // self.mddta.heads, h, w)
            for y, x in starts:
                part = qkv[..., y : y + self.window, x : x + self.window]
                size = part.shape[-2:]
                q, k, v = part.flatten(-2).unbind(1)
                response = self.mddta.rate_weights[i] * (self.mddta.attention(q, k, i).to(v.dtype) @ v)
                total[..., y : y + size[0], x : x + size[1]] += response.reshape(n, c, *size)
                if i == 0:
                    cover[..., y : y + size[0], x : x + size[1]] += 1
        return self.mddta.project(total / cover)
