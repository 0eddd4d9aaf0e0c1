"""How much noise a scan holds, of what kind, and how finely its values are stored."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .findings import NONE, UNKNOWN, Finding

_SLOPE = 1e-4  # by which the number of levels may be off
_FEWEST = 2000  # voxels of air
_RAYLEIGH = 1.913  # mean by standard deviation of the magnitude of complex noise


def air_values(values: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Values well outside the head, a sample of them; empty where there is no air or somebody set it to a constant.

    Args:
        values: (z, y, x), the scan.
        tissue: boolean, of the same shape.

    Returns:
        1-D array.
    """
    step = tuple(slice(None, None, 2 if size > 64 else 1) for size in values.shape)
    small, inside = values[step], tissue[step]
    near = ndimage.uniform_filter(inside.astype(np.float32), 9) > 0.004
    edge = np.zeros(small.shape, bool)
    for axis in range(3):
        rows = np.moveaxis(edge, axis, 0)
        rows[:2], rows[-2:] = True, True
    air = small[~near & ~edge]
    if air.size < _FEWEST:
        return air[:0]
    counts = np.unique(air, return_counts=True)[1]
    return air if counts.max() < 0.5 * air.size else air[:0]


def noise_kind(air: np.ndarray) -> Finding:
    """Whether the noise is that of a magnitude image; ``air`` is a 1-D sample of :func:`air_values`."""
    if not air.size:
        return Finding(UNKNOWN, 0.0, "no air with noise around the head")
    air = air[air <= np.percentile(air, 98)]
    mean, deviation = float(air.mean()), float(air.std())
    if deviation == 0:
        return Finding(NONE, 0.8, "the air is constant")
    ratio = mean / deviation
    shown = f"mean of the air {ratio:.2f} times its deviation ({_RAYLEIGH:.2f} in one coil's magnitude)"
    if (air < 0).mean() > 0.2 and abs(ratio) < 0.5:
        return Finding("Gaussian", 0.9, f"{shown}, with negative values")
    if 1.5 < ratio < 2.5:
        return Finding("Rician", 0.9, shown)
    if 2.5 <= ratio < 12:
        return Finding("Rician", 0.5, f"{shown}: several coils added, or a constant")
    return Finding(UNKNOWN, 0.2, f"{shown}: filtered or masked air")


def noise_level(spectra: list, shares: list, air: np.ndarray, brightness: float) -> Finding:
    """Standard deviation of the noise in tissue by the tissue's brightness.

    Where air tells it (Rayleigh's law), from there; else at most what is left at the upper end of each axis' band.

    Args:
        spectra: of each axis.
        shares: of the band that each axis fills, 0 to 1.
        air: (voxels,), a sample of the scan's background.
        brightness: of tissue, in the scan's unit.
    """
    bounds = []
    for spectrum, share in zip(spectra, shares):
        if spectrum is not None:
            top = (spectrum.frequency > 0.8 * share) & (spectrum.frequency < 0.95 * share)
            if top.any():
                bounds.append(float(np.median(spectrum.power[top])) * float(np.prod(shares)))
    if brightness <= 0 or not (bounds or air.size):
        return Finding(None, 0.0, "no tissue to measure in")
    most = np.sqrt(min(bounds)) / brightness if bounds else None
    if air.size:
        middle = air[air <= np.percentile(air, 98)]
        from_air = float(np.sqrt(np.mean(middle.astype(np.float64) ** 2) / 2)) / brightness
        if most is None or from_air < 1.5 * most:
            return Finding(round(from_air, 4), 0.8, "air around the head")
    assert most is not None  # without air and without bounds there was nothing to measure in
    return Finding(round(float(most), 4), 0.5, "at most: the upper end of the spectrum, which holds anatomy too")


def ringing(axes: list, spectra: list, noise: Finding, brightness: float) -> Finding:
    """Whether k-space was cut off, without a filter, where anatomy still stood above the noise."""
    cut = []
    for axis, spectrum in zip(axes, spectra):
        thick = axis.spacing_mm > 1.5 * min(one.spacing_mm for one in axes)  # slices are cut by a pulse, not by k-space
        if spectrum is None or axis.share is None or noise.value is None or thick:
            continue
        top = (spectrum.frequency > 0.85 * axis.share) & (spectrum.frequency < 0.97 * axis.share)
        density = (noise.value * brightness) ** 2 / float(np.prod([one.share or 1.0 for one in axes]))
        if top.any() and density > 0 and axis.interpolation not in ("zero-filled with a filter", "linear", "cubic"):
            cut.append((float(np.median(spectrum.power[top])) / density, axis.direction))
    if not cut or noise.confidence < 0.6:
        return Finding(UNKNOWN, 0.0, "the noise is not known well enough")
    strongest, where = max(cut)
    if strongest > 4:
        return Finding(True, 0.6, f"k-space ends where anatomy is {strongest:.0f} times the noise ({where})")
    return Finding(False, 0.6, f"where k-space ends, power is at most {strongest:.1f} times the noise")


def bit_depth(values: np.ndarray) -> tuple:
    """(Finding of the bits that the values need, the smallest distance of two values)."""
    sample = values[::2, ::2, ::2] if values.size > 1e6 else values
    different = np.unique(sample.ravel()[:2_000_000])
    if len(different) < 2:
        return Finding(None, 0.0, "constant"), 0.0
    steps = np.diff(different)
    quantum = float(np.percentile(steps, 5))
    span = float(different[-1] - different[0])
    if len(different) > 30000 or quantum <= 0 or quantum < 1e-7 * span:
        return Finding(None, 0.3, "values of a computation, not of a converter"), 0.0
    # A scanner's slope leaves steps that float32 cannot hold exactly.
    bits = int(np.ceil(np.log2((round(span / quantum) + 1) * (1 - _SLOPE))))
    return Finding(bits, 0.9 if bits <= 16 else 0.4, f"{len(different)} values in steps of {quantum:.4g}"), quantum
