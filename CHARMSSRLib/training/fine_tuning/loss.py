"""The loss of fine-tuning, eqs. (15) to (17) of the paper: L1 + 0.1 (1 - SSIM) + 0.005 L_AR.

L1 and SSIM count inside a mask: where one of the two volumes holds no brain, there is nothing
to learn.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ...evaluation.fidelity import K1, K2, RADIUS, SIGMA

SSIM_WEIGHT = 0.1
AR_WEIGHT = 0.005


@dataclass(frozen=True)
class MaskedLoss:
    """L1 and 1 - SSIM of some slices, scalar tensors."""

    l1: torch.Tensor
    dissimilarity: torch.Tensor

    @property
    def total(self):
        """L1 + 0.1 (1 - SSIM)."""
        return self.l1 + SSIM_WEIGHT * self.dissimilarity


def masked_loss(output, target, mask):
    """L1 and SSIM inside a mask, in float32.

    Args:
        output, target: (N, 1, H, W), nominally in [0, 1]. mask: (N, 1, H, W), 1 inside.

    Returns:
        MaskedLoss; both parts are 0 where the mask is empty.
    """
    output, target, mask = output.float(), target.float(), mask.float()
    l1 = ((output - target).abs() * mask).sum() / mask.sum().clamp_min(1)
    # As in the brain-masked scores, what lies outside the mask counts as zero in both.
    similarity = ssim_map(output * mask, target * mask)
    inside = mask[..., RADIUS:-RADIUS, RADIUS:-RADIUS]
    dissimilarity = ((1 - similarity) * inside).sum() / inside.sum().clamp_min(1)
    return MaskedLoss(l1, dissimilarity)


def ssim_map(output, target, data_range=1.0):
    """Structural similarity (Wang et al., TIP 2004): Gaussian window 11x11 of sigma 1.5, K 0.01 and 0.03.

    Args:
        output, target: (N, 1, H, W) with H, W > 10.

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
