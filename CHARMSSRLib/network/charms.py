"""CHARMS: the whole network (Li, Sun, Li; Sensors 2026, 26(2):738, sections 3.1 to 3.6)."""

from __future__ import annotations

import torch
from torch import nn

from ..grids.resize import bicubic_upsample
from .hfir import HFIR
from .initial_values import silent
from .rraf import RRAF
from .transformer import Transformer
from .upsampler import Upsampler

CHANNELS = 64


class CHARMS(nn.Module):
    """Super-resolves 2-D slices: a CNN backbone, one late transformer, a refined upsampler.

    The network adds detail to the bicubic interpolation of its input. Its last
    convolution starts at zero, so an untrained CHARMS equals bicubic interpolation
    bit for bit.

    Shape: (N, in_channels, H, W) -> (N, 1, scale*H, scale*W) for any H, W >= 1. Values
    are nominally in [0, 1] (see the checkpoint's card); nothing is clamped inside.

    Args:
        scale: enlargement of each in-plane axis, 2 or 4.
        channel_shuffle: the rungs of the ablation ladder, Table 4 of the paper. All true is CHARMS.
        pixel_channel_attention: likewise.
        transformer: likewise.
        refinement: likewise.
        in_channels: odd number of neighbouring slices; the middle one is enhanced.
        blocks: depth of the backbone (Fig. 6): RRAF blocks, RLFE units in each.
        units: likewise.
        transformers: number of late transformers (section 4.2).

    Raises:
        ValueError: for a scale or a size that cannot be built.
    """

    def __init__(
        self,
        scale: int = 2,
        channel_shuffle: bool = True,
        pixel_channel_attention: bool = True,
        transformer: bool = True,
        refinement: bool = True,
        in_channels: int = 1,
        blocks: int = 4,
        units: int = 4,
        transformers: int = 1,
    ) -> None:
        super().__init__()
        if scale not in (2, 4):
            raise ValueError(f"scale must be 2 or 4, not {scale!r}")
        if in_channels < 1 or in_channels % 2 == 0:
            raise ValueError(f"in_channels must be odd, so that there is a middle slice; got {in_channels!r}")
        if min(blocks, units) < 1 or transformers < 0:
            raise ValueError("blocks and units must be at least 1, transformers at least 0")
        self.arguments = {
            "scale": scale,
            "channel_shuffle": channel_shuffle,
            "pixel_channel_attention": pixel_channel_attention,
            "transformer": transformer,
            "refinement": refinement,
            "in_channels": in_channels,
            "blocks": blocks,
            "units": units,
            "transformers": transformers,
        }
        self.scale = scale
        self.head = nn.Conv2d(in_channels, CHANNELS, 3, padding=1)
        self.backbone = nn.ModuleList(
            RRAF(CHANNELS, units, channel_shuffle, pixel_channel_attention) for _ in range(blocks)
        )
        self.fuse = nn.Conv2d((blocks + 1) * CHANNELS, CHANNELS, 1)
        self.transformer = nn.Sequential(*[Transformer(CHANNELS) for _ in range(transformers if transformer else 0)])
        self.upsampler = Upsampler(CHANNELS, scale)
        self.refinement = HFIR(CHANNELS) if refinement else nn.Identity()
        self.tail = silent(nn.Conv2d(CHANNELS, 1, 3, padding=1))

    def middle_slice(self, slices: torch.Tensor) -> torch.Tensor:
        """The slice that is enhanced: (N, in_channels, H, W) -> (N, 1, H, W)."""
        middle = slices.shape[1] // 2
        return slices[:, middle : middle + 1]

    def forward(self, slices: torch.Tensor) -> torch.Tensor:
        return self.reconstruct(slices, *self.extract(slices))

    def extract(self, slices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The CNN's part, frozen while fine-tuning: shallow and fused features, both (N, 64, H, W)."""
        shallow = self.head(slices)
        stages = [shallow]
        for block in self.backbone:
            stages.append(block(stages[-1]))
        return shallow, self.fuse(torch.cat(stages, 1))

    def reconstruct(self, slices: torch.Tensor, shallow: torch.Tensor, fused: torch.Tensor) -> torch.Tensor:
        """The rest: transformer, upsampler, refinement, tail, and the skip from the slices."""
        features = self.transformer(fused) + shallow
        detail = self.tail(self.refinement(self.upsampler(features)))
        return detail + bicubic_upsample(self.middle_slice(slices), self.scale)

    def for_inference(self) -> nn.Module:
        """The same function in a folded, frozen, faster form; see ``inference_form``."""
        from .inference.inference_form import InferenceForm

        return InferenceForm(self)
