"""The figure that a training run watches: brain-masked PSNR over a few slices per volume."""

import numpy as np
import torch

from CHARMSSRLib.grids.resize import bicubic_upsample

from .degradations import degrade


def crop_to_multiple(array, scale):
    """Cut the last two axes to a multiple of ``scale``, so that pairs can be made."""
    height, width = (n - n % scale for n in array.shape[-2:])
    return array[..., :height, :width]


def channels_of(network):
    """How many neighbouring slices a network reads: 1, but for 2.5-D ones."""
    return getattr(network, "arguments", {}).get("in_channels", 1)


def with_neighbours(slices, channels):
    """A stack (n, 1, h, w) as 2.5-D input (n, channels, h, w); beyond the ends the last slice repeats."""
    reach = channels // 2
    numbers = torch.arange(len(slices))[:, None] + torch.arange(-reach, reach + 1)
    return slices[numbers.clamp(0, len(slices) - 1), 0]


@torch.no_grad()
def validate(network, volumes, scale, degradation, normalisation, slices_per_volume, device):
    """Mean over the volumes of the brain-masked PSNR, for the network and for bicubic.

    Each volume's range is the 99.9th percentile of its own intensities. The degradation is
    seeded by the volume's number: the same at every call.

    Returns:
        dict with psnr and bicubic_psnr in dB; empty when there is no volume.
    """
    if not volumes:
        return {}
    training = network.training
    network.eval()
    channels = channels_of(network)
    reach = channels // 2
    scores, baselines = [], []
    for number, volume in enumerate(volumes):
        stack = volume.normalised(normalisation)
        chosen = np.unique(np.linspace(0.15, 0.85, slices_per_volume) * (len(stack) - 1)).astype(int)
        around = np.clip(chosen[:, None] + np.arange(-reach, reach + 1), 0, len(stack) - 1)
        hr = torch.from_numpy(np.ascontiguousarray(crop_to_multiple(stack[around.ravel()], scale)))[:, None]
        mask = torch.from_numpy(np.ascontiguousarray(crop_to_multiple(volume.mask[chosen], scale)))[:, None]
        lr = degrade(hr, scale, degradation, torch.Generator().manual_seed(number))
        lr = lr.unflatten(0, (-1, channels))[:, :, 0]
        hr = hr[reach::channels]
        output = torch.cat([network(one[None].to(device)).float().cpu() for one in lr])
        lower, upper = volume.limits(normalisation)
        data_range = (volume.percentile - lower) / (upper - lower)
        scores.append(_psnr(output, hr, mask, data_range))
        baselines.append(_psnr(bicubic_upsample(lr[:, reach : reach + 1], scale), hr, mask, data_range))
    network.train(training)
    return {"psnr": float(np.mean(scores)), "bicubic_psnr": float(np.mean(baselines))}


def _psnr(output, reference, mask, data_range):
    error = (output - reference)[mask].square().mean().clamp_min(1e-12)
    return float(10 * torch.log10(data_range**2 / error))
