"""Counts a network's multiply-accumulates."""

import copy

import torch
from torch.utils.flop_counter import FlopCounterMode


def count_macs(network, height, width, in_channels=1):
    """Multiply-accumulates of convolutions and matrix products for one slice.

    A figure of FLOPs is twice this. Nothing is computed: a copy of the network runs on
    torch's meta device, where tensors have only shapes.

    Args:
        network: maps (1, in_channels, height, width) to an image.
        height: size of the low-resolution slice that the network reads.
        width: likewise.
        in_channels: of the network's input.
    """
    shapes_only = copy.deepcopy(network).eval().to("meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shapes_only(torch.empty(1, in_channels, height, width, device="meta"))
    return counter.get_total_flops() // 2
