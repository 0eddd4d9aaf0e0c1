"""Does a result show a focus in even tissue where the scan has none? Random boxes of a scan without a truth."""

import numpy as np
from scipy import ndimage

BOXES = 40  # per volume
BOX_MM = 12.0
FOCUS_MM = 4.0  # across: the smallest focus that a reader would take for one
TOO_MUCH = 3.0  # of the interpolated scan's noise


def largest_foci(output, cubic, even, spacing, noise, boxes=BOXES, seed=0):
    """For random boxes of even tissue the strongest focus that enhancing added, in units of the noise.

    A focus is what stands out of its box in the difference of result and interpolation, as a mean over its size.

    Args:
        output: (n, H, W) float32.
        cubic: likewise.
        even: boolean, same shape: even tissue.
        spacing: mm, (rows, columns) of the grid.
        noise: SD of the interpolated scan's in even tissue.
        boxes: how many are drawn.
        seed: of everything that is drawn.

    Returns:
        (boxes,) array; empty where there is no even tissue.
    """
    places = np.argwhere(even)
    if not len(places):
        return np.zeros(0)
    added = output - cubic
    reach = [int(FOCUS_MM / 2 / step) for step in spacing]
    y, x = (np.arange(-one, one + 1) * step for one, step in zip(reach, spacing))
    disc = (np.hypot(y[:, None], x[None]) <= FOCUS_MM / 2).astype(np.float32)[None]
    smooth = ndimage.convolve(added, disc / disc.sum())
    rng = np.random.default_rng(seed)
    found = []
    for z, y, x in places[rng.integers(len(places), size=boxes)]:
        near = (z, *(slice(max(0, int(i - BOX_MM / step / 2)), int(i + BOX_MM / step / 2) + 1)
                     for i, step in zip((y, x), spacing)))  # fmt: skip
        inside = smooth[near][even[near]]
        found.append(np.abs(inside - np.median(inside)).max() / noise)
    return np.array(found)
