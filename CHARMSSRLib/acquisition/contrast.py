"""The likely contrast of a brain scan, by how its brightness is spread in the middle of the head."""

from __future__ import annotations

import numpy as np

from .findings import UNKNOWN, Finding

T1W, T2W, FLAIR, OTHER = "T1w", "T2w", "FLAIR", "other"
_BELOW_THE_TOP_MM = 65.0
_RADII_MM = (40.0, 58.0, 48.0)  # of an ellipsoid that lies in the brain, along z, y, x
_FEWEST = 500


def likely_contrast(small: np.ndarray, head: np.ndarray, spacing: tuple) -> Finding:
    """The likely contrast.

    Args:
        small: (z, y, x) of a volume in LPS order at about 2 mm.
        head: boolean, of the same shape.
        spacing: mm along z, y, x.
    """
    inside = middle_of_the_brain(head, spacing)
    values = small[inside] if inside is not None else small[:0]
    if values.size < _FEWEST:
        return Finding(UNKNOWN, 0.0, "no brain in the middle of the image")
    low, quarter, median, high = (float(one) for one in np.percentile(values, [2, 25, 50, 98]))
    if median <= 0 or high <= low:
        return Finding(UNKNOWN, 0.0, "no contrast in the middle of the image")
    clipped = np.clip(values, low, high)
    spread = clipped - clipped.mean()
    skew = float((spread**3).mean() / (spread**2).mean() ** 1.5)
    bright_rim = float(np.percentile(small[head], 98)) / median
    shown = f"skew {skew:.2f}, lower quarter {quarter / median:.2f} and top {high / median:.2f} of the median"
    if skew > 0.5:
        return Finding(T2W, min(0.95, 0.6 + 0.25 * skew), f"fluid is brightest: {shown}")
    if skew > 0:
        return Finding(OTHER, 0.3, shown)
    if quarter < 0.83 * median:
        return Finding(T1W, 0.85, f"grey matter lies far below white matter: {shown}")
    if bright_rim > 2:
        return Finding(T1W, 0.6, f"fat {bright_rim:.1f} times as bright as the brain, fluid dark: {shown}")
    if high > 1.2 * median:
        return Finding(FLAIR, 0.6, f"fluid is dark, grey and white matter alike: {shown}")
    return Finding(OTHER, 0.3, shown)


def middle_of_the_brain(head: np.ndarray, spacing: tuple) -> np.ndarray | None:
    """Boolean (z, y, x): an ellipsoid below the top of a head, boolean of that shape; None where there is no head."""
    occupied = np.flatnonzero(head.mean(axis=(1, 2)) > 0.01)
    if not len(occupied):
        return None
    top = int(occupied[-1])
    upper = head[max(0, top - int(100 / spacing[0])) : top + 1]
    _, y, x = (float(one.mean()) for one in np.nonzero(upper))
    centre = (top - _BELOW_THE_TOP_MM / spacing[0], y, x)
    grid = np.ogrid[: head.shape[0], : head.shape[1], : head.shape[2]]
    distance = sum(((grid[i] - centre[i]) * spacing[i] / _RADII_MM[i]) ** 2 for i in range(3))
    return (distance < 1) & head
