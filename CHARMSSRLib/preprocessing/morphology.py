"""Mask operations with radii in millimetres, right for anisotropic voxels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage


def dilate(mask: np.ndarray, radius_mm: float, spacing: Sequence[float]) -> np.ndarray:
    """Boolean ``mask`` (z, y, x) grown by ``radius_mm``; ``spacing`` in mm, (z, y, x)."""
    if not mask.any():
        return mask.copy()
    return ndimage.distance_transform_edt(~mask, sampling=spacing) <= radius_mm


def erode(mask: np.ndarray, radius_mm: float, spacing: Sequence[float]) -> np.ndarray:
    """Boolean ``mask`` (z, y, x) shrunk by ``radius_mm``; the volume's border does not erode it.

    Args:
        mask: boolean (z, y, x).
        radius_mm: of the ball.
        spacing: mm along z, y, x.
    """
    if mask.all():
        return mask.copy()
    return ndimage.distance_transform_edt(mask, sampling=spacing) > radius_mm


def close(mask: np.ndarray, radius_mm: float, spacing: Sequence[float]) -> np.ndarray:
    """Closing that is padded, so that it neither sticks to the volume's border nor loses it.

    Args:
        mask: boolean (z, y, x).
        radius_mm: of the ball.
        spacing: mm along z, y, x.
    """
    pad = [int(np.ceil(radius_mm / step)) + 1 for step in spacing]
    padded = np.pad(mask, [(width, width) for width in pad])
    closed = ~dilate(~dilate(padded, radius_mm, spacing), radius_mm, spacing)
    inner = tuple(slice(width, -width) for width in pad)
    return closed[inner] | mask


def largest_component(mask: np.ndarray) -> np.ndarray:
    """The largest 6-connected part of a boolean mask (z, y, x); an empty one stays empty."""
    labels, count = ndimage.label(mask)
    if count <= 1:
        return labels > 0
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == int(sizes.argmax())


def without_small_components(mask: np.ndarray, smallest: int) -> np.ndarray:
    """A boolean mask (z, y, x) without its 6-connected parts of fewer than ``smallest`` voxels."""
    labels, _ = ndimage.label(mask)
    keep = np.bincount(labels.ravel()) >= smallest
    keep[0] = False
    return keep[labels]


def fill_holes(mask: np.ndarray) -> np.ndarray:
    """Holes of a boolean mask (z, y, x) filled in 3-D and then in each axial slice.

    The second step closes what is open only through the volume's lower face (neck, cut head).
    """
    filled = mask | _enclosed(mask, (0, 1, 2))
    return filled | _enclosed(filled, (1, 2))


def _enclosed(mask, axes):
    """What lies outside a boolean mask and has no way to the volume's border along ``axes`` alone."""
    structure = ndimage.generate_binary_structure(3, 1)
    for axis in set(range(3)).difference(axes):
        structure.swapaxes(0, axis)[[0, 2]] = False
    parts, count = ndimage.label(~mask, structure)
    enclosed = np.ones(count + 1, bool)
    enclosed[0] = False
    for axis in axes:
        for end in (0, -1):
            enclosed[parts.take(end, axis)] = False
    return enclosed[parts]
