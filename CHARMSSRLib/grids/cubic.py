"""Cubic and linear resizing along one axis as a sparse matrix, voxel edges aligned; numpy and scipy alone.

The kernels and what happens at the edges are those of torch's ``interpolate`` (align_corners=False), which the
network was trained with: enlarging has Keys' kernel with a = -0.75 and repeats the last sample beyond an edge;
shrinking with antialiasing has a = -0.5 over ``ratio`` times the width, cut off at an edge and summing to 1.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from scipy import sparse

ENLARGING, SHRINKING = -0.75, -0.5  # Keys' parameter


@functools.lru_cache(maxsize=64)
def cubic_matrix(size: int, new: int, dtype: str = "float32") -> sparse.csr_matrix:
    """(new, size): cubic interpolation onto a finer grid, or antialiased onto a coarser one."""
    return _antialiased(size, new, dtype) if new < size else _interpolating(size, new, 2, _keys, dtype)


@functools.lru_cache(maxsize=64)
def linear_matrix(size: int, new: int, dtype: str = "float32") -> sparse.csr_matrix:
    """(new, size): linear interpolation."""
    return _interpolating(size, new, 1, lambda distance, _: np.maximum(0, 1 - distance), dtype)


def along(matrix: sparse.csr_matrix, array: np.ndarray, axis: int) -> np.ndarray:
    """An array of any shape with one axis multiplied by a matrix; a new array of the matrix's dtype, contiguous."""
    array = np.asarray(array, matrix.dtype)
    moved = np.moveaxis(array, axis, 0)
    flat = np.ascontiguousarray(moved.reshape(len(moved), -1))
    result = (matrix @ flat).reshape((matrix.shape[0],) + moved.shape[1:])
    return np.ascontiguousarray(np.moveaxis(result, 0, axis))


def resized(images: np.ndarray, rows: int, columns: int, matrix: Callable = cubic_matrix) -> np.ndarray:
    """(..., h, w) -> (..., rows, columns) by a matrix along each axis: ``matrix(size, new size)``, cubic by default."""
    return along(matrix(images.shape[-1], columns), along(matrix(images.shape[-2], rows), images, -2), -1)


def _interpolating(size, new, reach, kernel, dtype):
    places = (np.arange(new) + 0.5) * (size / new) - 0.5
    if reach == 1:
        places = np.clip(places, 0, size - 1)
    first = np.floor(places).astype(int)
    taps = np.arange(1 - reach, reach + 1)
    samples = first[:, None] + taps
    weights = kernel(np.abs(places[:, None] - samples), ENLARGING)
    rows = np.repeat(np.arange(new), len(taps))
    return _matrix(weights.ravel(), rows, np.clip(samples, 0, size - 1).ravel(), (new, size), dtype)


def _antialiased(size, new, dtype):
    ratio = size / new
    middle = ratio * (np.arange(new) + 0.5)
    low = np.maximum((middle - 2 * ratio + 0.5).astype(int), 0)
    high = np.minimum((middle + 2 * ratio + 0.5).astype(int), size)
    samples = np.arange(size)
    rows, columns = np.nonzero((samples >= low[:, None]) & (samples < high[:, None]))
    weights = _keys(np.abs(columns - middle[rows] + 0.5) / ratio, SHRINKING)
    sums = np.bincount(rows, weights, new)
    return _matrix(weights / sums[rows], rows, columns, (new, size), dtype)


def _keys(distance, a):
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((distance - 5) * distance + 8) * distance * a - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))


def _matrix(weights, rows, columns, shape, dtype):
    return sparse.csr_matrix((weights, (rows, columns)), shape, dtype=dtype)
