"""A frozen convolution with its activation, and the addition of another image."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

_ACTIVATIONS = {"none": lambda image: image, "relu": torch.relu_, "sigmoid": torch.sigmoid_}


class FrozenConvolution(nn.Module):
    """activation(conv(x)), or conv(x) + other, stride 1; channels-last, no gradients.

    A 1x1 convolution is a matrix product on the channels-last rows; the rest happens in place.

    Shape: (N, C_in, H, W) -> (N, C_out, H, W).

    Args:
        weight: (C_out, C_in / groups, k, k).
        bias: (C_out,).
        padding: as nn.Conv2d's; padding and dilation one number for both axes.
        dilation: likewise.
        groups: likewise.
        activation: "none", "relu" or "sigmoid".
    """

    def __init__(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        activation: str = "none",
    ) -> None:
        super().__init__()
        weight = weight.detach().clone().contiguous(memory_format=torch.channels_last)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = nn.Parameter(bias.detach().clone(), requires_grad=False)
        self.padding, self.dilation, self.groups, self.activation = padding, dilation, groups, activation

    @classmethod
    def of(cls, layer: Any, activation: str = "none") -> FrozenConvolution:
        """The frozen form of an ``nn.Conv2d`` that has a bias."""
        return cls(layer.weight, layer.bias, layer.padding[0], layer.dilation[0], layer.groups, activation)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return _ACTIVATIONS[self.activation](self._convolved(image))

    def plus(self, image: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """conv(image) + other, a new tensor; the activation has no part in it."""
        return self._convolved(image).add_(other)

    def _convolved(self, image):
        if self.groups == 1 and self.weight.shape[-1] == 1:
            return as_image(F.linear(as_rows(image), self.weight[:, :, 0, 0], self.bias))
        return F.conv2d(image, self.weight, self.bias, 1, self.padding, self.dilation, self.groups)


def as_rows(image: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) channels-last -> (N, H, W, C), a view."""
    return image.permute(0, 2, 3, 1)


def as_image(rows: torch.Tensor) -> torch.Tensor:
    """(N, H, W, C) -> (N, C, H, W) channels-last, a view."""
    return rows.permute(0, 3, 1, 2)
