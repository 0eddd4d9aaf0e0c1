"""What fine-tuning trains (section 3.8 of the paper): the transformer, the upsampler, HFIR and the tail.

Head, RRAF blocks and fuse stay as they are. No gradient passes through them, so they run without
a graph: a step costs less than half of a step of the whole network, and a fraction of its memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from ..network.charms import CHARMS

TRAINED = ("transformer", "upsampler", "refinement", "tail")


def freeze_front(network: CHARMS) -> dict[str, torch.nn.Parameter]:
    """Let only the parts of TRAINED have gradients.

    Args:
        network: CHARMS; changed in place.

    Returns:
        dict name -> parameter of what is trained: 197,072 values at x2, 344,784 at x4.
    """
    trained = {}
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.partition(".")[0] in TRAINED)
        if parameter.requires_grad:
            trained[name] = parameter
    return trained


def frozen_features(network: CHARMS, slices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The features of the frozen part, without a graph: (N, channels, H, W) -> two of (N, 64, H, W).

    The attention maps that it records are constants. L_AR of them is a constant too: it counts in
    the loss and moves nothing, exactly as if the graph had been kept, since no trained parameter
    lies before them.
    """
    with torch.no_grad():
        return network.extract(slices)
