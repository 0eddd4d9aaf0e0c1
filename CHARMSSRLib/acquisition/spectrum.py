"""Power along one axis inside tissue, where magnitude images are linear in what was measured.

Outside the head the magnitude of the noise is not: its spectrum reaches twice as far as k-space. Deep inside
tissue, under a smooth window, the spectrum ends where k-space ended, down to what quantisation leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

_LINES = 110  # at most so many in each direction across the axis: neighbours tell the same
_SMALLEST_SHARE = 0.12  # of a line that must lie in tissue
_FEWEST_LINES = 40


@dataclass(frozen=True)
class Spectrum:
    """Power along one axis.

    Attributes:
        frequency: as a share of the Nyquist frequency, 0 to 1.
        power: mean squared amplitude per voxel: white noise of variance v has the power v everywhere.
        kernel: what the windows make of a single frequency, an odd number of steps of ``frequency``, of sum 1.
        resolution: distance of two frequencies that are independent.
        lines: how many lines were averaged.
    """

    frequency: np.ndarray
    power: np.ndarray
    kernel: np.ndarray
    resolution: float
    lines: int


def tissue_mask(values: np.ndarray) -> np.ndarray:
    """Boolean (z, y, x): where the smoothed signal stands well above air."""
    coarse = values[::3, ::3, ::3]
    bright = coarse[coarse > coarse.mean()]
    if not bright.size:
        return np.zeros(values.shape, bool)
    return ndimage.uniform_filter(values, 3) > 0.2 * np.percentile(bright, 90)


def axis_spectrum(values: np.ndarray, tissue: np.ndarray, axis: int) -> Spectrum | None:
    """The spectrum of one array axis inside tissue; None where too little of it lies in one piece.

    Args:
        values: (z, y, x) float32.
        tissue: boolean, of the same shape.
        axis: 0, 1 or 2.
    """
    n = values.shape[axis]
    lines, inside = (_some_lines(np.moveaxis(one, axis, -1)) for one in (values, tissue))
    erosion, taper = (4, 8) if n > 80 else (1, 3)
    deep = ndimage.minimum_filter1d(inside.view(np.uint8), 2 * (erosion + taper) + 1, axis=-1, mode="constant", cval=0)
    kernel = np.hanning(2 * taper + 3)[1:-1].astype(np.float32)
    window = ndimage.convolve1d(deep.astype(np.float32), kernel / kernel.sum(), axis=-1, mode="constant")
    weight = window.sum(-1)
    used = weight > max(_SMALLEST_SHARE * n, 6)
    if np.count_nonzero(used) < _FEWEST_LINES:
        return None
    window, lines = window[used], lines[used]
    mean = (lines * window).sum(-1, keepdims=True) / weight[used][:, None]
    length = 256 * int(np.ceil(n / 256))
    amplitude = fft.rfft((lines - mean) * window, length, axis=-1)
    power = (amplitude.real**2 + amplitude.imag**2).sum(0, dtype=np.float64) / float((window**2).sum(dtype=np.float64))
    typical = float(np.median(weight[used]))
    return Spectrum(np.linspace(0, 1, len(power)), power, _kernel(window, length), 2 / typical, len(lines))


def _kernel(window, length):
    some = window[:: max(1, len(window) // 200)]
    half = (np.abs(fft.rfft(some, length, axis=-1)) ** 2).sum(0, dtype=np.float64)[: length // 8]
    kernel = np.concatenate([half[:0:-1], half])
    return kernel / kernel.sum()


def _some_lines(array: np.ndarray) -> np.ndarray:
    steps = [max(1, int(np.ceil(size / _LINES))) for size in array.shape[:2]]
    return np.ascontiguousarray(array[:: steps[0], :: steps[1]]).reshape(-1, array.shape[-1])
