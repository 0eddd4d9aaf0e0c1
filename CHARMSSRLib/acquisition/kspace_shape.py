"""Which part of k-space was measured, where an image tells: partial Fourier along an axis, corners left out in a plane.

Partial Fourier: one side of k-space ends early. What lies beyond is then measured once instead of twice, and the power
of signal and noise falls there to a half or less, in one step, and goes on. Elliptical: the corners of a plane of
k-space are empty, while its edges are not.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import fft, ndimage

from .findings import CUBIC, LINEAR, NEAREST, UNKNOWN, ZERO_FILLED_WITH_FILTER, Finding
from .spectrum import Spectrum

_BAND = (0.12, 0.9)  # of the measured band, in which a step is looked for
_PLACES = np.arange(0.2, 0.82, 0.01)
_LATEST = 0.72  # of the band: later, a step is the beginning of a roll-off
_HEIGHT = (-1.6, -0.5)  # of the step, in the logarithm of power
_BESIDE, _DEEPEST = 0.08, 2.5  # power so far before the step by power so far after it, at most: deeper is an end
_BETTER = 1.9  # times that a course with a step must fit closer than one without
_THICK = 1.5  # slices so much thicker than the pixels are cut by a pulse, not by k-space
_PLANES = 24  # so many are enough
_EDGE, _INNER = 0.75, (0.3, 0.55)  # of the band: what counts as its edge, and as its middle
_EMPTY, _FULL = 0.1, 0.6  # power in the corners by what both edges let expect: empty below, full above
_HIDING = (LINEAR, NEAREST, CUBIC, ZERO_FILLED_WITH_FILTER)  # where the corners are weak anyway
_FEWEST = 24  # voxels along an axis


def partial_fourier(axes: list, spectra: list) -> Finding:
    """Whether one side of k-space ended early.

    Args:
        axes: of array axes z, y, x.
        spectra: of the same axes; None where there is too little tissue.

    Returns:
        Finding: the measured share of k-space along the axis that the evidence names (0.75: six eighths), or
        "unknown". An image in which nothing is seen may be one in which the other side was made up.
    """
    finest = min(axis.spacing_mm for axis in axes)
    best = None
    for axis, spectrum in zip(axes, spectra):
        if spectrum is None or axis.share is None or axis.spacing_mm > _THICK * finest:
            continue
        found = step_in(spectrum, axis.share)
        if found is not None and (best is None or found[0] > best[0]):
            best = (*found, axis.direction)
    if best is None:
        return Finding(UNKNOWN, 0.0, "no step in the power along any axis")
    better, place, height, direction = best
    confidence = round(float(np.clip(0.3 + 0.2 * (better - 1), 0, 0.85)), 2)
    evidence = f"{direction}: power falls to {np.exp(height):.0%} at {place:.2f} of the band and goes on"
    return Finding(round((1 + place) / 2, 2), confidence, evidence)


def step_in(spectrum: Spectrum, end: float = 1.0) -> tuple | None:
    """The step that partial Fourier leaves in the power along an axis; None where there is none.

    Args:
        spectrum: of the axis.
        end: of its band, as a share of the Nyquist frequency.

    Returns:
        (times that a course with the step fits closer than one without, its place in the band, its height in the
        logarithm of power).
    """
    without, misfit, place, height = _step(spectrum, end)
    better = without / max(misfit, 1e-9)
    before, after = np.interp([(place - _BESIDE) * end, (place + _BESIDE) * end], spectrum.frequency, spectrum.power)
    goes_on = after * np.exp(_DEEPEST) > before
    seen = better > _BETTER and _HEIGHT[0] < height < _HEIGHT[1] and place < _LATEST and goes_on
    return (better, place, height) if seen else None


def elliptical(values: np.ndarray, tissue: np.ndarray, axes: list) -> Finding:
    """Whether the corners of k-space are empty in the plane of two axes.

    Args:
        values: (z, y, x) float32.
        tissue: boolean, of the same shape.
        axes: of array axes z, y, x.

    Returns:
        Finding: True, False, or "unknown".
    """
    finest = min(axis.spacing_mm for axis in axes)
    ratios = []
    for pair in combinations(range(3), 2):
        used = [axes[i] for i in pair]
        if any(one.share is None or one.interpolation in _HIDING for one in used):
            continue
        if any(one.spacing_mm > _THICK * finest or values.shape[i] < _FEWEST for one, i in zip(used, pair)):
            continue
        power = _plane_power(values, tissue, pair)
        if power is not None:
            ratio = _corners(power, [one.share for one in used])
            ratios.append((ratio, " and ".join(one.direction for one in used)))
    if not ratios:
        return Finding(UNKNOWN, 0.0, "no plane with enough tissue in one piece")
    lowest, where = min(ratios)
    shown = f"power in the corners {lowest:.2f} of what the edges let expect ({where})"
    if lowest < _EMPTY:
        return Finding(True, 0.7, shown)
    return Finding(False, 0.6, shown) if lowest > _FULL else Finding(UNKNOWN, 0.3, shown)


def _step(spectrum: Spectrum, end: float) -> tuple:
    """(misfit of a smooth course, of one with a step, the step's place in the band, its height)."""
    place = spectrum.frequency / end
    inside = (place > _BAND[0]) & (place < _BAND[1])
    x, y = place[inside], np.log(np.maximum(spectrum.power[inside], 1e-12 * spectrum.power.max()))
    width = max(spectrum.resolution, 0.012) / end
    smooth = np.stack([np.ones_like(x), x, x**2, x**3, np.log(x)], 1)

    def misfit(columns):
        weights = np.linalg.lstsq(columns, y, rcond=None)[0]
        return float(np.sqrt(np.mean((columns @ weights - y) ** 2))), weights

    best = (np.inf, 0.0, 0.0)
    for step in _PLACES:
        after = np.clip((x - step) / (2 * width) + 0.5, 0, 1)
        found, weights = misfit(np.column_stack([smooth, after]))
        if found < best[0]:
            best = (found, float(step), float(weights[-1]))
    return (misfit(smooth)[0], *best)


def _plane_power(values, tissue, pair):
    """Mean power (h, w) of windowed planes along two axes, zero frequency first; None where too little is tissue."""
    across = next(i for i in range(3) if i not in pair)
    lines, inside = np.moveaxis(values, across, 0), np.moveaxis(tissue, across, 0)
    filled = inside.sum((1, 2))
    chosen = np.flatnonzero(filled > 0.5 * filled.max()) if filled.any() else []
    if not len(chosen):
        return None
    chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, _PLANES).astype(int))]
    total, weight = 0.0, 0.0
    for plane in chosen:
        window = _window(inside[plane])
        if window is None:
            continue
        mean = float((lines[plane] * window).sum() / window.sum())
        spectrum = fft.fft2((lines[plane] - mean) * window)
        total = total + spectrum.real**2 + spectrum.imag**2
        weight += float((window**2).sum())
    return total / weight if weight > 0 else None


