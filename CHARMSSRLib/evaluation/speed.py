"""Times networks against each other in one process."""

import statistics
import time

import torch


@torch.no_grad()
def milliseconds_per_slice(networks, height, width, device="cpu", rounds=5):
    """Time of one slice at batch 1, median over rounds.

    The networks take turns in every round, so that another load on the machine falls on
    all of them; their ratios are steadier than the times.

    Args:
        networks: dict name -> network, in evaluation mode. height, width: of the LR slice.
        rounds: after one round to warm up.

    Returns:
        dict name -> milliseconds.
    """
    device = torch.device(device)
    image = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0)).to(device)
    times = {name: [] for name in networks}
    for turn in range(rounds + 1):
        for name, network in networks.items():
            network.to(device)
            _wait_for(device)
            start = time.perf_counter()
            network(image)
            _wait_for(device)
            if turn:
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(one) for name, one in times.items()}


def _wait_for(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
