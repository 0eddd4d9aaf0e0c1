"""What a run watches: some whole slices that it does not train on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from .fine_tuning_loss import masked_loss
from .frozen import frozen_features
from .report.intensity_match import MapFit

if TYPE_CHECKING:
    from ..network.charms import CHARMS
    from .automatic_values import Plan
    from .report.intensity_match import MonotoneMap

SLICES_PER_PAIR = 6
SLICES_ON_CPU = 12  # in all
MAP_SLICES = 40  # of a pair, for the intensity map: more change nothing
LOWEST_ERROR = 1e-12
ANY_CONTRAST = None


class HeldOut:
    """Slices for validation, spread evenly over what is held out of each pair.

    Args:
        parts: list of (PairSlices, slice numbers).
        maps: of ``fit_maps``.
        network: CHARMS; gives the channels and, on a CPU, features that are kept: the frozen part
            need not run again.
        plan: Plan.
    """

    def __init__(self, parts: Sequence[tuple], maps: dict, network: CHARMS, plan: Plan) -> None:
        self.device, self.reduced = plan.device, plan.reduced
        per_pair = SLICES_PER_PAIR
        if plan.device.type == "cpu":
            per_pair = max(1, min(per_pair, SLICES_ON_CPU // max(1, len(parts))))
        self.groups = []
        for pair, numbers in parts:
            chosen = numbers[np.unique(np.linspace(0.15, 0.85, per_pair) * (len(numbers) - 1)).astype(int)]
            self.groups.append([self._slice(pair, int(number), maps, network) for number in chosen])
        self._ranges = [_range(group) for group in self.groups]

    def __len__(self):
        return len(self.groups)

    def _slice(self, pair, number, maps, network):
        slices = torch.from_numpy(pair.network_input(number, network.arguments["in_channels"]))[None]
        matched = torch.from_numpy(map_of(maps, pair.contrast)(pair.interpolated(number)))
        item = {
            "slices": slices.to(self.device),
            "target": torch.from_numpy(np.array(pair.target[number], np.float32))[None, None].to(self.device),
            "mask": torch.from_numpy(np.array(pair.common[number], np.float32))[None, None].to(self.device),
            "matched": matched[None, None].to(self.device),
        }
        if self.device.type == "cpu":
            item["features"] = frozen_features(network, item["slices"].contiguous(memory_format=torch.channels_last))
        return item

    @torch.no_grad()
    def validate(self, network: CHARMS) -> dict[str, float]:
        """dict with validation_loss (L1 + 0.1 (1 - SSIM)) and validation_psnr in dB, means over the pairs."""

        def output(item):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.reduced):
                features = item.get("features") or frozen_features(network, item["slices"])
                return network.reconstruct(item["slices"], *features)

        losses, scores = self._score(output)
        return {"validation_loss": float(np.mean(losses)), "validation_psnr": float(np.mean(scores))}

    @torch.no_grad()
    def matched_psnr(self) -> float:
        """PSNR of the intensity-matched, interpolated 3T on the same slices, in dB."""
        return float(np.mean(self._score(lambda item: item["matched"])[1]))

    def _score(self, output_of):
        losses, scores = [], []
        for group, data_range in zip(self.groups, self._ranges):
            loss, error, count = 0.0, 0.0, 0.0
            for item in group:
                output = output_of(item).float()
                loss += float(masked_loss(output, item["target"], item["mask"]).total)
                error += float(((output - item["target"]).square() * item["mask"]).sum())
                count += float(item["mask"].sum())
            losses.append(loss / len(group))
            scores.append(10 * np.log10(data_range**2 / max(error / max(count, 1), LOWEST_ERROR)))
        return losses, scores


def _range(group):
    inside = torch.cat([item["target"][item["mask"] > 0] for item in group]).cpu().numpy()
    return float(np.percentile(inside, 99.9)) if inside.size else 1.0


def fit_maps(parts: Sequence[tuple]) -> dict[str | None, MonotoneMap]:
    """The intensity map of each contrast, on the target's grid, from training slices alone.

    Args:
        parts: list of (PairSlices, slice numbers).

    Returns:
        dict contrast -> MonotoneMap; that of ANY_CONTRAST is fitted on all pairs.
    """
    fits: dict[str | None, MapFit] = {ANY_CONTRAST: MapFit()}
    for pair, numbers in parts:
        own = fits.setdefault(pair.contrast, MapFit())
        for number in numbers[np.unique(np.linspace(0, len(numbers) - 1, MAP_SLICES).astype(int))]:
            inside = pair.common[number] > 0
            voxels = pair.interpolated(number)[inside], np.asarray(pair.target[number], np.float32)[inside]
            for fit in (own, fits[ANY_CONTRAST]):
                fit.add(*voxels)
    return {contrast: fit.map() for contrast, fit in fits.items()}


def map_of(maps: dict, contrast: str) -> MonotoneMap:
    """The map for a contrast: where no training pair has it, the one of all pairs."""
    return maps.get(contrast, maps[ANY_CONTRAST])