def _window(inside):
    """A smooth window well inside the tissue of a plane: no edge that would spread power along the axes."""
    taper = max(3, min(inside.shape) // 16)
    deep = ndimage.minimum_filter(inside.view(np.uint8), 2 * taper + 1, mode="constant", cval=0).astype(np.float32)
    if deep.mean() < 0.05:
        return None
    kernel = np.hanning(2 * taper + 3)[1:-1].astype(np.float32)
    for axis in (0, 1):
        deep = ndimage.convolve1d(deep, kernel / kernel.sum(), axis=axis, mode="constant")
    return deep


def _corners(power, shares):
    """Power in the corners by what it would be if both axes rolled off by themselves: 1, more for anatomy."""
    first, second = (np.abs(np.fft.fftfreq(size) * 2) / share for size, share in zip(power.shape, shares))
    in_band = (first <= 0.97)[:, None] & (second <= 0.97)
    far, near = (first > _EDGE)[:, None], (second > _EDGE)[None]
    rows, columns = (first > _INNER[0]) & (first < _INNER[1]), (second > _INNER[0]) & (second < _INNER[1])
    outside = ~(first <= 1.03)[:, None] | ~(second <= 1.03)[None]
    floor = float(np.median(power[outside])) if outside.any() and min(shares) < 0.95 else 0.0

    def level(where):
        return max(float(np.median(power[where & in_band])) - floor, 1e-30)

    middle, corner = level(rows[:, None] & columns[None]), level(far & near)
    return corner * middle / (level(far & columns[None]) * level(rows[:, None] & near))
