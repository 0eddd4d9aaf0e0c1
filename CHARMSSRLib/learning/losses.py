"""Losses: L1, structural similarity and the attention regularisation L_AR."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from ..measures.fidelity import K1, K2, RADIUS, SIGMA

if TYPE_CHECKING:
    from ..network.attention_maps import AttentionMaps

TINY = 1e-12
SMALLEST_PEAK = 1e-6


def focus(maps: torch.Tensor) -> torch.Tensor:
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


def redundancy(maps: torch.Tensor) -> torch.Tensor:
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


def attention_regularisation(maps: AttentionMaps) -> torch.Tensor:
    """The attention regularisation L_AR: focus and redundancy of the CNN's and the transformer's maps.

    Bounded in (0, 1], invariant to the scale of each map, free at inference.

    Args:
        maps: ``AttentionMaps`` of one forward pass.

    Returns:
        Scalar tensor.
    """
    cnn = [one for block in maps.esa for one in block] + maps.pca
    terms = [
        torch.stack([focus(one).mean() for one in cnn]).mean(),
        torch.stack(
            [redundancy(torch.cat([one.mean(1, keepdim=True) for one in block], 1)).mean() for block in maps.esa]
        ).mean(),
    ]
    if maps.transformer:
        terms.append(torch.stack([focus(one).mean() for one in maps.transformer]).mean())
        terms.append(torch.stack([redundancy(one).mean() for one in maps.transformer]).mean())
    return torch.stack(terms).mean()


def difference(
    output: torch.Tensor, target: torch.Tensor, ssim_weight: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """L1 + ssim_weight (1 - SSIM), means over the pixels; SSIM only where it counts.

    What the input leaves open L1 answers with the median, which takes contrast back: small foci in noise
    pale. SSIM compares variances too, so its best answer has as much contrast as the target.

    Args:
        output: (N, 1, H, W), nominally in [0, 1]; H, W > 10 where SSIM counts.
        target: likewise.
        ssim_weight: of 1 - SSIM beside L1.

    Returns:
        (loss, L1), scalar tensors.
    """
    l1 = (output - target).abs().mean()
    if not ssim_weight:
        return l1, l1
    return l1 + ssim_weight * (1 - ssim_map(output, target)).mean(), l1


def ssim_map(output: torch.Tensor, target: torch.Tensor, data_range: float = 1.0) -> torch.Tensor:
    """Structural similarity (Wang et al., TIP 2004): Gaussian window 11x11 of sigma 1.5, K 0.01 and 0.03.

    Args:
        output: (N, 1, H, W) with H, W > 10.
        target: likewise.
        data_range: intensity from black to white.

    Returns:
        (N, 1, H - 10, W - 10): the pixels whose window lies within the slice.
    """
    maps = torch.cat([output, target, output * output, target * target, output * target])
    mean_x, mean_y, square_x, square_y, product = _smooth(maps).split(len(output))
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    covariance = product - mean_x * mean_y
    variances = square_x - mean_x.square() + square_y - mean_y.square()
    luminance = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    return luminance * (2 * covariance + c2) / (variances + c2)


def _smooth(maps):
    at = torch.arange(-RADIUS, RADIUS + 1, dtype=maps.dtype, device=maps.device)
    window = torch.exp(-0.5 * (at / SIGMA).square())
    window = window / window.sum()
    return F.conv2d(F.conv2d(maps, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))
