"""Finds images that were resampled by a program: nearest, linear or cubic, by the period it leaves along an axis.

A resampled voxel's variance depends on how far it lies from the old voxels. That repeats every (old spacing / new
spacing) voxels, in all lines at once, which anatomy and noise never do; zero-filling does not either.
Which kernel it was, and which of the periods that look alike, ``interpolation_kernel`` tells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from .findings import NEAREST, NONE, UNKNOWN
from .interpolation_kernel import explain

_FEWEST = 24  # voxels along an axis
_PEAK = 15.0  # of the period's line by the median of the others
_SAME = 0.85  # share of equal neighbours where a voxel was repeated
_LARGEST_RATIO = 4.0


class Resampling(NamedTuple):
    """How an axis was resampled: share of the stated resolution, kind, confidence, evidence.

    An axis that was resampled in a way that cannot be told is UNKNOWN with a confidence above 0, and a share where that
    is certain.
    """

    share: float | None
    interpolation: str
    confidence: float
    evidence: str


def find_resampling(values: np.ndarray, tissue: np.ndarray, axis: int) -> Resampling:
    """The period that resampling left along one array axis.

    Args:
        values: (z, y, x) float32.
        tissue: boolean, of the same shape.
        axis: 0, 1 or 2.
    """
    lines, inside = (_some(np.moveaxis(one, axis, 0)) for one in (values, tissue))
    if len(lines) < _FEWEST or inside.mean() < 0.02:
        return Resampling(None, UNKNOWN, 0.0, "too few voxels of tissue")
    difference = np.diff(lines, axis=0)
    both = inside[1:] & inside[:-1]
    counts = both.sum(1)
    if not counts.any():
        return Resampling(None, UNKNOWN, 0.0, "too few voxels of tissue")
    used = counts > 0.1 * counts.max()
    start, stop = np.flatnonzero(used)[[0, -1]]
    span = slice(start, stop + 1)
    difference, both, counts = difference[span], both[span], counts[span]
    if len(counts) < _FEWEST or counts.min() < 20:
        return Resampling(None, UNKNOWN, 0.0, "too few voxels of tissue")
    same = ((difference == 0) & both).sum(1) / counts
    repeated = same > _SAME
    if 0.05 < repeated.mean() < 0.9 and np.median(same[~repeated]) < 0.5:
        share = float(1 - repeated.mean())
        return Resampling(share, NEAREST, 0.95, f"{repeated.mean():.0%} of the planes repeat the one before")
    second = np.diff(difference, axis=0)
    inner = both[1:] & both[:-1]
    profiles = [(difference**2 * both).sum(1) / counts, (second**2 * inner).sum(1) / np.maximum(inner.sum(1), 1)]
    best = max((_period(profile) for profile in profiles), key=lambda found: found[1])
    frequency, peak, depth = best
    if peak < _PEAK or depth < 0.03:
        return Resampling(1.0, NONE, 0.7, "no period along the axis")
    # A line at f is a period of 1/f voxels, or, beyond what planes can show, of 1/(1 - f).
    shares = [one for one in dict.fromkeys((frequency, 1 - frequency)) if 1 / _LARGEST_RATIO < one < 0.97]
    confidence = float(np.clip(0.5 + 0.02 * (peak - _PEAK), 0.5, 0.95))
    made = explain(lines, inside, shares)
    if made is None:
        periods = " or ".join(f"{1 / share:.2f}" for share in shares)
        evidence = f"resampled in a way that cannot be told: differences of neighbours repeat every {periods} voxels"
        return Resampling(None, UNKNOWN, confidence, evidence)
    why = "several kernels explain" if made.interpolation == UNKNOWN else "no other kernel explains"
    evidence = f"differences of neighbours repeat every {1 / made.share:.2f} voxels; {why} them"
    return Resampling(made.share, made.interpolation, confidence, evidence)


def _some(array):
    steps = [max(1, int(np.ceil(size / 80))) for size in array.shape[1:]]
    return np.ascontiguousarray(array[:, :: steps[0], :: steps[1]]).reshape(len(array), -1)


def _period(profile):
    """(frequency of the strongest line in cycles a voxel, its height by the median, its relative depth)."""
    log = np.log(np.maximum(profile, 1e-6 * profile.max() + 1e-30))
    smooth = ndimage.gaussian_filter1d(ndimage.median_filter(log, 5, mode="nearest"), 3, mode="nearest")
    rest = log - smooth
    rest = np.clip(rest, -4 * _spread(rest), 4 * _spread(rest)) * np.hanning(len(rest) + 2)[1:-1]
    length = 8 * len(rest)
    line = np.abs(np.fft.rfft(rest, length))
    frequency = np.arange(len(line)) / length
    seen = frequency > 0.1
    at = int(np.argmax(np.where(seen, line, 0)))
    others = seen & (np.abs(frequency - frequency[at]) > 3 / len(rest))
    typical = float(np.median(line[others]))
    return float(frequency[at]), float(line[at] / max(typical, 1e-12)), float(line[at] * 2 / (len(rest) / 2))


def _spread(values):
    return 1.4826 * float(np.median(np.abs(values - np.median(values)))) + 1e-6
