"""What a network does to noise: nothing, if it is to be trusted with a noisy scan.

The rule: on pure Rician noise the standard deviation of (output - bicubic interpolation) is at
most a tenth of the noise's. Beside it, because a scan is not pure noise, the same figure for
noise on an even signal and on a quiet volume: what the network makes of the noise there.
"""

import numpy as np
import torch
from scipy import ndimage

from CHARMSSRLib.engines.torch_engine import TorchModel
from CHARMSSRLib.enhancement.inference import SliceEnhancer
from CHARMSSRLib.grids.resize import bicubic_downsample, bicubic_upsample
from CHARMSSRLib.grids.slices import plan_slices
from CHARMSSRLib.measures.fidelity import brain_range
from CHARMSSRLib.preprocessing.intensity import IntensityScale, fit_intensity_scale

from ..comparison.protocol import central_slices
from ..training.degradations import rician
from ..training.validation import crop_to_multiple

LIMIT = 0.1  # of the noise's SD
EDGE = 4  # LR pixels at the mask's edge that do not count: an edge may be sharpened
SHAPE = (4, 96, 96)  # slices, rows, columns of the made-up volumes
SIGMAS = (0.01, 0.02, 0.05, 0.1)  # of the intensity range
AS_IS = IntensityScale(0.0, 1.0)


def noise_amplification(network, card, sigma=None, signal=0.0, shape=SHAPE, seed=0, device="cpu", batch=0):
    """What a network adds to Rician noise on an even signal, per unit of the noise.

    Args:
        network: CHARMS in evaluation mode.
        card: its card; "intensity" and "margin" are read.
        sigma: SD of the noise in each complex channel, in units of the intensity range that the
            network knows. None takes pure noise through the card's own scaling, as ``enhance``
            would scale a volume that is nothing but noise; ``signal`` must then be 0.
        signal: even intensity under the noise inside the mask, in the same units; 0: pure noise.
        shape: (slices, rows, columns) of the volume; an ellipse in each slice is the mask.
        seed: of the noise.
        device: where torch computes.
        batch: slices at a time, 0 for the device's default.

    Returns:
        dict: ``sigma``, ``signal``, ``noise_sd`` (SD of what the noise changed in the input),
        ``added_sd`` (SD of what the network made of it beyond bicubic interpolation), ``ratio``
        (the second by the first: the rule), ``ratio_to_mask_edge`` (the same without leaving out
        the outermost pixels of the mask) and ``gain`` (SD of the noise in the output by its SD in
        the bicubic interpolation: above 1 the network sharpens noise, below 1 it removes some).

    Raises:
        ValueError: a signal without a sigma.
    """
    if sigma is None and signal:
        raise ValueError("noise on a signal needs its sigma")
    mask = elliptic_mask(shape)
    clean = np.where(mask, np.float32(signal), np.float32(0))
    noisy = add_rician(clean, 1.0 if sigma is None else sigma, seed)
    scale = fit_intensity_scale(noisy, mask, card["intensity"]) if sigma is None else AS_IS
    figures = noise_response(network, card, clean, noisy, mask, scale, device, batch)
    return {"sigma": sigma, "signal": signal, **figures}


