"""Times networks against each other in one process."""

import torch

from .timing import spreads, take_turns


def milliseconds_per_slice(networks, height, width, device="cpu", rounds=5):
    """Time of one slice at batch 1, median over rounds.

    The networks take turns in every round, so that another load on the machine falls on
    all of them; their ratios are steadier than the times.

    Args:
        networks: dict name -> network, in evaluation mode.
        height: of the LR slice.
        width: likewise.
        device: where torch computes.
        rounds: after one round to warm up.

    Returns:
        dict name -> milliseconds.
    """
    device = torch.device(device)
    image = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0)).to(device)
    work = {name: forward(network.to(device), image) for name, network in networks.items()}
    return {name: 1000 * one.median for name, one in spreads(take_turns(work, device, rounds)).items()}


def forward(network, image):
    """A function without arguments that sends the image through the network, without gradients."""

    def run():
        with torch.inference_mode():
            return network(image)

    return run
