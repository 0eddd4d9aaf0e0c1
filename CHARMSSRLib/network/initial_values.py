"""Initial values that the network sets itself; the paper is silent about them (see docs/studies/comparison.md)."""

from __future__ import annotations

from torch import nn

OPEN = 3.0  # sigmoid(3) = 0.953


def open_gate(convolution: nn.Conv2d) -> nn.Conv2d:
    """Let the sigmoid behind a convolution start at about 0.95; returns the convolution.

    PyTorch's own values put every gate at one half, and sixteen residuals in a row at half
    their size learn slowly.
    """
    assert convolution.bias is not None
    nn.init.constant_(convolution.bias, OPEN)
    return convolution


def faint(convolution: nn.Conv2d) -> nn.Conv2d:
    """Let a convolution start at a tenth of its size, so that the residual that it ends adds little yet; returns it."""
    assert convolution.bias is not None
    nn.init.zeros_(convolution.bias)
    convolution.weight.data.mul_(0.1)
    return convolution


def silent(convolution: nn.Conv2d) -> nn.Conv2d:
    """Let a convolution start at zero, so that the residual that it ends adds nothing yet; returns the convolution."""
    nn.init.zeros_(convolution.weight)
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
    return convolution