def noise_response(network, card, clean, noisy, mask, scale, device="cpu", batch=0):
    """What a network makes of the difference between a noisy and a clean volume, beyond interpolation.

    SD of (output(noisy) - output(clean)) - (bicubic(noisy) - bicubic(clean)) by the SD of
    (noisy - clean), inside the mask. Where the clean volume is nil, output(clean) is nil up to
    the network's constant, and the figure is that of the rule for pure noise.

    Args:
        network: in evaluation mode.
        card: of the checkpoint.
        clean: arrays (n, h, w) in one unit.
        noisy: likewise.
        mask: (n, h, w), non-zero inside.
        scale: ``IntensityScale`` that both go through.
        device: where torch computes.
        batch: slices at a time, 0 for the device's default.

    Returns:
        dict of ``noise_sd``, ``added_sd``, ``ratio``, ``ratio_to_mask_edge``, ``gain`` (see ``noise_amplification``).
    """
    mask = np.asarray(mask) > 0
    inner = ndimage.binary_erosion(mask, np.ones((1, 2 * EDGE + 1, 2 * EDGE + 1)))
    interpolated, added = enhanced_slices(network, card, noisy, mask, scale, device, batch)
    if clean[mask].any():
        quiet = enhanced_slices(network, card, clean, mask, scale, device, batch)
        interpolated, added = interpolated - quiet[0], added - quiet[1]
    change = scale.apply(noisy) - scale.apply(clean)
    large, large_inner = (one.repeat(network.scale, 1).repeat(network.scale, 2) for one in (mask, inner))
    noise_sd, added_sd = float(change[inner].std()), float(added[large_inner].std())
    return {
        "noise_sd": noise_sd,
        "added_sd": added_sd,
        "ratio": added_sd / noise_sd,
        "ratio_to_mask_edge": float(added[large].std() / change[mask].std()),
        "gain": float((interpolated + added)[large_inner].std() / interpolated[large_inner].std()),
    }


def noise_on_stack(network, card, stack, mask, sigma, count=4, seed=0, device="cpu", batch=0):
    """The response to noise on top of a volume's anatomy.

    Args:
        network: in evaluation mode.
        card: of the checkpoint.
        stack: (n, H, W), a high-resolution volume in any unit; its central ``count`` slices, made coarse by the paper's
            operator, are the clean input.
        mask: (n, H, W), brain where non-zero.
        sigma: SD of the noise in each complex channel per unit of the 99.9th percentile in the brain.
        count: slices.
        seed: of everything that is drawn.
        device: where torch computes.
        batch: slices at a time, 0 for the device's default.

    Returns:
        dict of ``sigma`` and the figures of ``noise_response``.
    """
    scale, chosen = network.scale, central_slices(len(stack), count)
    noise = sigma * brain_range(stack, mask)
    stack, mask = (np.ascontiguousarray(crop_to_multiple(one[chosen], scale)) for one in (stack, mask))
    clean = bicubic_downsample(torch.from_numpy(stack)[:, None], scale)[:, 0].numpy()
    mask = mask[:, ::scale, ::scale] > 0
    intensity = fit_intensity_scale(clean, mask, card["intensity"])
    noisy = add_rician(clean, noise, seed)
    return {"sigma": sigma, **noise_response(network, card, clean, noisy, mask, intensity, device, batch)}


def enhanced_slices(network, card, values, mask, scale, device="cpu", batch=0):
    """The slice path of ``enhance``: scaled, one box for all slices, with what surrounds the brain.

    Returns:
        (bicubic interpolation, output minus it): arrays (n, s*h, s*w), float32, on the network's
        intensity scale; the second is nil outside the box.
    """
    stack = np.maximum(scale.apply(values), np.float32(0))
    plan = plan_slices(mask, 0, card.get("margin", 16))
    output = bicubic_upsample(torch.from_numpy(stack)[:, None], network.scale)[:, 0].numpy()
    interpolated = output.copy()
    enhancer = SliceEnhancer(TorchModel(network), device, batch=batch)
    enhancer.run(stack, plan.indices, output, plan.rows, plan.columns)
    # The box's own interpolation differs from the frame's in the two pixels at its edge, which are background.
    return interpolated, output - interpolated


def add_rician(values, sigma, seed=0):
    """A volume (numpy, any shape) with Rician noise of SD ``sigma`` in each complex channel, float32."""
    return rician(torch.from_numpy(np.asarray(values, np.float32)), sigma, torch.Generator().manual_seed(seed)).numpy()


def elliptic_mask(shape):
    """Boolean (n, h, w): in each slice the same ellipse, three quarters of the slice's width and height."""
    n, h, w = shape
    y, x = (np.linspace(-1, 1, size)[:, None] for size in (h, w))
    inside = (y / 0.75) ** 2 + (x.T / 0.75) ** 2 <= 1
    return np.broadcast_to(inside, (n, h, w)).copy()
