"""Enlarging stacks, voxel edges aligned: interpolation, masks, band-limited resizing.

A stack is (n, h, w), slices first; factors are three whole numbers, one per axis of the stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

from ..task import Task
from .cubic import along, cubic_matrix, linear_matrix, resized

if TYPE_CHECKING:
    pass

ASKED_EVERY = 16  # slices
MASK_SIGMA = 0.8  # voxels of the coarse grid: enough to round the steps of its edge


def interpolated(
    stack: np.ndarray, factors: Sequence[int], task: Task | None = None, wanted: Sequence[int] | None = None
) -> np.ndarray:
    """Cubic interpolation of a stack along its three axes, one output slice at a time.

    Args:
        stack: (n, h, w) float32.
        factors: (t, s, s).
        task: Task, asked every 16 slices; None to go on in any case.
        wanted: numbers of the output's slices that are made, None for all; the others are 0 and take no memory.

    Returns:
        (t*n, s*h, s*w) float32.

    Raises:
        Cancelled: the task is.
    """
    task = task or Task()
    if factors[0] > 1:
        stack = interpolated_across(stack, factors[0])
    n, h, w = stack.shape
    output = np.zeros((n, h * factors[1], w * factors[2]), np.float32)
    for i in range(n) if wanted is None else wanted:
        if i % ASKED_EVERY == 0:
            task.check()
        output[i] = resized(stack[i], *output.shape[1:])
    return output


def interpolated_across(stack: np.ndarray, factor: int) -> np.ndarray:
    """Cubic interpolation across the slices alone: (n, h, w) -> (factor*n, h, w)."""
    return along(cubic_matrix(len(stack), factor * len(stack)), stack, 0)


def enlarged_mask(stack: np.ndarray, factors: Sequence[int]) -> np.ndarray:
    """UInt8 mask on the enlarged grid, its edge smooth at the fine voxels instead of in steps of the coarse ones.

    The mask is smoothed along the enlarged axes, interpolated linearly and cut at half its height.

    Args:
        stack: boolean (n, h, w).
        factors: (t, s, s).
    """
    sigmas = [MASK_SIGMA if factor > 1 else 0 for factor in factors]
    smooth = ndimage.gaussian_filter(np.asarray(stack, np.float32), sigmas, mode="nearest", truncate=3.0)
    t, s, _ = factors
    n, h, w = stack.shape
    large = np.zeros((t * n, s * h, s * w), np.uint8)  # memory is taken by what is written, not by 0
    for i in range(t * n):
        place = min(max((i + 0.5) / t - 0.5, 0), n - 1)
        first = int(place)
        share = np.float32(place - first)
        one = smooth[first]
        if share:
            one = (1 - share) * one + share * smooth[first + 1]
        if one.any():
            large[i] = resized(one, s * h, s * w, linear_matrix) >= 0.5
    return large


def band_limited(array: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Band-limited resizing of one axis, of an array of any shape, to ``size`` samples, edges aligned and mirrored.

    The same as ``fourier_resize`` of the array and its mirror image, without the jump from the
    last sample to the first: the cosine transform (DCT-II) is the spectrum of that pair, and its
    samples lie half a sample off the edges on every grid.

    Args:
        array: real.
        size: samples to return, more or fewer than now.
        axis: of the array.

    Returns:
        float32 array of the same mean.
    """
    n = array.shape[axis]
    if size == n:
        return np.asarray(array, np.float32)
    spectrum = fft.dct(np.asarray(array, np.float32), axis=axis, norm="ortho")
    # With n given, the inverse cuts the spectrum or continues it with zeros.
    return fft.idct(spectrum, n=size, axis=axis, norm="ortho", overwrite_x=True) * np.float32(np.sqrt(size / n))


def band_limited_stack(stack: np.ndarray, factors: Sequence[int], task: Task | None = None) -> np.ndarray:
    """:func:`band_limited` enlargement of a stack along its three axes.

    Args:
        stack: (n, h, w).
        factors: (t, s, s).
        task: as for :func:`interpolated`.

    Returns:
        (t*n, s*h, s*w) float32.

    Raises:
        Cancelled: the task is.
    """
    task = task or Task()
    n, h, w = stack.shape
    flat = band_limited(stack, factors[0] * n, 0)
    output = np.empty((len(flat), factors[1] * h, factors[2] * w), np.float32)
    for i, one in enumerate(flat):
        if i % ASKED_EVERY == 0:
            task.check()
        output[i] = band_limited(band_limited(one, output.shape[1], 0), output.shape[2], 1)
    return output
