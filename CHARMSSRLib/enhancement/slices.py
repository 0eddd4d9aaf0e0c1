"""Which axis is sliced, which slices and which part of them hold brain.

Arrays are (z, y, x) of a volume in LPS order, so array axis 0 runs superior (axial
slices), 1 posterior (coronal), 2 left (sagittal).
"""

from dataclasses import dataclass

import numpy as np

AXES = {"axial": 0, "coronal": 1, "sagittal": 2}
ANISOTROPY = 1.05  # a spacing that exceeds both others by more than 5 % marks the slice axis


def plane_axis(plane):
    """Array axis across which the named plane's slices are stacked."""
    return AXES[plane]


def slice_axis(image):
    """Array axis of the acquired slices of an LPS image: the coarse one, else the superior one."""
    spacing = image.GetSpacing()[::-1]
    coarsest = int(np.argmax(spacing))
    others = [s for i, s in enumerate(spacing) if i != coarsest]
    return coarsest if spacing[coarsest] > ANISOTROPY * max(others) else 0


@dataclass(frozen=True)
class SlicePlan:
    """What of a volume goes through the network.

    Attributes:
        axis: array axis of the slices.
        indices: the slices that hold foreground.
        rows, columns: the in-plane box, the same for every slice, as slice objects.
        count: number of slices of the volume.
    """

    axis: int
    indices: tuple
    rows: slice
    columns: slice
    count: int

    @property
    def skipped(self):
        return self.count - len(self.indices)

    def cut(self, volume):
        """The stack to be enhanced, (n, h, w), as a view where possible."""
        stack = np.moveaxis(volume, self.axis, 0)
        return stack[self.indices[0] : self.indices[-1] + 1, self.rows, self.columns]


def plan_slices(foreground, axis, margin):
    """Plan for a boolean (z, y, x) foreground; ``margin`` LR pixels are kept around its box.

    Raises:
        ValueError: when the foreground is empty.
    """
    stack = np.moveaxis(foreground, axis, 0)
    occupied = np.flatnonzero(stack.any(axis=(1, 2)))
    if not len(occupied):
        raise ValueError("the foreground is empty")
    return SlicePlan(
        axis=axis,
        indices=tuple(int(i) for i in occupied),
        rows=_box(stack.any(axis=(0, 2)), margin),
        columns=_box(stack.any(axis=(0, 1)), margin),
        count=len(stack),
    )


def _box(occupied, margin):
    hits = np.flatnonzero(occupied)
    return slice(max(0, int(hits[0]) - margin), min(len(occupied), int(hits[-1]) + 1 + margin))
