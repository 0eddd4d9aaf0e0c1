"""The last step of a result's values: back to where the scan's lie, and nothing below what a scan can hold."""

from __future__ import annotations

import numpy as np


def to_scan_levels(output: np.ndarray, mask: np.ndarray | None, lowest: float, offset: float, background: float) -> int:
    """Clip a result from below and undo the shift of its scan, in place.

    Sharpening overshoots: beside bright tissue a result may fall below 0, which no magnitude does.

    Args:
        output: (n, h, w) float32, the scan's units minus ``offset``; 0 outside the mask.
        mask: (n, h, w), non-zero where the result holds; None where it holds everywhere.
        lowest: smallest value of the scan minus ``offset``; results below both it and 0 are raised to it
            (or to 0, where the scan holds nothing negative).
        offset: see ``Preprocessed``.
        background: likewise.

    Returns:
        How many voxels were raised.
    """
    bound = np.float32(min(0.0, lowest))
    count = 0
    for index in range(len(output)):
        below = output[index] < bound
        count += int(np.count_nonzero(below))
        output[index][below] = bound
        if offset or background:
            output[index] += np.float32(offset)
            if mask is not None:
                output[index][mask[index] == 0] = background
    return count
