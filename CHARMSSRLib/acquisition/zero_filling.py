"""Finds where the spectrum of an axis ends before the grid's own Nyquist frequency: zero-filled k-space.

Anatomy and noise fall off smoothly. Where k-space ended, the spectrum drops far below what its course before lets
expect, and stays down to the end of the grid. Where exactly, a model of the whole course tells: a smooth trend, cut
off at the end of k-space (with a raised cosine before it where a filter was used), seen through the window, and what
rounding and the magnitude leave above it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import ndimage, optimize

from .findings import NONE, UNKNOWN, ZERO_FILLED, ZERO_FILLED_WITH_FILTER
from .kspace_shape import step_in
from .spectrum import Spectrum

LOWEST, HIGHEST = 0.2, 0.95  # where an end can be seen
_EXCESS = np.log(1.8)  # of the drop over what the course before lets expect
_DROP = np.log(4.0)  # power before the end by power after it
_RESTS = 0.35  # of the slope of the fall: what follows must have come to rest
_FILTER = 0.12  # share of the band that a filter rolls off, from which on it is called one
_BETTER = 2.0  # times that a model with an end must fit closer than one without
_SURE = 0.82  # below, an end with a filter cannot be told from a blur (highest of false ones: 0.80)
_REMAINS = 0.12  # of the power well before an end, at most, beyond it (0.03 in made scans, 0.09 in real ones)
_INSIDE = (0.5, 0.7), (0.7, 0.88)  # of the band: where a filter has not begun, and the part before the end
_LEAK = 0.01  # of the power where a filter has not begun
_NEAR = 0.05  # of the band: a step before it counts as what was taken for the end
_BEFORE = 0.3  # of the band before the end that is modelled


class End(NamedTuple):
    """Where an axis' spectrum ends.

    Attributes:
        share: as a share of the Nyquist frequency; 1.0 for none, None when it cannot be told.
        interpolation: NONE, ZERO_FILLED, ZERO_FILLED_WITH_FILTER or UNKNOWN.
        confidence: 0 to 1.
        evidence: a phrase.
    """

    share: float | None
    interpolation: str
    confidence: float
    evidence: str


class _Fall(NamedTuple):
    place: float
    excess: float
    before: float
    after: float
    last: float


def find_end(spectrum: Spectrum | None, quantum: float = 0.0) -> End:
    """Where the spectrum ends.

    Args:
        spectrum: of :func:`~.spectrum.axis_spectrum`.
        quantum: smallest distance of two values; its rounding adds white noise.
    """
    if spectrum is None:
        return End(None, UNKNOWN, 0.0, "too little tissue in one piece along this axis")
    width = max(spectrum.resolution, 0.012)
    level = np.log(np.maximum(spectrum.power, 1e-12 * spectrum.power.max() + 1e-300))
    falls = [_sharpest_fall(spectrum.frequency, level, times * width) for times in (1, 2, 3)]
    falls = [fall for fall in falls if fall is not None]
    if not falls:
        return End(None, UNKNOWN, 0.0, "the axis has too few voxels")
    fall = max(falls, key=lambda one: one.excess)
    if fall.before < np.log(max(quantum, 1e-6) ** 2 / 6):
        return End(None, UNKNOWN, 0.2, "what would be noise drowns in the rounding of the values")
    drop = fall.before - fall.after
    goes_on = End(1.0, NONE, 0.9, "the spectrum goes on to the end of the grid")
    if fall.excess < _EXCESS or drop < _DROP:
        return goes_on._replace(confidence=0.9 if fall.excess < 0.5 * _EXCESS else 0.6)
    share, filtered, misfit, without = _fitted(spectrum, level, fall, width)
    if filtered > _FILTER:
        share, filtered = _above_the_leak(spectrum, fall, width, share, filtered)
    if without < _BETTER * misfit:
        return goes_on._replace(confidence=0.5, evidence="a smooth course explains the spectrum as well as an end does")
    if not LOWEST < share < HIGHEST:
        return goes_on._replace(confidence=0.6, evidence="the spectrum rolls off towards the end of the grid")
    step = step_in(spectrum)
    if step is not None and step[1] < share + _NEAR:
        evidence = f"power falls to {np.exp(step[2]):.0%} at {step[1]:.2f} of the band and goes on: partial Fourier"
        return goes_on._replace(confidence=0.6, evidence=evidence)
    left = _left(spectrum, share, width)
    if left > _REMAINS:
        evidence = f"the spectrum falls at {share:.2f} of the grid's band, but {left:.0%} of the power goes on beyond"
        return End(None, UNKNOWN, 0.3, evidence)
    kind = ZERO_FILLED_WITH_FILTER if filtered > _FILTER else ZERO_FILLED
    confidence = float(np.clip(0.4 + 0.15 * fall.excess + 0.05 * drop - 0.5 * misfit, 0, 0.99))
    if kind == ZERO_FILLED_WITH_FILTER and confidence < _SURE:
        return End(
            None, UNKNOWN, 0.3, f"the spectrum falls at {share:.2f} of the grid's band, as a blur or a filter does"
        )
    return End(share, kind, confidence, f"power in tissue falls {_times(drop)} at {share:.2f} of the grid's band")


def _sharpest_fall(frequency, level, width):
    """The fall that is furthest below the course before it; None where the axis is too short to see any."""
    best = None
    step = frequency[1]
    means = ndimage.uniform_filter1d(level, max(1, round(2 * width / step)), mode="nearest")

    def mean(place):
        return means[min(round(place / step), len(means) - 1)]

    last = float(np.median(level[frequency > 1 - max(2 * width, 3 * step)]))
    for place in frequency[(frequency > LOWEST) & (frequency < HIGHEST)]:
        if place - 4 * width < 0.03:
            continue
        one, two, after = mean(place - 4 * width), mean(place - 2 * width), mean(min(place + 2 * width, 1 - width))
        excess = (two - after) - 2 * max(0.0, one - two)
        low = min(place + 4 * width, 1 - width)
        fallen, ahead = mean(low), max(1 - width - low, width)
        if (fallen - last) / ahead > _RESTS * (two - fallen) / (low - place + 2 * width):
            continue
        if best is None or excess > best.excess:
            best = _Fall(float(place), float(excess), float(two), float(fallen), last)
    return best


def _fitted(spectrum, level, fall, width):
    """The end, the part of the band that a filter rolls off before it, the model's misfit, and that without an end."""
    best = None
    first = max(0.06, fall.place - 3 * width - _BEFORE)
    for start, filtered in ((fall.place, 0.02), (fall.place + width, 0.3), (fall.place + 2 * width, 0.7)):
        found = _fit(spectrum, level, fall, first, start, filtered)
        if best is None or found[2] < best[2] * 0.97:
            best = found
    return (*best, _fit(spectrum, level, fall, first, None, 0)[2])


