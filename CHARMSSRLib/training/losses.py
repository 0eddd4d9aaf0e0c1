"""Losses: L1 and the attention regularisation L_AR."""

import torch

TINY = 1e-12
SMALLEST_PEAK = 1e-6


def focus(maps):
    """foc(a) = mean(a)^2 / mean(a^2) over the pixels, for each map.

    In [1/n, 1] for n pixels: 1 = flat, small = focused. Invariant to the scale of each
    map. The normalised Hoyer-Square measure (Hoyer 2004; DeepHoyer, ICLR 2020).

    Args:
        maps: (..., H, W), non-negative.

    Returns:
        (...)
    """
    maps = _unit_peak(maps.float())
    return maps.mean((-2, -1)).square() / maps.square().mean((-2, -1)).clamp_min(TINY)


def _unit_peak(maps):
    # Scaling by the peak keeps the squares of very small or large maps within float32. The floor
    # bounds the gradient: a sigmoid may close almost wholly over a slice's empty background.
    return maps / maps.detach().amax((-2, -1), keepdim=True).clamp_min(SMALLEST_PEAK)


def redundancy(maps):
    """Mean over the pairs of maps of max(0, correlation)^2, in [0, 1].

    Args:
        maps: (N, n, H, W), non-negative, n maps to be compared.

    Returns:
        (N,); zero for a single map. (After head disagreement, EMNLP 2018, and DeCov, ICLR 2016.)
    """
    n = maps.shape[1]
    if n < 2:
        return maps.new_zeros(maps.shape[0], dtype=torch.float32)
    flat = _unit_peak(maps.float()).flatten(2)
    flat = flat / flat.mean(-1, keepdim=True).clamp_min(TINY) - 1
    flat = flat - flat.mean(-1, keepdim=True)
    covariance = flat @ flat.transpose(1, 2) / flat.shape[-1]
    variance = covariance.diagonal(dim1=1, dim2=2)
    # TINY inside the root: its derivative is infinite at zero (a flat map).
    scale = (variance[:, :, None] * variance[:, None, :] + TINY).sqrt() + 1e-4
    j, k = torch.triu_indices(n, n, offset=1, device=maps.device)
    return (covariance / scale)[:, j, k].clamp_min(0).square().mean(1)


def attention_regularisation(maps):
    """L_AR of NETWORK.md: focus and redundancy of the CNN's and the transformer's maps.

    Bounded in (0, 1], invariant to the scale of each map, free at inference.

    Args:
        maps: ``AttentionMaps`` of one forward pass.

    Returns:
        Scalar tensor.
    """
    cnn = [one for block in maps.esa for one in block] + maps.pca
    terms = [
        torch.stack([focus(one).mean() for one in cnn]).mean(),
        torch.stack([redundancy(torch.cat([one.mean(1, keepdim=True) for one in block], 1)).mean()
                     for block in maps.esa]).mean(),
    ]
    if maps.transformer:
        terms.append(torch.stack([focus(one).mean() for one in maps.transformer]).mean())
        terms.append(torch.stack([redundancy(one).mean() for one in maps.transformer]).mean())
    return torch.stack(terms).mean()
