"""Does the result, degraded again, give back what was acquired? Measure it, or make it so."""

import numpy as np
import torch
from scipy import ndimage

from ..errors import Cancelled, CheckpointError
from ..network.charms import bicubic_upsample
from ..training.degradations import bicubic_downsample, fourier_resize, kspace_truncate

TARGET = 5e-4
MAXIMUM_ROUNDS = 15
SLAB = 8  # slices in work at a time: bounds the memory


class Operator:
    """D and a matching U of a checkpoint's card.

    Attributes:
        radius: LR voxels around a voxel whose values D mixes into it; the figure leaves
            them out at the mask's edge.
    """

    def __init__(self, name, scale):
        if name not in ("bicubic", "kspace"):
            raise CheckpointError(
                f"The checkpoint names the unknown data-consistency operator {name!r}: update CHARMSSR."
            )
        self.name, self.scale = name, scale
        self.radius = 2 if name == "bicubic" else 4

    def down(self, image):
        """(N, 1, sH, sW) -> (N, 1, H, W)."""
        return bicubic_downsample(image, self.scale) if self.name == "bicubic" else kspace_truncate(image, self.scale)

    def up(self, image):
        """(N, 1, H, W) -> (N, 1, sH, sW)."""
        if self.name == "bicubic":
            return bicubic_upsample(image, self.scale)
        for axis in (-2, -1):
            image = fourier_resize(image, image.shape[axis] * self.scale, axis)
        return image


def inner_mask(mask, radius):
    """The mask (n, h, w) eroded in plane by ``radius`` voxels."""
    size = 2 * radius + 1
    return ndimage.binary_erosion(np.asarray(mask) > 0, np.ones((1, size, size)))


def residual(output, reference, mask, operator):
    """||D(output) - reference|| / ||reference|| inside the mask eroded by D's radius.

    Args:
        output: (n, s*h, s*w) float32; reference: (n, h, w); mask: (n, h, w).

    Returns:
        The figure, or None when nothing is left of the eroded mask.
    """
    inside = inner_mask(mask, operator.radius)
    error = norm = 0.0
    for part in _slabs(len(reference)):
        if not inside[part].any():
            continue
        down = operator.down(_tensor(output[part])).numpy()[:, 0]
        selected = inside[part]
        error += float(np.square(down - reference[part])[selected].sum(dtype=np.float64))
        norm += float(np.square(reference[part])[selected].sum(dtype=np.float64))
    return float(np.sqrt(error / norm)) if norm > 0 else None


def project(output, reference, mask, operator, is_cancelled=None):
    """Correct ``output`` in place until D(output) is the reference: out += U(in - D(out)).

    Runs on the uncropped frame and before masking, so no ringing starts at the mask's edge.
    Each slab stops at a residual of 5e-4 or after 15 rounds.

    Args:
        output: (n, s*h, s*w) float32, changed in place; reference: (n, h, w) unmasked; mask: (n, h, w).
    """
    inside = inner_mask(mask, operator.radius)
    for part in _slabs(len(reference)):
        if not inside[part].any():
            continue
        if is_cancelled is not None and is_cancelled():
            raise Cancelled()
        target, out = _tensor(reference[part]), _tensor(output[part])
        selected = torch.from_numpy(inside[part])[:, None]
        norm = target[selected].norm()
        for _ in range(MAXIMUM_ROUNDS):
            difference = target - operator.down(out)
            if difference[selected].norm() <= TARGET * norm:
                break
            out += operator.up(difference)
        output[part] = out.numpy()[:, 0]


def _slabs(count):
    return [slice(start, min(start + SLAB, count)) for start in range(0, count, SLAB)]


def _tensor(stack):
    return torch.from_numpy(np.ascontiguousarray(stack, np.float32))[:, None]
