"""The map of what was added: detail beyond the band that the input measured."""

import numpy as np
import torch

from ..training.degradations import fourier_resize, kspace_truncate


def added_detail(output, scale):
    """The part of each slice above the input's Nyquist frequency.

    Args:
        output: (n, s*h, s*w) float32, masked.
        scale: of the network.

    Returns:
        Same shape; signed, in the units of ``output``.
    """
    detail = np.empty_like(output)
    for i, one in enumerate(output):
        band = kspace_truncate(torch.from_numpy(one)[None, None], scale)
        for axis in (-2, -1):
            band = fourier_resize(band, one.shape[axis + 2], axis)
        detail[i] = one - band[0, 0].numpy()
    return detail
