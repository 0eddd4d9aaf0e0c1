"""The loss of fine-tuning, eqs. (15) to (17) of the paper: L1 + 0.1 (1 - SSIM) + 0.005 L_AR.

L1 and SSIM count inside a mask: where one of the two volumes holds no brain, there is nothing
to learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ..learning.losses import ssim_map
from ..measures.fidelity import RADIUS

if TYPE_CHECKING:
    pass

SSIM_WEIGHT = 0.1
AR_WEIGHT = 0.005


@dataclass(frozen=True)
class MaskedLoss:
    """L1 and 1 - SSIM of some slices, scalar tensors."""

    l1: torch.Tensor
    dissimilarity: torch.Tensor

    @property
    def total(self) -> torch.Tensor:
        """L1 + 0.1 (1 - SSIM)."""
        return self.l1 + SSIM_WEIGHT * self.dissimilarity


def masked_loss(output: torch.Tensor, target: torch.Tensor, mask: torch.Tensor) -> MaskedLoss:
    """L1 and SSIM inside a mask, in float32.

    Args:
        output: (N, 1, H, W), nominally in [0, 1].
        target: likewise.
        mask: (N, 1, H, W), 1 inside.

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
