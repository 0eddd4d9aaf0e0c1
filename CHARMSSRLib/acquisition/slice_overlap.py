"""Slices that overlap, told from the voxels: the power across them falls faster than in plane.

Anatomy has no preferred direction. Along the slice axis its power is that in plane times the square of the slice
profile's transform, folded back at the Nyquist frequency of the slices' distance. How fast that falls towards the
Nyquist frequency tells the thickness by the distance: from about 1.5 on reliably, below too badly to act upon.
"""

from __future__ import annotations

import numpy as np

from .findings import NONE, UNKNOWN, Finding
from .spectrum import Spectrum

_THICK = 1.5  # slices by the pixels, from which on they are slices
_BAND = (0.25, 0.95)  # of the slices' Nyquist frequency
_STEPS = 30
_THICKNESSES = np.arange(0.3, 2.6, 0.05)
_OVERLAP = 1.45  # thickness by distance from which on it is believed
_CLOSE = 0.3  # misfit in the logarithm of power, at most
_FOLDS = np.arange(-4, 5)
_STEEPEST, _FLATTEST = 6.0, 3.0  # exponents that the power of anatomy in three dimensions can have


def overlap(axes: list, spectra: list) -> tuple[Finding, float | None]:
    """Whether the slices overlap, and their thickness in mm where they do.

    Args:
        axes: of array axes z, y, x.
        spectra: of the same axes; None where there is too little tissue.
    """
    spacing = [axis.spacing_mm for axis in axes]
    across = int(np.argmax(spacing))
    plane = [i for i in range(3) if i != across]
    if spacing[across] < _THICK * max(spacing[i] for i in plane):
        return Finding(UNKNOWN, 0.0, "no tag states the slice thickness"), None
    if any(one is None for one in spectra) or axes[across].interpolation not in (NONE, UNKNOWN):
        return Finding(UNKNOWN, 0.0, "no tag states the slice thickness, and there is too little to tell it from"), None
    misfit, ratio = _fitted(spectra[across], [spectra[i] for i in plane], spacing[across], [spacing[i] for i in plane])
    if misfit > _CLOSE or ratio < _OVERLAP:
        return Finding(UNKNOWN, 0.0, "no tag states the slice thickness; the voxels show no strong overlap"), None
    evidence = f"no tag; power across the slices falls as in slices {ratio:.1f} times as thick as they are apart"
    return Finding("overlap", 0.5, evidence), float(ratio * spacing[across])


def _fitted(through: Spectrum, in_plane: list, distance: float, pixels: list) -> tuple:
    """(misfit, thickness by distance) of the best profile; the level is free."""
    nyquist = 0.5 / distance
    frequency = np.linspace(*_BAND, _STEPS) * nyquist
    beyond = np.linspace(0.3 * nyquist, min(3 * nyquist, 0.4 / max(pixels)), _STEPS)

    def level(spectrum, step, places):
        return np.log(np.maximum(np.interp(places, spectrum.frequency * 0.5 / step, spectrum.power), 1e-30))

    def mean(places):
        return sum(level(one, step, places) for one, step in zip(in_plane, pixels)) / len(in_plane)

    seen = level(through, distance, frequency) - mean(frequency)
    exponent = float(np.clip(2 - np.polyfit(np.log(beyond), mean(beyond), 1)[0], _FLATTEST, _STEEPEST))
    found = []
    for ratio in _THICKNESSES:
        rest = seen - _expected(frequency, ratio * distance, distance, exponent)
        found.append((float(np.sqrt(np.mean((rest - rest.mean()) ** 2))), float(ratio)))
    return min(found)


def _expected(frequency, thickness, distance, exponent):
    """Logarithm of power across by power in plane of anatomy whose power falls with the given exponent."""
    across = np.linspace(0, 6 / distance, 400)[None]
    weight = (frequency[:, None] ** 2 + across**2) ** (-(exponent - 1) / 2)
    kept = (np.sinc(across * thickness) ** 2 * weight).sum(1) / weight.sum(1)
    folded = np.abs(frequency[:, None] + _FOLDS / distance)
    power = (np.sinc(folded * thickness) ** 2 * np.maximum(folded, 1e-3) ** (2 - exponent)).sum(1)
    return np.log(power / (frequency ** (2 - exponent) * kept))
