"""What becomes of weak noise and of steep edges: two terms of the loss that hold each other in balance.

An error in L1 hardly feels what a network does to weak noise where there is structure, but a reader sees it. So
half of a batch is shown a second time with a little noise, and what that changes is weighed against what it would
change in an interpolated image: the figure "noise among the anatomy" of ``measures.native`` as a loss. Alone it
would also blunt edges; what they lack of their targets' slope is the other term.
"""

import numpy as np
import torch
import torch.nn.functional as F

from CHARMSSRLib.grids.resize import bicubic_upsample

from .degradations import coloured_rician

WEAKEST, STRONGEST = 0.002, 0.02  # SD of the added noise, per unit of the intensity range
STEEPEST = 0.1  # share of the pixels that count as edges
WHITE = 0.75  # share of white noise; the rest is a little smooth


def probed(lr, key):
    """Half of a batch with weak noise in it, as a function of the key alone.

    Args:
        lr: (N, c, h, w).
        key: whole numbers.

    Returns:
        (ceil(N / 2), c, h, w), on the device of ``lr``.
    """
    rng = np.random.default_rng(key)
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    again = []
    for one in lr[: (len(lr) + 1) // 2].cpu():
        sigma = float(np.exp(rng.uniform(np.log(WEAKEST), np.log(STRONGEST))))
        fwhm = 0.0 if rng.random() < WHITE else rng.uniform(0.5, 1.5)
        again.append(torch.cat([coloured_rician(plane[None, None], sigma, fwhm, generator) for plane in one], 1))
    return torch.cat(again).to(lr)


def growth_of_noise(output, lr, hr):
    """RMS of what weak noise becomes, in units of what it becomes in an interpolated image, among the anatomy; a mean.

    Args:
        output: (N + M, 1, H, W), of the batch and of its first M samples with noise.
        lr: (N + M, c, h, w), their inputs.
        hr: (N, 1, H, W), the targets: anatomy is where their slope is above its median.
    """
    whole, again = len(hr), len(lr) - len(hr)
    middle = lr.shape[1] // 2
    added = (lr[whole:] - lr[:again])[:, middle : middle + 1]
    interpolated = bicubic_upsample(added, hr.shape[-1] // lr.shape[-1])
    rows, columns = _gradients(hr[:again])
    slope = rows.square() + columns.square()
    anatomy = (slope >= slope.flatten(1).median(1).values[:, None, None, None]).float()
    became = ((output[whole:] - output[:again]).square() * anatomy).sum((1, 2, 3))
    was = (interpolated.square() * anatomy).sum((1, 2, 3))
    return ((became + 1e-9) / (was + 1e-9)).sqrt().mean()


def missing_slope(output, hr):
    """Which share of the targets' slope the steepest edges of the output lack, at least 0; a mean over the samples.

    Args:
        output: (N, 1, H, W). What counts is the slope along the target's own gradient.
        hr: likewise.
    """
    rows, columns = _gradients(hr)
    own_rows, own_columns = _gradients(output)
    slope = (rows.square() + columns.square() + 1e-12).sqrt()
    steep = (slope >= slope.flatten(1).quantile(1 - STEEPEST, 1)[:, None, None, None]).float()
    along = (own_rows * rows + own_columns * columns) / slope
    reached = ((along * steep).sum((1, 2, 3)) + 1e-6) / ((slope * steep).sum((1, 2, 3)) + 1e-6)
    return (1 - reached).clamp_min(0).mean()


def _gradients(images):
    """(along rows, along columns) of (N, 1, H, W) by central differences; 0 at the border."""
    rows = F.pad(images[:, :, 2:] - images[:, :, :-2], (0, 0, 1, 1))
    columns = F.pad(images[..., 2:] - images[..., :-2], (1, 1))
    return rows / 2, columns / 2
