"""Slice-wise enhancement, the paper's way: every slice of one plane through the network."""

import numpy as np

from ..grids.slices import plan_slices
from ..grids.stacks import interpolated
from .variability import AUGMENTATIONS, Spread


class SliceWise:
    """Enhances the slices of a ``Volume``'s plane; the axis across them stays as it is.

    Attributes:
        slice_count: slices that go through the network, each counted as often as it does.
        maps: "variability" after :meth:`run`, when asked for: (n, s*h, s*w), normalised units.
        report: what belongs into the run's report under "slices".
    """

    def __init__(self, volume, want_maps=False):
        self.volume, self.maps = volume, {}
        self.plan = plan_slices(volume.foreground, 0, volume.margin)
        self._augmentations = AUGMENTATIONS if want_maps else AUGMENTATIONS[:1]
        self.slice_count = len(self.plan.indices) * len(self._augmentations)
        n, h, w = volume.acquired.shape
        box = (self.plan.rows.stop - self.plan.rows.start) * (self.plan.columns.stop - self.plan.columns.start)
        self.report = {
            "plane": ("axial", "coronal", "sagittal")[volume.axis],
            "enhanced": len(self.plan.indices),
            "skipped": self.plan.skipped,
            "frame_share": round(len(self.plan.indices) * box / (n * h * w), 4),
        }

    def run(self, enhancer, progress, is_cancelled):
        """The enhanced stack (n, s*h, s*w) on the uncropped frame, before masking.

        Args:
            enhancer: SliceEnhancer.
            progress: called with (slices done, ``slice_count``).
        """
        volume, plan, s = self.volume, self.plan, self.volume.scale
        # Outside the box the frame holds interpolated input, so that no artificial edge enters the comparison
        # with the acquired data or what is interpolated across the slices.
        output = interpolated(volume.acquired, (1, s, s), is_cancelled)

        def step(done, _):
            progress(done, self.slice_count)

        stack = volume.network_input()
        enhancer.run(stack, plan.indices, output, plan.rows, plan.columns, step, is_cancelled)
        if len(self._augmentations) > 1:
            self.maps["variability"] = self._variability(enhancer, stack, output, progress, is_cancelled)
        return output

    def _variability(self, enhancer, stack, output, progress, is_cancelled):
        """SD over turned and mirrored slices, of which ``output`` holds the first; 0 outside the box."""
        plan, s, count = self.plan, self.volume.scale, len(self.plan.indices)
        rows, columns = (slice(part.start * s, part.stop * s) for part in (plan.rows, plan.columns))
        first, last = plan.indices[0], plan.indices[-1] + 1
        boxed = stack[first:last, plan.rows, plan.columns]
        indices = [i - first for i in plan.indices]
        spread = Spread(output[first:last, rows, columns])
        for number, (turn, turn_back) in enumerate(self._augmentations[1:], 1):
            turned = np.ascontiguousarray(turn(boxed))
            n, h, w = turned.shape
            result = np.zeros((n, s * h, s * w), np.float32)

            def step(done, _, before=number * count):
                progress(before + done, self.slice_count)

            enhancer.run(turned, indices, result, slice(0, h), slice(0, w), step, is_cancelled)
            spread.add(turn_back(result))
        whole = np.zeros_like(output)
        whole[first:last, rows, columns] = spread.standard_deviation()
        return whole
