"""Takes muscle, dura and fat off a brain mask that was drawn generously: what lies at its border must look like brain.

The network of the built-in backend sees voxels of 3 mm, and its threshold is low so that no cortex is lost. The
border is then drawn anew on the scan's own grid: from what is surely brain the mask grows by geodesic dilation
through voxels as bright as brain, so that it stops at the dark line of fluid, dura or skull.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from ...grids.orientation import bounding_box
from ..morphology import dilate, fill_holes, largest_component

SURE, INNER = 0.0, 3.0  # logits: is brain; lies deep in it
REACH_MM = 3.0  # how far the sure part grows
BRIGHTNESS = (5, 95)  # percentiles of the inner part: what looks like brain
SIGMA_MM = 0.7  # smoothing of the scan, against noise
SMOOTH_MM = 1.0  # of the border
WORKING_MARGIN = 6  # voxels around the mask


def trimmed(mask: np.ndarray, logits: np.ndarray, values: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """A mask without what does not look like brain at its border.

    Args:
        mask: boolean (z, y, x), generous.
        logits: float32, same shape: the network's answer and the scan.
        values: likewise.
        spacing: mm, (z, y, x).

    Returns:
        Boolean, inside ``mask``; ``mask`` itself where nothing in it is surely brain.
    """
    box = bounding_box(mask, (WORKING_MARGIN,) * 3)
    part, logits = mask[box], logits[box]
    sure = fill_holes(largest_component((logits > SURE) & part))
    inner = sure & (logits > INNER)
    if not inner.any():
        return mask
    smooth = ndimage.gaussian_filter(values[box], [SIGMA_MM / step for step in spacing])
    low, high = np.percentile(smooth[inner], BRIGHTNESS)
    near = dilate(sure, REACH_MM, spacing) & part & (smooth >= low) & (smooth <= high)
    grown = ndimage.binary_propagation(sure, mask=near | sure)
    even = ndimage.gaussian_filter(grown.astype(np.float32), [SMOOTH_MM / step for step in spacing]) > 0.5
    result = np.zeros_like(mask)
    result[box] = fill_holes(largest_component((even | sure) & part))
    return result