def _above_the_leak(spectrum, fall, width, share, filtered):
    """The end and the roll-off of a filter anew, under white noise that hides what the magnitude leaks beyond the band.

    With little noise that leak falls on beyond the end and would be taken for a part of the band.
    """
    band = _between(spectrum.frequency, share, _INSIDE[0])
    if not band.any():
        return share, filtered
    hidden = replace(spectrum, power=spectrum.power + _LEAK * float(np.median(spectrum.power[band])))
    level = np.log(hidden.power)
    last = float(np.median(level[spectrum.frequency > 0.95]))
    found = _fitted(hidden, level, fall._replace(last=last), width)
    return found[:2] if found[1] > _FILTER else (share, filtered)


def _left(spectrum, share, width):
    """Power beyond an end by power well before it."""
    beyond = spectrum.frequency > min(share + 2 * width, 0.97)
    before = _between(spectrum.frequency, share, _INSIDE[1])
    if not before.any():
        return 0.0
    return float(np.median(spectrum.power[beyond]) / max(np.median(spectrum.power[before]), 1e-30))


def _between(frequency, share, part):
    return (frequency > part[0] * share) & (frequency < part[1] * share)


def _fit(spectrum, level, fall, first, start, filtered):
    """The model's end, roll-off and misfit, searched from ``start``; without an end where that is None."""
    frequency, kernel = spectrum.frequency, spectrum.kernel
    inside = (frequency >= first) & (frequency <= 0.99)
    axis = frequency[inside]
    trusted = axis <= (1 if start is None else min(start * (1 - filtered), fall.place))
    if np.count_nonzero(trusted) < 5:
        trusted = axis <= axis[5]
    trend = np.polyfit(axis[trusted] - fall.place, level[inside][trusted], 1)
    # The model is computed thousands of times: what stays the same is made once.
    mirror = np.pad(np.arange(len(frequency)), len(kernel) // 2, mode="reflect")
    away, before_the_end = frequency - fall.place, axis - 1
    away_squared = away**2
    unmodelled = slice(np.count_nonzero(frequency < first))
    modelled = slice(unmodelled.stop, unmodelled.stop + len(axis))

    def model(parameters):
        height, slope, bend, end, roll, rest, tilt = parameters
        clean = np.exp(_limited(height + slope * away + bend * away_squared, -60, 60))
        if start is not None:
            clean *= _filter(frequency / end, roll)
        clean[unmodelled] = spectrum.power[unmodelled]
        seen = np.convolve(clean[mirror], kernel, mode="valid")[modelled]
        return np.log(seen + np.exp(_limited(rest + tilt * before_the_end, -60, 60)))

    # Without an end the course is convex, as anatomy and noise are.
    lower = [-50, -80, 0.0 if start is None else -200, LOWEST * 0.8, 0.0, -50, -12]
    upper = [60, 5, 200, 1.1, 1.0, 60, 1]
    guess = [trend[1], min(trend[0], 0), 0.1, start or 1.0, filtered, fall.last, 0.0]
    guess = np.clip(guess, np.array(lower) + 1e-3, np.array(upper) - 1e-3)
    found = optimize.least_squares(
        lambda parameters: model(parameters) - level[inside],
        guess, bounds=(lower, upper), loss="soft_l1", f_scale=0.1, max_nfev=40, x_scale=[1, 5, 20, 0.05, 0.2, 1, 2],
    )  # fmt: skip
    misfit = float(np.sqrt(np.mean((model(found.x) - level[inside]) ** 2)))
    return float(found.x[3]), float(found.x[4]), misfit


def _filter(place, roll):
    """Power that a raised cosine over the outer ``roll`` of the band lets pass; the cut-off is one step soft."""
    steps = place[1] - place[0]
    cut = _limited((1 - place) / steps + 0.5, 0, 1)
    if roll < 1e-3:
        return cut
    amplitude = 0.5 * (1 + np.cos(np.pi * _limited((place - 1 + roll) / roll, 0, 1)))
    return cut * amplitude**2


def _limited(values, least, most):
    """``np.clip`` for short arrays, of which it takes most of the time."""
    return np.minimum(np.maximum(values, least), most)


def _times(drop):
    times = np.exp(drop)
    return f"{times:.0f} times" if times < 2000 else f"10^{np.log10(times):.0f} times"
