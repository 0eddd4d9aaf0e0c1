"""Exact resampling of zero-filled axes, without torch: voxel edges stay, any sizes."""

from __future__ import annotations

import numpy as np
from scipy import fft


def fourier_resize(array: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Band-limited resampling of one axis to ``size`` samples with the voxel edges kept aligned.

    A sample of the new grid lies at (i + 1/2) n/size - 1/2 of the old one. The Nyquist line of an
    even grid stands for both signs of its frequency and is split between them.

    Args:
        array: real or complex, any shape.
        size: new number of samples.
        axis: which axis.

    Returns:
        Array of the same kind (float32 of float32) and the same mean.
    """
    n = array.shape[axis]
    if size == n:
        return array
    spectrum = np.moveaxis(fft.fft(array, axis=axis), axis, -1)
    keep = min(n, size)
    half = (keep - 1) // 2
    frequencies = np.concatenate([np.arange(half + 1), np.arange(-half, 0)])
    offset = (n / size - 1) / 2  # of the first new sample, in old ones
    resized = np.zeros((*spectrum.shape[:-1], size), spectrum.dtype)
    ramp = np.exp(2j * np.pi * frequencies * offset / n).astype(spectrum.dtype)
    resized[..., frequencies % size] = spectrum[..., frequencies % n] * ramp
    if keep % 2 == 0:
        nyquist = keep // 2
        phase = np.exp(2j * np.pi * nyquist * offset / n).astype(spectrum.dtype)
        positive, negative = spectrum[..., nyquist] * phase, spectrum[..., -nyquist % n] * np.conj(phase)
        if n > size:
            resized[..., nyquist] = (positive + negative) / 2
        else:
            resized[..., nyquist] = positive / 2
            resized[..., size - nyquist] = negative / 2
    result = np.moveaxis(fft.ifft(resized, axis=-1), -1, axis) * np.float32(size / n)
    return result if np.iscomplexobj(array) else np.ascontiguousarray(result.real)
