"""What a thick slice holds of the finer slices: the mean over its thickness, which need not be its distance."""

from __future__ import annotations

import functools

import numpy as np
from scipy import sparse


@functools.lru_cache(maxsize=16)
def profile_matrix(fine: int, slices: int, thickness: float = 1.0, dtype: str = "float32") -> sparse.csr_matrix:
    """(slices, fine): each slice as the mean over the part of the fine ones that it covers.

    Args:
        fine: number of fine slices, a multiple of ``slices``.
        slices: number of thick ones.
        thickness: of a slice, in units of their distance: below 1 with gaps, above with overlap. 1 gives plain means of
            ``fine // slices`` neighbours.
        dtype: of the matrix.

    Returns:
        Rows sum to 1; at the ends of the stack a slice counts only what lies within.
    """
    factor = fine // slices
    centres = (np.arange(slices) + 0.5) * factor
    half = max(thickness * factor, 1e-3) / 2
    edges = np.arange(fine)
    covered = np.minimum(edges + 1, (centres + half)[:, None]) - np.maximum(edges, (centres - half)[:, None])
    covered = np.maximum(covered, 0)
    return sparse.csr_matrix(covered / covered.sum(1, keepdims=True), dtype=dtype)
