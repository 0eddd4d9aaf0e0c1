"""Band-limited resizing of one axis by its Fourier spectrum, voxel edges aligned; numpy and scipy alone.

The same as ``resize.fourier_resize``, which training needs on tensors.
"""

from __future__ import annotations

import numpy as np
from scipy import fft


def fourier_resized(array: np.ndarray, size: int, axis: int) -> np.ndarray:
    """An array with one axis resampled to ``size`` samples.

    A sample of the new grid lies at ((i + 1/2) * n/size - 1/2): a phase ramp moves the spectrum by this
    offset. The Nyquist line of an even grid stands for both signs of its frequency and is split between them.

    Args:
        array: real, of any shape, float32 or float64.
        size: new number of samples, more or fewer.
        axis: of the array.

    Returns:
        Array of the same dtype and mean.
    """
    n = array.shape[axis]
    if size == n:
        return array
    lines = np.ascontiguousarray(np.moveaxis(array, axis, -1))
    spectrum = fft.rfft(lines)  # a real array's: the other half mirrors it
    keep = min(n, size)
    frequencies = np.arange(keep // 2 + 1)
    offset = (n / size - 1) / 2  # of the first new sample, in old samples
    phase = np.exp(2j * np.pi * frequencies * offset / n).astype(spectrum.dtype)
    kept = spectrum[..., : len(frequencies)] * phase
    if keep % 2 == 0:
        if n > size:  # both signs fall onto one line of the new grid, and what is imaginary cancels
            kept[..., -1] = kept[..., -1].real
        else:
            kept[..., -1] /= 2
    resized = fft.irfft(kept, n=size) * lines.dtype.type(size / n)
    return np.moveaxis(resized, -1, axis)
