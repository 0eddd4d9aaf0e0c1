"""How near each image of a held-out pair comes to its 7T volume, on the 7T's own grid.

All images stand on the same normalised scale: each scan is divided by its own statistics as the
checkpoint's card says, and nothing is fitted to the 7T but in the two rows that say so. One mask
(brain in both scans) and one data range (99.9th percentile of the 7T inside it) serve all rows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ...engines.torch_engine import TorchModel
from ...enhancement.inference import SliceEnhancer
from ...measures.fidelity import brain_psnr, brain_ssim
from ...measures.tissue import TISSUE_ORDER, contrast_to_noise, edge_sharpness, find_tissues, signal_to_noise
from ...task import Task
from .intensity_match import MapFit

if TYPE_CHECKING:
    from ...network.charms import CHARMS
    from ..automatic_values import Plan
    from ..slices import PairSlices

logger = logging.getLogger(__name__)

INTERPOLATED, MATCHED, ORACLE = "3T interpolated", "3T intensity-matched", "3T matched to this very 7T (oracle)"
UNTUNED, TUNED, SEVEN = "checkpoint before", "checkpoint after", "7T"
SCORED = (INTERPOLATED, MATCHED, ORACLE, UNTUNED, TUNED, SEVEN)
NEIGHBOURS = 2  # slices to each side that the interpolation onto the 7T grid draws on
FIGURES = ("psnr", "ssim", "snr", "cnr", "sharpness")


class PairScorer:
    """Scores images of one held-out pair.

    Args:
        pair: PairSlices.
        numbers: the held-out slices; all usable ones of a held-out subject.

    Attributes:
        images: dict method -> float32 (z, y, x) on the 7T grid, of the volumes scored so far.
        rows: list of dicts (subject, contrast, method, figures).

    Raises:
        ValueError: the held-out slices share no brain with the 7T.
    """

    def __init__(self, pair: PairSlices, numbers: Sequence[int]) -> None:
        self.pair, self.numbers = pair, numbers
        region = np.zeros(pair.common.shape, np.float32)
        region[numbers] = pair.common[numbers]
        # Half levels on a finer grid move the border by less than a voxel; the same for all rows.
        self.mask = (pair.on_7t_grid(region, sitk.sitkLinear) >= 0.5) & (np.asarray(pair.seven_mask) > 0)
        if not self.mask.any():
            raise ValueError(f"the held-out slices of {pair.label} share no brain with the 7T")
        self.seven = np.asarray(pair.seven, np.float32)
        self.images: dict[str, np.ndarray] = {}
        self.rows: list[dict] = []
        self._tissues = None
        if pair.contrast in TISSUE_ORDER:
            try:
                self._tissues = find_tissues(self.seven, self.mask, pair.spacing_7t, pair.contrast)
            except ValueError as reason:
                logger.warning("%s gets no tissue figures: %s", pair.label, reason)

    def score_baselines(self, intensity_map: Callable) -> None:
        """The 3T by itself: interpolated, matched by the training pairs' map, matched to this 7T; and the 7T.

        Args:
            intensity_map: function of intensities of the 3T, of any shape (``MapFit.map``).
        """
        interpolated = self.pair.on_7t_grid(self.pair.acquired)
        oracle = MapFit()
        oracle.add(interpolated[self.mask], self.seven[self.mask])
        self._add(INTERPOLATED, interpolated)
        self._add(MATCHED, intensity_map(interpolated))
        self._add(ORACLE, oracle.map()(interpolated))
        self._add(SEVEN, self.seven, compared=False)

    def score_network(self, method: str, network: CHARMS, plan: Plan, task: Task | None = None) -> None:
        """The output of a network.

        Args:
            method: its name in the report.
            network: CHARMS.
            plan: gives the device.
            task: asked between slices whether to stop; None for nobody's.
        """
        self._add(method, self.pair.on_7t_grid(enhanced_stack(network, self.pair, self.numbers, plan, task)))

    def _add(self, method, image, compared=True):
        self.images[method] = image
        row = {"subject": self.pair.subject, "contrast": self.pair.contrast, "method": method}
        if compared:
            row["psnr"] = brain_psnr(image, self.seven, self.mask)
            row["ssim"] = brain_ssim(image, self.seven, self.mask)
        if self._tissues is not None:
            row["snr"] = signal_to_noise(image, self._tissues)
            row["cnr"] = contrast_to_noise(image, self._tissues)
            row["sharpness"] = edge_sharpness(image, self.seven, self.mask, self._tissues, self.pair.spacing_7t)
        self.rows.append(row)


def enhanced_stack(
    network: CHARMS, pair: PairSlices, numbers: Sequence[int], plan: Plan, task: Task | None = None
) -> np.ndarray:
    """What a network makes of a pair's 3T slices: float32 (n, s*h, s*w), normalised.

    As in ``enhance``, what lies outside the brain is interpolated input, so that no artificial edge
    meets the interpolation onto the 7T grid. Slices near the chosen ones are enhanced too, since
    that interpolation reaches beyond them; the others are interpolated input.

    Args:
        network: CHARMS.
        pair: PairSlices.
        numbers: the slices that matter.
        plan: gives the device.
        task: progress and cancelling; None for nobody's.
    """
    n, height, width = pair.acquired.shape
    near = np.unique(np.add.outer(np.asarray(numbers), np.arange(-NEIGHBOURS, NEIGHBOURS + 1)))
    wanted = [int(number) for number in near if 0 <= number < n and pair.brain[number].any()]
    enhanced = np.empty((n, height * pair.scale, width * pair.scale), np.float32)
    enhancer = SliceEnhancer(TorchModel(network), str(plan.device))
    asked = Task(is_cancelled=(task or Task()).is_cancelled)  # the bar is the steps' alone
    enhancer.run(pair.acquired, wanted, enhanced, slice(0, height), slice(0, width), asked)
    output = np.stack([pair.interpolated(number) for number in range(n)])
    for number in wanted:
        inside = pair.brain[number].repeat(pair.scale, 0).repeat(pair.scale, 1) > 0
        np.copyto(output[number], enhanced[number], where=inside)
    return output
