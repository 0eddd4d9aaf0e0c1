"""Planes "three" for stacks of thick slices: the acquired plane enhanced, the slice axis brought towards it."""

from .resampling import interpolated_across
from .slice_wise import SliceWise


class ThroughPlane:
    """Enhances a ``Volume`` slice by slice, then refines the slice axis by ``volume.factors[0]``.

    Attributes as ``SliceWise``.
    """

    def __init__(self, volume, want_maps=False):
        self._slices = SliceWise(volume, want_maps=False)
        self.volume, self.maps = volume, {}
        self.slice_count = self._slices.slice_count
        self.report = {**self._slices.report, "plane": "three"}

    def run(self, enhancer, progress, is_cancelled):
        """The volume (t*n, s*h, s*w) on the uncropped frame, before masking; arguments as ``SliceWise.run``."""
        return interpolated_across(self._slices.run(enhancer, progress, is_cancelled), self.volume.factors[0])
