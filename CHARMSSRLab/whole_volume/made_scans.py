"""Volumes whose interpolation is known: a short acquisition, its noise, interpolated as scanners and programs do."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from CHARMSSRLib.acquisition.findings import CUBIC, LINEAR, NEAREST, NONE, ZERO_FILLED, ZERO_FILLED_WITH_FILTER
from CHARMSSRLib.acquisition.fourier import fourier_resize

ORDERS = {NEAREST: 0, LINEAR: 1, CUBIC: 3}


def acquired(values, shares, noise, seed):
    """A short acquisition of a volume: complex, on the grid of its own k-space, with white noise in it.

    Args:
        values: (z, y, x) float32, what is taken for the anatomy.
        shares: per axis, the part of k-space that is kept.
        noise: standard deviation by the 95th percentile of what is not air.
        seed: of the noise.

    Returns:
        complex64 array, at most as large as ``values``; its phase varies smoothly, as coils' does.
    """
    for axis, share in enumerate(shares):
        values = fourier_resize(values, max(8, round(values.shape[axis] * share)), axis)
    grid = np.meshgrid(*(np.linspace(-1, 1, n, dtype=np.float32) for n in values.shape), indexing="ij", sparse=True)
    phase = 0.8 * grid[0] - 0.6 * grid[1] * grid[2] + 0.5 * grid[2] ** 2
    bright = values[values > values.mean()]
    deviation = noise * float(np.percentile(bright, 95))
    generator = np.random.default_rng(seed)
    shape = (*values.shape, 2)
    white = generator.standard_normal(shape, dtype=np.float32).view(np.complex64)[..., 0]
    return (np.maximum(values, 0) * np.exp(1j * phase)).astype(np.complex64) + np.float32(deviation) * white


def interpolated(measured, kind, ratios):
    """What is stored of an acquisition: magnitude, 12 bits, its axes refined by ``ratios`` in the given way.

    Args:
        measured: of :func:`acquired`.
        kind: one of findings.KINDS; "none" keeps the grid.
        ratios: new samples by old ones, per axis.

    Returns:
        (float32 array of whole numbers, the ratios as they became).
    """
    sizes = [round(n * ratio) for n, ratio in zip(measured.shape, ratios)]
    exact = [size / n for size, n in zip(sizes, measured.shape)]
    if kind == NONE:
        values, exact = np.abs(measured), [1.0] * 3
    elif kind in (ZERO_FILLED, ZERO_FILLED_WITH_FILTER):
        values = measured
        for axis, size in enumerate(sizes):
            if size == values.shape[axis]:
                continue
            if kind == ZERO_FILLED_WITH_FILTER:
                values = _tukey(values, axis)
            values = fourier_resize(values, size, axis)
        values = np.abs(values)
    else:
        values = np.abs(measured)
        places = [(np.arange(size) + 0.5) * n / size - 0.5 for size, n in zip(sizes, measured.shape)]
        for axis, place in enumerate(places):
            if sizes[axis] != values.shape[axis]:
                values = _resampled(values, place, axis, ORDERS[kind])
    top = float(np.percentile(values, 99.9))
    return np.rint(np.maximum(values, 0) * (2047 / top)).astype(np.float32), exact


def _tukey(values, axis):
    """k-space rolled off over its outer 40 %, as scanners do against ringing."""
    n = values.shape[axis]
    place = np.abs(np.fft.fftfreq(n)) * 2
    weight = np.where(place < 0.6, 1, 0.5 * (1 + np.cos(np.pi * (place - 0.6) / 0.4))).astype(np.float32)
    shape = [n if one == axis else 1 for one in range(3)]
    return np.fft.ifft(np.fft.fft(values, axis=axis) * weight.reshape(shape), axis=axis).astype(np.complex64)


def _resampled(values, place, axis, order):
    lines = np.moveaxis(values, axis, 0)
    flat = lines.reshape(len(lines), -1)
    if order == 3:
        flat = ndimage.spline_filter1d(flat, 3, axis=0, output=np.float32, mode="nearest")
    first = np.floor(place).astype(int)
    if order == 0:
        result = flat[np.clip(np.rint(place).astype(int), 0, len(flat) - 1)]
    else:
        share = (place - first)[:, None].astype(np.float32)
        if order == 1:
            parts = ((0, 1 - share), (1, share))
        else:
            t = share
            parts = (
                (-1, (1 - t) ** 3 / 6), (0, (4 - 6 * t**2 + 3 * t**3) / 6),
                (1, (1 + 3 * t + 3 * t**2 - 3 * t**3) / 6), (2, t**3 / 6),
            )  # fmt: skip
        result = sum(flat[np.clip(first + step, 0, len(flat) - 1)] * weight for step, weight in parts)
    return np.ascontiguousarray(np.moveaxis(result.reshape(len(place), *lines.shape[1:]), 0, axis))
