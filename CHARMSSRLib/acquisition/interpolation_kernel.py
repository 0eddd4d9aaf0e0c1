"""Which kernel made an axis of a resampled image, and from how many samples: by what no other kernel explains.

A resampled line is a sum of as many shifted kernels as there were samples. Lines of the right kernel, spacing and phase
lie in the space that these span, up to the rounding of the values; for any other kernel or spacing noise and anatomy
leave far more over. Unlike the period alone, this tells a line's frequency from its alias, and linear from cubic.

Sources: A. C. Gallagher, "Detection of linear and cubic interpolation in JPEG compressed images" (2005): the period;
D. Vazquez-Padin, F. Perez-Gonzalez, P. Comesana, "Set-membership identification of resampled signals" (2013), for what
is left of it after rounding.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from .findings import CUBIC, LINEAR, UNKNOWN

_WINDOW = 32  # voxels that are explained at once: so few that a small error of the spacing does not add up
_MOST_WINDOWS = 6
_FEWEST_LINES = 40
_MOST_LINES = 3000
_SAME = 2.0  # old samples over the whole axis by which two spacings that are the same may differ
_WRONG = 0.93  # of a share: a spacing that should explain nothing, where there is no other to compare with
_APART = 0.2  # what the right spacing leaves over by what the next best does, at most
_OWN = (
    0.04  # what the right kernel does; one that is only like it (a windowed sinc is like a cubic) leaves 0.07 and more
)


class Explained(NamedTuple):
    """The kernel and the spacing that explain a line.

    Attributes:
        interpolation: LINEAR or CUBIC; UNKNOWN where several explain it (cubic convolution to twice as many voxels is
            linear interpolation of another line).
        share: old samples by voxels.
    """

    interpolation: str
    share: float


def explain(lines: np.ndarray, inside: np.ndarray, shares: list) -> Explained | None:
    """The kernel that made the lines, and the share among those given.

    Args:
        lines: (voxels along the axis, lines).
        inside: boolean, of the same shape: tissue.
        shares: what the period allows, each below 1, right to about half a sample over the whole axis.

    Returns:
        Explained; None where no spacing explains the lines far better than the others, or too little lies in tissue.
    """
    windows = _windows(lines, inside)
    if not windows:
        return None
    allowed = shares
    if max(shares) - min(shares) <= _SAME / len(lines):
        shares = [*shares, _WRONG * min(shares)]
    found = []
    for kind, kernels in _KERNELS.items():
        for share in shares:
            best = min(_fitted(windows, kernel, share, len(lines)) for kernel in kernels)
            found.append((*best, kind))
    left, share, kind = min(found)
    # Half the band and its alias are the same spacing.
    same = [abs(one[1] - share) <= _SAME / len(lines) for one in found]
    if left > _APART * min((one[0] for one, alike in zip(found, same) if not alike), default=np.inf):
        return None
    if min(abs(share - one) for one in allowed) > _SAME / len(lines):
        return None
    rivals = [one[0] for one, alike in zip(found, same) if alike and one[2] != kind]
    return Explained(kind if left < _OWN * min(rivals, default=np.inf) else UNKNOWN, float(share))


def _windows(lines, inside):
    """(first voxel, covariance of the voxels) of stretches of the axis that lie in tissue."""
    inside = inside & (lines > lines.min())  # not what a mask has set to the background
    starts = np.arange(0, len(lines) - _WINDOW + 1, _WINDOW // 2)
    found = []
    for start in starts:
        used = np.flatnonzero(inside[start : start + _WINDOW].all(0))
        if len(used) >= _FEWEST_LINES:
            used = used[:: max(1, len(used) // _MOST_LINES)]
            some = lines[start : start + _WINDOW, used].astype(np.float64)
            some -= some.mean(0)
            found.append((int(start), some @ some.T / len(used)))
    if len(found) > _MOST_WINDOWS:
        found = [found[i] for i in np.linspace(0, len(found) - 1, _MOST_WINDOWS).round().astype(int)]
    return found


def _fitted(windows, kernel, share, size):
    """(variance left over a degree of freedom, share) at the best phase and the best share near the given one."""
    best = min(
        (_left(windows, kernel, one, phase), one, phase)
        for one in share + np.array([-0.4, 0, 0.4]) / size
        for phase in np.arange(0, 1, 0.125)
    )
    steps = np.array([-1, 0, 1])
    for width in (0.5, 0.25, 0.12, 0.06):
        _, middle, phase = best
        tried = (
            (middle + 0.4 * width * one / size, phase + 0.12 * width * other - 0.2 * width * one)
            for one in steps
            for other in steps
        )
        best = min(best, *((_left(windows, kernel, *one), *one) for one in tried))
    return best[:2]


def _left(windows, kernel, share, phase):
    left = freedom = 0.0
    for start, covariance in windows:
        places = share * np.arange(start, start + _WINDOW) + phase
        samples = np.arange(np.floor(places[0]) - 1, np.ceil(places[-1]) + 2)
        spanned = kernel(np.abs(places[:, None] - samples))
        spanned = spanned[:, spanned.any(0)]
        basis = np.linalg.qr(spanned)[0]
        left += float(np.trace(covariance) - np.einsum("ij,ij->", basis, covariance @ basis))
        freedom += max(_WINDOW - basis.shape[1], 0)
    return left / freedom if freedom else np.inf


def _linear(away):
    return np.maximum(0, 1 - away)


def _cubic_spline(away):
    near, far = (4 - 6 * away**2 + 3 * away**3) / 6, np.maximum(2 - away, 0) ** 3 / 6
    return np.where(away < 1, near, far)


def _cubic_convolution(away, a):
    """Keys: a = -1/2 (Catmull-Rom; Pillow, scikit-image), -3/4 (OpenCV, torch)."""
    near, far = (a + 2) * away**3 - (a + 3) * away**2 + 1, a * (away**3 - 5 * away**2 + 8 * away - 4)
    return np.where(away < 1, near, np.where(away < 2, far, 0))


_KERNELS = {
    LINEAR: (_linear,),
    CUBIC: (_cubic_spline, partial(_cubic_convolution, a=-0.5), partial(_cubic_convolution, a=-0.75)),
}
