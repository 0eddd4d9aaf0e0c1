"""Does the result, degraded again, give back what was acquired? Measure it, or make it so."""

from __future__ import annotations

import functools

import numpy as np
from scipy import ndimage

from ..errors import CheckpointError
from ..grids.cubic import along, cubic_matrix
from ..grids.fourier import fourier_resized
from ..grids.slice_profile import profile_matrix
from ..task import Task

TARGET = 5e-4
MAXIMUM_ROUNDS = 15
_INVERTIBLE = 1.25  # thickness of slices by their distance up to which D U across them is undone
SLAB = 8  # slices in work at a time: bounds the memory


class Operator:
    """D and a matching U of a checkpoint's card, for stacks of slices.

    Args:
        name: "bicubic" or "kspace".
        scale: factor of the two in-plane axes.
        through: factor across the slices; 1 leaves every slice to itself.
        thickness: of the slices by their distance: a slice is the mean over the part of the fine slices that it
            covers, as a thick slice is (1 where they touch: of ``through`` slices); None where D is the same across
            the slices as in plane.

    Attributes:
        radius: LR voxels around a voxel whose values D mixes into it; the figure leaves
            them out at the mask's edge.
    """

    def __init__(self, name: str, scale: int, through: int = 1, thickness: float | None = None) -> None:
        if name not in ("bicubic", "kspace"):
            raise CheckpointError(
                f"The checkpoint names the unknown data-consistency operator {name!r}: update CHARMSSR."
            )
        self.name, self.scale, self.through = name, scale, through
        self.across = name if thickness is None else float(thickness)
        self.radius = 2 if name == "bicubic" else 4

    def down(self, images: np.ndarray) -> np.ndarray:
        """In plane: (n, s*h, s*w) -> (n, h, w), float32."""
        return self._in_plane(images, *(size // self.scale for size in images.shape[1:]))

    def up(self, images: np.ndarray) -> np.ndarray:
        """In plane: (n, h, w) -> (n, s*h, s*w), float32."""
        return self._in_plane(images, *(size * self.scale for size in images.shape[1:]))

    def _in_plane(self, images, rows, columns):
        images = np.asarray(images, np.float32)
        for axis, size in ((1, rows), (2, columns)):
            images = _resized(self.name, images, size, axis)
        return images

    def down_stack(self, stack: np.ndarray) -> np.ndarray:
        """All axes: (t*n, s*h, s*w) -> (n, h, w), float32 arrays."""
        flat = np.concatenate([self.down(stack[part]) for part in _slabs(len(stack))])
        return flat if self.through == 1 else self._across(flat, len(flat) // self.through)

    def add_up_stack(self, stack: np.ndarray, output: np.ndarray, factor: float = 1.0) -> None:
        """Add ``factor`` * U(stack) to ``output`` in place: (n, h, w) -> (t*n, s*h, s*w)."""
        flat = stack if self.through == 1 else self._across(stack, len(stack) * self.through)
        for part in _slabs(len(flat)):
            output[part] += factor * self.up(flat[part])

    def undo_round_trip(self, stack: np.ndarray) -> np.ndarray:
        """(D U)^-1 of a stack (n, h, w), float32: what U must be given for D to return the stack.

        D U works on each axis by itself, so its inverse is a small matrix per axis. Its eigenvalues
        lie between 0.47 and 1.01: it strengthens the finest pattern of an axis about twofold. Slices that
        overlap much hold hardly any of the finest pattern across them; it is left to the rounds of ``project``.
        """
        names = (self.across, self.name, self.name)
        for axis, (name, factor) in enumerate(zip(names, (self.through, self.scale, self.scale))):
            if factor > 1 and not (isinstance(name, float) and name > _INVERTIBLE):
                matrix = round_trip_inverse(name, stack.shape[axis], factor)
                stack = np.moveaxis(np.tensordot(matrix, stack, (1, axis)), 0, axis)
        return stack

    def _across(self, stack, size):
        """Resize axis 0, row by row to bound the memory."""
        result = np.empty((size,) + stack.shape[1:], np.float32)
        for row in range(stack.shape[1]):
            result[:, row] = _resized(self.across, np.asarray(stack[:, row], np.float32), size, 0)
        return result

    def parts(self, count: int) -> list[slice]:
        """Parts of ``count`` input slices that can be worked on by themselves; D across slices needs them all."""
        return _slabs(count) if self.through == 1 else [slice(0, count)]

    def enlarged(self, part: slice) -> slice:
        """The part of the output that belongs to a part of the input."""
        return slice(part.start * self.through, part.stop * self.through)


@functools.lru_cache(maxsize=16)
def round_trip_inverse(name: str, size: int, factor: int) -> np.ndarray:
    """Inverse of D U along one axis.

    Args:
        name: of the operator.
        size: voxels of the input along the axis.
        factor: enlargement, 2 or more.

    Returns:
        float32 matrix (size, size).
    """
    columns = np.eye(size)
    round_trip = _resized(name, _resized(name, columns, size * factor, 0), size, 0)
    return np.linalg.inv(round_trip).astype(np.float32)


def _resized(name, array, size, axis):
    """The operator ``name``, or the mean over slices of that thickness, along one axis of an array, in its dtype."""
    if name == "kspace":
        return fourier_resized(array, size, axis)
    n = array.shape[axis]
    if isinstance(name, float) and size < n:
        if name != 1:
            return along(profile_matrix(n, size, name, array.dtype.name), array, axis)
        moved = np.moveaxis(array, axis, 0)
        return np.moveaxis(moved.reshape(size, n // size, *moved.shape[1:]).mean(1), 0, axis)
    return along(cubic_matrix(n, size, array.dtype.name), array, axis)


def inner_mask(mask: np.ndarray, radius: int, across: bool = False) -> np.ndarray:
    """The mask (n, h, w) eroded by ``radius`` voxels in plane, and with ``across`` also across the slices."""
    size = 2 * radius + 1
    return ndimage.binary_erosion(np.asarray(mask) > 0, np.ones((size if across else 1, size, size)))


def residual(output: np.ndarray, reference: np.ndarray, mask: np.ndarray, operator: Operator) -> float | None:
    """||D(output) - reference|| / ||reference|| inside the mask eroded by D's radius.

    Args:
        output: (t*n, s*h, s*w) float32.
        reference: (n, h, w).
        mask: (n, h, w).
        operator: Operator, D of the card.

    Returns:
        The figure, or None when nothing is left of the eroded mask.
    """
    inside = inner_mask(mask, operator.radius, operator.through > 1)
    error = norm = 0.0
    for part in operator.parts(len(reference)):
        if not inside[part].any():
            continue
        down = operator.down_stack(output[operator.enlarged(part)])
        selected = inside[part]
        error += float(np.square(down - reference[part])[selected].sum(dtype=np.float64))
        norm += float(np.square(reference[part])[selected].sum(dtype=np.float64))
    return float(np.sqrt(error / norm)) if norm > 0 else None


def project(
    output: np.ndarray, reference: np.ndarray, mask: np.ndarray, operator: Operator, task: Task | None = None
) -> None:
    """Correct ``output`` in place until D(output) is the reference: out += U (D U)^-1 (in - D(out)).

    Without the inverse this is the plain iteration, which lags behind where the finest pattern of
    several axes meets (1.1e-3 after 15 rounds on noisy input along three axes); with it one round
    is enough for any size, odd ones included. Runs on the uncropped frame and before masking, so
    no ringing starts at the mask's edge. Each slab (the whole volume when D reaches across slices)
    stops at a residual of 5e-4 or after 15 rounds.

    Args:
        output: (t*n, s*h, s*w) float32, changed in place.
        reference: (n, h, w) unmasked.
        mask: (n, h, w).
        operator: Operator, D of the card.
        task: progress and cancelling; None for nobody's.
    """
    task, inside = task or Task(), inner_mask(mask, operator.radius, operator.through > 1)
    for part in operator.parts(len(reference)):
        selected = inside[part]
        if not selected.any():
            continue
        target, out = reference[part], output[operator.enlarged(part)]
        norm = np.linalg.norm(target[selected])
        for _ in range(MAXIMUM_ROUNDS):
            task.check()
            difference = target - operator.down_stack(out)
            if np.linalg.norm(difference[selected]) <= TARGET * norm:
                break
            operator.add_up_stack(operator.undo_round_trip(difference), out)


def _slabs(count):
    return [slice(start, min(start + SLAB, count)) for start in range(0, count, SLAB)]
