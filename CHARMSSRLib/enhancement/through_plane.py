"""Planes "three" for stacks of thick slices: sharp slices, and a slice axis brought towards them.

The network never sees the slice axis finer than it was acquired, and it is asked once:

1. The acquired plane is enhanced slice by slice, A, and interpolated (cubic) across the slices.
2. The two re-formatted planes (coronal and sagittal of an axial stack) go through the network
   with the oblong pixels that they have. The axis that lies in the acquired plane is brought back
   to the input's grid, and what differs from cubic interpolation across the slices is kept: the
   mean of the two planes is the through-plane detail. In-plane detail comes from A alone.
3. Further doublings are cubic: a network fed with its own output loses against that.
4. One correction makes the mean over the new slices that a thick one covers agree with A: those in its
   place, fewer where there are gaps between the slices, more where they overlap.

Measured on isotropic volumes whose slices were averaged to 3, 4 and 5 mm, every step but the
third gains; docs/studies/planes.md has the figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..grids.cubic import along, cubic_matrix
from ..grids.slice_profile import profile_matrix
from ..grids.slices import slices_around
from ..grids.stacks import interpolated, interpolated_across
from .slice_wise import SliceWise

if TYPE_CHECKING:
    from .inference import SliceEnhancer
    from .variability import TurnedCopies
    from .volume import Volume
    from .work_shares import SliceTask

REFORMATTED = (1, 2)  # axes of the stack across which the re-formatted planes are stacked
ROWS = 16  # of the large stack in work at a time: bounds the memory


class ThroughPlane:
    """Enhances a ``Volume`` of thick slices; the slice axis is refined by ``volume.factors[0]``.

    Attributes: as ``SliceWise``; there are no maps beside the detail.
    """

    def __init__(self, volume: Volume) -> None:
        self._acquired_plane = SliceWise(volume)
        self.volume = volume
        self.maps: dict[str, np.ndarray] = {}
        inside = volume.foreground[volume.box]
        self._shape = inside.shape
        planes = REFORMATTED if volume.factors[0] > 1 else ()
        self._indices = {p: slices_around(inside, p) for p in planes}
        sizes = [(len(indices), int(np.prod(self._shape)) // self._shape[p]) for p, indices in self._indices.items()]
        self.parts = [*self._acquired_plane.parts, *sizes]
        own = self._acquired_plane.report
        enhanced = own["enhanced"] + sum(len(indices) for indices in self._indices.values())
        self.slice_count = enhanced
        self.report = {
            **own,
            "plane": "three",
            "enhanced": enhanced,
            "skipped": own["skipped"] + sum(volume.acquired.shape[p] - len(self._indices[p]) for p in planes),
        }

    def run(self, enhancer: SliceEnhancer | TurnedCopies, task: SliceTask) -> np.ndarray:
        """The volume (t*n, s*h, s*w) on the uncropped frame, before masking; arguments as ``SliceWise.run``."""
        done = self._acquired_plane.slice_count
        sharp = self._acquired_plane.run(enhancer, task)
        factor = self.volume.factors[0]
        if factor == 1:
            return sharp
        detail = np.zeros((factor * self._shape[0],) + self._shape[1:], np.float32)
        for p in REFORMATTED:
            detail += self._through_plane_detail(p, enhancer, task.after(done)) / len(REFORMATTED)
            done += len(self._indices[p])
        output = interpolated_across(sharp, factor)
        self._add(detail, output)
        _make_means_agree(output, sharp, self.volume.thickness)
        return output

    def _through_plane_detail(self, p, enhancer, task):
        """What plane p adds to cubic interpolation across the slices: (t*n, h, w) of the box, float32."""
        volume, s = self.volume, self.volume.scale
        stack = volume.acquired[volume.box]
        seen = np.ascontiguousarray(np.moveaxis(volume.network_input()[volume.box], p, 0))
        count, n, fine = seen.shape
        enhanced = np.zeros((count, s * n, s * fine), np.float32)
        whole = slice(0, n), slice(0, fine)
        enhancer.run(seen, self._indices[p], enhanced, *whole, task)
        down = along(cubic_matrix(s * fine, fine), enhanced, 2)
        detail = np.moveaxis(down, 0, p) - interpolated_across(stack, s)
        left_out = np.ones(count, bool)
        left_out[self._indices[p]] = False
        np.moveaxis(detail, p, 0)[left_out] = 0
        factor = volume.factors[0]
        if factor < s:
            return detail.reshape(factor * n, s // factor, *detail.shape[1:]).mean(1)
        return interpolated_across(detail, factor // s)

    def _add(self, detail, output):
        """Add the through-plane detail, enlarged in plane, to the box of the output."""
        box, (factor, s, _) = self.volume.box, self.volume.factors
        rows, columns = (slice(s * part.start, s * part.stop) for part in box[1:])
        for i in range(len(detail)):
            output[factor * box[0].start + i, rows, columns] += interpolated(detail[i : i + 1], (1, s, s))[0]


def _make_means_agree(output, sharp, thickness=1.0):
    """Bring the mean over the new slices that each thick slice covers towards that slice, in place: one round."""
    n, factor = len(sharp), len(output) // len(sharp)
    for start in range(0, output.shape[1], ROWS):
        part = output[:, start : start + ROWS]
        if thickness == 1:
            means = part.reshape(n, factor, *part.shape[1:]).mean(1)
        else:
            means = along(profile_matrix(factor * n, n, thickness), part, 0)
        part += interpolated_across(sharp[:, start : start + ROWS] - means, factor)
