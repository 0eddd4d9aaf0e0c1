"""Slice-wise enhancement, the paper's way: every slice of one plane through the network."""

import numpy as np

from ..grids.slices import PLANE_NAMES, plan_slices
from ..grids.stacks import interpolated


class SliceWise:
    """Enhances the slices of a ``Volume``'s plane; the axis across them stays as it is.

    Args:
        want_maps: whether ``maps`` is filled.
        whole: whether slices without foreground are wanted too, interpolated; else they are 0.

    Attributes:
        slice_count: slices that go through the network.
        maps: "variability" after :meth:`run`, when asked for: (n, s*h, s*w), normalised units, 0 outside the box.
        report: what belongs into the run's report under "slices".
    """

    def __init__(self, volume, want_maps=False, whole=True):
        self.volume, self.maps, self._want_maps, self._whole = volume, {}, want_maps, whole
        self.plan = plan_slices(volume.foreground, 0, volume.margin)
        self.slice_count = len(self.plan.indices)
        n, h, w = volume.acquired.shape
        box = (self.plan.rows.stop - self.plan.rows.start) * (self.plan.columns.stop - self.plan.columns.start)
        self.parts = [(self.slice_count, box)]
        self.report = {
            "plane": PLANE_NAMES[volume.axis],
            "enhanced": len(self.plan.indices),
            "skipped": self.plan.skipped,
            "frame_share": round(len(self.plan.indices) * box / (n * h * w), 4),
        }

    def run(self, enhancer, task):
        """The enhanced stack (n, s*h, s*w) on the uncropped frame, before masking.

        Args:
            enhancer: SliceEnhancer; ``TurnedCopies`` of one where maps are asked for.
            task: SliceTask of this way's ``parts``.
        """
        volume, plan, s = self.volume, self.plan, self.volume.scale
        # Outside the box the frame holds interpolated input, so that no artificial edge enters the comparison
        # with the acquired data or what is interpolated across the slices.
        output = interpolated(volume.acquired, (1, s, s), task, None if self._whole else plan.indices)
        stack = volume.network_input()
        spread = enhancer.run(stack, plan.indices, output, plan.rows, plan.columns, task)
        if self._want_maps:
            rows, columns = (slice(part.start * s, part.stop * s) for part in (plan.rows, plan.columns))
            self.maps["variability"] = np.zeros_like(output)
            box = self.maps["variability"][plan.indices[0] : plan.indices[-1] + 1, rows, columns]
            box[...] = spread.standard_deviation()
        return output
