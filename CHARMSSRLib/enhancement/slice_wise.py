"""Slice-wise enhancement, the paper's way: every slice of one plane through the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..grids.slices import PLANE_NAMES, plan_runs
from ..grids.stacks import interpolated

if TYPE_CHECKING:
    from .inference import SliceEnhancer
    from .variability import TurnedCopies
    from .volume import Volume
    from .work_shares import SliceTask

# What goes through the network is the brain's box in so many slices at a time, and so many pixels around it: one
# box for all slices with 16 pixels takes half as long again and comes no nearer to the truth (docs/studies/speed.md).
RUN, MARGIN = 4, 8


class SliceWise:
    """Enhances the slices of a ``Volume``'s plane; the axis across them stays as it is.

    Args:
        want_maps: whether ``maps`` is filled.
        whole: whether slices without foreground are wanted too, interpolated; else they are 0.

    Attributes:
        slice_count: slices that go through the network.
        parts: of the work, see ``SliceTask``.
        maps: "variability" after :meth:`run`, when asked for: (n, s*h, s*w), normalised units, 0 outside the boxes.
        report: what belongs into the run's report under "slices".
    """

    def __init__(self, volume: Volume, want_maps: bool = False, whole: bool = True) -> None:
        self.volume, self._want_maps, self._whole = volume, want_maps, whole
        self.maps: dict[str, np.ndarray] = {}
        runs = plan_runs(volume.foreground, min(MARGIN, volume.margin), RUN)
        # The largest box first: what the others need fits into the memory that it leaves.
        self._runs = sorted(runs, key=lambda run: -run.pixels)
        self.parts = [(len(run.indices), run.pixels) for run in self._runs]
        self.slice_count = sum(count for count, _ in self.parts)
        pixels = sum(count * size for count, size in self.parts)
        self.report: dict[str, Any] = {
            "plane": PLANE_NAMES[volume.axis],
            "enhanced": self.slice_count,
            "skipped": len(volume.acquired) - self.slice_count,
            "frame_share": round(pixels / volume.acquired.size, 4),
        }

    def run(self, enhancer: SliceEnhancer | TurnedCopies, task: SliceTask) -> np.ndarray:
        """The enhanced stack (n, s*h, s*w) on the uncropped frame, before masking.

        Args:
            enhancer: SliceEnhancer; ``TurnedCopies`` of one where maps are asked for.
            task: SliceTask of this way's ``parts``.
        """
        volume, s = self.volume, self.volume.scale
        # Outside the boxes the frame holds interpolated input, so that no artificial edge enters the comparison
        # with the acquired data or what is interpolated across the slices.
        wanted = None if self._whole else sorted(i for run in self._runs for i in run.indices)
        output = interpolated(volume.acquired, (1, s, s), task, wanted)
        stack, done = volume.network_input(), 0
        if self._want_maps:
            self.maps["variability"] = np.zeros_like(output)
        for run in self._runs:
            spread = enhancer.run(stack, run.indices, output, run.rows, run.columns, task.after(done))
            done += len(run.indices)
            if spread is not None and self._want_maps:
                rows, columns = (slice(part.start * s, part.stop * s) for part in (run.rows, run.columns))
                box = self.maps["variability"][run.indices[0] : run.indices[-1] + 1, rows, columns]
                box[...] = spread.standard_deviation()
        return output
