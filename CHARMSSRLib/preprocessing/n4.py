"""N4's estimate of a bias field: the algorithm of ITK's filter, for values on a regular grid.

ITK fits its splines to scattered points and evaluates them voxel by voxel. Here the points are a grid's, so the
same sums are products of three small matrices with the volume: a fiftieth of the time. The field after a number of
iterations is ITK's up to its single precision. When to stop is judged by exact statistics: ITK's running mean in
single precision stands still after some ten thousand voxels, which makes its figure larger than it is.

Source: Tustison et al., IEEE TMI 29(6), 2010; the spline fit of Lee, Wolberg and Shin, IEEE TVCG 3(3), 1997;
the sharpening of Sled, Zijdenbos and Evans, IEEE TMI 17(1), 1998.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import fft

ORDER = 3  # of the splines
BINS = 200  # of the histogram
FULL_WIDTH = 0.15  # of the Gaussian that blurs the histogram, in log intensity
WIENER_NOISE = 0.01
END = 1e-3  # how far before the last knot the last sample counts, in spans


def log_bias_field(
    values: np.ndarray, inside: np.ndarray, spans: int, iterations: int, threshold: float, check: Callable[[], None]
) -> np.ndarray:
    """Logarithm of the bias field of one level.

    Args:
        values: intensities (z, y, x); counted where ``inside`` (boolean, the same shape) and positive.
        spans: intervals of the splines along each axis. iterations: at most.
        threshold: the level ends where the field's ratio to the one before varies by less.
        check: called before each iteration; may raise.

    Returns:
        (z, y, x) float64, on the whole grid.
    """
    fit = _SplineFit(inside, spans)
    log_values = np.log(np.where(values[inside] > 0, values[inside], 1).astype(np.float64))
    lattice, field = 0.0, np.zeros(len(log_values))
    for _ in range(iterations):
        check()
        uncorrected = log_values - field
        lattice = lattice + fit.lattice(uncorrected - _sharpened(uncorrected))
        before, field = field, fit.field(lattice)[inside]
        ratio = np.exp(before - field)
        if ratio.std(ddof=1) <= threshold * ratio.mean():
            break
    return fit.field(lattice)


class _SplineFit:
    """Cubic B-splines through scattered values, where the places are those of a grid inside a mask."""

    def __init__(self, inside, spans):
        self._inside = inside
        self._weights = [_spline_weights(size, spans) for size in inside.shape]  # (samples, control points)
        norms = [np.square(one).sum(1) for one in self._weights]
        self._norm = np.einsum("z,y,x->zyx", *norms)[inside]
        share = _contracted(inside.astype(np.float64), [np.square(one).T for one in self._weights])
        self._scale = np.divide(1, share, out=np.zeros_like(share), where=share > 0)
        self._cubes = [(one**3).T for one in self._weights]

    def lattice(self, residual):
        """Control points that fit values at the places inside."""
        volume = np.zeros(self._inside.shape)
        volume[self._inside] = residual / self._norm
        return _contracted(volume, self._cubes) * self._scale

    def field(self, lattice):
        """The splines on the whole grid."""
        return _contracted(lattice, self._weights)


def _contracted(volume, matrices):
    """A volume with each axis multiplied by a matrix (new, old)."""
    for axis, matrix in enumerate(matrices):
        volume = np.moveaxis(np.tensordot(matrix, volume, (1, axis)), 0, axis)
    return volume


def _spline_weights(samples, spans):
    """What each control point weighs at each sample: (samples, spans + ORDER)."""
    places = np.arange(samples) * (spans / max(1, samples - 1))
    places = np.minimum(places, spans - END)
    distance = np.abs(places[:, None] - np.arange(spans + ORDER) + 0.5 * (ORDER - 1))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    return np.where(distance < 1, near, far)


def _sharpened(values):
    """Values by the sharpened histogram: what each would be expected to be without the blur of a bias field."""
    low, high = values.min(), values.max()
    if not high > low:
        return values
    width = (high - low) / (BINS - 1)
    places = (values - low) / width
    first = np.minimum(places.astype(int), BINS - 2)
    share = places - first
    counts = np.bincount(first, 1 - share, BINS) + np.bincount(first + 1, share, BINS)

    padded = 2 ** (int(np.ceil(np.log2(BINS))) + 1)
    offset = (padded - BINS) // 2
    histogram = np.zeros(padded)
    histogram[offset : offset + BINS] = counts
    distance = np.minimum(np.arange(padded), padded - np.arange(padded))
    scaled = FULL_WIDTH / width
    blur = 2 * np.sqrt(np.log(2) / np.pi) / scaled * np.exp(-4 * np.log(2) * (distance / scaled) ** 2)
    blur[padded // 2] = 2 * np.sqrt(np.log(2) / np.pi) / scaled * np.exp(-np.log(2) * (padded / scaled) ** 2)
    blur = fft.fft(blur)
    deblur = (blur.conj() / (blur.conj() * blur + WIENER_NOISE)).real
    sharp = np.maximum(fft.ifft(fft.fft(histogram) * deblur).real, 0)
    intensity = low + (np.arange(padded) - offset) * width
    moment, mass = (fft.ifft(fft.fft(one) * blur).real for one in (intensity * sharp, sharp))
    expected = np.divide(moment, mass, out=np.zeros(padded), where=mass != 0)[offset : offset + BINS]
    return np.interp(places, np.arange(BINS), expected)
