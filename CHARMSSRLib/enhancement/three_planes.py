"""Planes "three" for isotropic scans: every plane is enhanced, and the results are fused.

What is fused is not the three volumes but what each adds to one common interpolation I of the
whole frame: F = I + fusion of (F_p - I), within the brain's box with its margin: the spectra can be
those of the box. I is band-limited
and so is the enlargement across each plane's slices: F_p - I is the enlargement, across the
slices, of (enhanced slice - I in its plane), which the fusion takes as it comes, on the input's
grid across the slices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..grids.slices import slices_around
from ..grids.stacks import band_limited, band_limited_stack
from .fusion import FUSION, Fusion, disagreement, plane_spectrum

if TYPE_CHECKING:
    from .inference import SliceEnhancer
    from .variability import TurnedCopies
    from .volume import Volume
    from .work_shares import SliceTask

PLANES = (0, 1, 2)


class ThreePlanes:
    """Enhances a ``Volume`` along all three axes.

    Args:
        method: how the planes are fused, see ``fusion``.

    Attributes:
        slice_count: slices that go through the network.
        maps: "disagreement" after :meth:`run`, when asked for, on the enlarged grid, normalised units.
        report: what belongs into the run's report under "slices".
    """

    def __init__(self, volume: Volume, want_maps: bool = False, method: str = FUSION) -> None:
        self.volume, self.method, self._want_maps = volume, method, want_maps
        self.maps: dict[str, np.ndarray] = {}
        self._shape = tuple(part.stop - part.start for part in volume.box)
        self._large_box = tuple(slice(f * part.start, f * part.stop) for part, f in zip(volume.box, volume.factors))
        inside = volume.foreground[volume.box]
        self._indices = [slices_around(inside, p) for p in PLANES]
        self.slice_count = sum(len(indices) for indices in self._indices)
        self.parts = [(len(self._indices[p]), int(np.prod(self._shape)) // self._shape[p]) for p in PLANES]
        pixels = sum(count * size for count, size in self.parts)
        self.report = {
            "plane": "three",
            "enhanced": self.slice_count,
            "skipped": sum(volume.acquired.shape) - self.slice_count,
            "frame_share": round(float(pixels) / (3 * volume.acquired.size), 4),
        }

    def run(self, enhancer: SliceEnhancer | TurnedCopies, task: SliceTask) -> np.ndarray:
        """The fused volume (s*n, s*h, s*w) on the uncropped frame, before masking; arguments as ``SliceWise.run``."""
        scale = self.volume.scale
        fusion, kept, done = Fusion(self._shape, scale, self.method), [], 0
        for p in PLANES:
            spectrum = plane_spectrum(self._added_by(p, enhancer, task.after(done)))
            fusion.add(p, spectrum)
            done += len(self._indices[p])
            if self._want_maps:
                kept.append((p, spectrum))
            del spectrum
        added = fusion.volume()
        output = band_limited_stack(self.volume.acquired, self.volume.factors, task)
        output[self._large_box] += added
        if self._want_maps:
            del added
            self.maps["disagreement"] = np.zeros_like(output)
            self.maps["disagreement"][self._large_box] = disagreement(kept, self._shape, scale)
        return output

    def _added_by(self, p, enhancer, task):
        """What plane p adds to the common interpolation in the box, on the input's grid along axis p."""
        volume, s = self.volume, self.volume.scale
        seen = np.ascontiguousarray(np.moveaxis(volume.network_input()[volume.box], p, 0))
        n, h, w = seen.shape
        added = np.zeros((n, s * h, s * w), np.float32)
        enhancer.run(seen, self._indices[p], added, slice(0, h), slice(0, w), task)
        del seen
        rows, columns = (part for axis, part in enumerate(self._large_box) if axis != p)
        frame = np.moveaxis(volume.acquired, p, 0)[volume.box[p]]
        for i in self._indices[p]:
            one = band_limited(band_limited(frame[i], s * frame.shape[1], 0), s * frame.shape[2], 1)
            added[i] -= one[rows, columns]
        return np.moveaxis(added, 0, p)
