"""Three enhancements of one volume, each sharp in two axes, become one that is sharp in all three.

The slices of plane p (stacked along axis p) are sharpened within the plane and never across
it: along axis p the plane knows no frequency beyond the input's Nyquist frequency, and little
close below it. What is fused is what each plane adds to one common interpolation. Three methods:

"mean": a third of each plane everywhere.

"spectrum": averaged with weights that ask what a plane resolves,

    A(f) = sum_p w_p(f) A_p(f) / sum_p w_p(f),   p = 0, 1, 2
    w_p(f) = 1                                          |f_p| <= 0.8 of the input's Nyquist frequency
             (1 + cos(pi (|f_p| - 0.8) / 0.2)) / 2      between
             0                                          |f_p| >= 1

and the plain mean of the three where all weights are 0. f_p is the frequency along axis p.

"shrunk": the same times a share k(f) that is kept of what the network added, as it is the less sure the
farther f lies beyond what the scan measured:

    k(f) = 2/3 where no |f_p| reaches 1: there the scan itself was measured
           product over the axes of h(|f_p|) elsewhere
    h(u) = 1 below 1, then from 0.9 at u = 1 to 0.3 at u = 2 by half a cosine

The spectrum is that of the cosine transform (DCT-II): the Fourier spectrum of the volume
mirrored at its faces, so nothing wraps around from one face to the other. Coefficient k of an
axis with N samples has k half periods in N samples: the input's Nyquist frequency is the
coefficient whose number is the count of input samples. A transform's norm is "ortho".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import fft

PASS, STOP = 0.8, 1.0  # of the input's Nyquist frequency
# The fall was fitted on two volumes and gained on others; the share within the band was chosen with all
# in view: docs/studies/planes.md. Within the band nothing would be best for truncated
# k-space and all of it for averaged pixels; with two thirds both gain over the plain mean.
WITHIN_BAND, KEPT_AT_BAND, KEPT_AT_DOUBLE = 2 / 3, 0.9, 0.3
FUSIONS = ("mean", "spectrum", "shrunk")
FUSION = "shrunk"


def plane_weight(samples: int, nyquist: int) -> np.ndarray:
    """w_p along the plane's own axis.

    Args:
        samples: coefficients of the enlarged axis.
        nyquist: number of the coefficient at the input's Nyquist frequency: the input's samples.

    Returns:
        (samples,) float32, from 1 to 0.
    """
    frequency = np.arange(samples) / nyquist
    fall = np.clip((frequency - PASS) / (STOP - PASS), 0, 1)
    return (0.5 * (1 + np.cos(np.pi * fall))).astype(np.float32)


def kept_share(samples: int, nyquist: int) -> np.ndarray:
    """h along one axis: the share of an added frequency that is kept; arguments as :func:`plane_weight`."""
    beyond = np.clip(np.arange(samples) / nyquist - 1, 0, 1)
    fall = 0.5 * (1 + np.cos(np.pi * beyond))
    kept = KEPT_AT_DOUBLE + (KEPT_AT_BAND - KEPT_AT_DOUBLE) * fall
    return np.where(np.arange(samples) < nyquist, 1, kept).astype(np.float32)


def shares(axis: int, weights: Sequence[np.ndarray], row: int, method: str = FUSION) -> np.ndarray:
    """Share of one plane in the fused spectrum: w_p / sum of w, a third where that is 0/0.

    Args:
        axis: 0, 1 or 2: the plane's axis.
        weights: its w_p and the others', three 1-D arrays.
        row: coefficient along axis 0; the shares of one (N1, N2) layer are returned.
        method: "mean" for a third everywhere; the other two weigh alike.
    """
    third = np.float32(1 / 3)
    if method == "mean":
        return np.full((len(weights[1]), len(weights[2])), third)
    layers = (weights[0][row], weights[1][:, None], weights[2][None, :])
    total = layers[0] + layers[1] + layers[2]
    empty = total <= 0
    return np.where(empty, third, layers[axis] / np.where(empty, 1, total)).astype(np.float32)


def plane_spectrum(volume: np.ndarray) -> np.ndarray:
    """DCT-II of a volume (z, y, x) along all axes, float32; the volume may be overwritten."""
    return fft.dctn(np.asarray(volume, np.float32), norm="ortho", overwrite_x=True)


def volume_of(spectrum: np.ndarray) -> np.ndarray:
    """Inverse of :func:`plane_spectrum`, of the same shape; the spectrum may be overwritten."""
    return fft.idctn(spectrum, norm="ortho", overwrite_x=True)


class Fusion:
    """Takes what the planes add, one after the other, and fuses it.

    Args:
        shape: of the volume on the input's grid (the part of it that is enhanced).
        scale: enlargement of every axis.
        method: one of FUSIONS.
    """

    def __init__(self, shape: Sequence[int], scale: int, method: str = FUSION) -> None:
        if method not in FUSIONS:
            raise ValueError(f"unknown fusion {method!r}; choose one of: {', '.join(FUSIONS)}")
        self.scale, self.method = scale, method
        self._shape = tuple(shape)
        self._weights = [plane_weight(scale * n, n) for n in shape]
        self._spectrum = np.zeros([scale * n for n in shape], np.float32)

    def add(self, axis: int, spectrum: np.ndarray) -> None:
        """Add a plane.

        Args:
            axis: across which its slices are stacked.
            spectrum: (z, y, x), :func:`plane_spectrum` of what it adds to the common interpolation. Along ``axis``
                it may be on the input's grid: the frequencies beyond are 0.
        """
        # A longer axis of the same intensities has larger orthonormal coefficients.
        gain = np.float32(np.sqrt(self._spectrum.shape[axis] / spectrum.shape[axis]))
        rows, columns, layers = spectrum.shape
        for row in range(rows):
            share = shares(axis, self._weights, row, self.method)[:columns, :layers]
            self._spectrum[row, :columns, :layers] += gain * share * spectrum[row]

    def volume(self) -> np.ndarray:
        """The fused volume; the object is of no use afterwards."""
        if self.method == "shrunk":
            self._shrink()
        return volume_of(self._spectrum)

    def _shrink(self):
        for axis, n in enumerate(self._shape):
            along = [1, 1, 1]
            along[axis] = -1
            self._spectrum *= kept_share(self.scale * n, n).reshape(along)
        self._spectrum[tuple(slice(0, n) for n in self._shape)] *= np.float32(WITHIN_BAND)


def disagreement(spectra: Sequence[tuple[int, np.ndarray]], shape: Sequence[int], scale: int) -> np.ndarray:
    """How far the planes are apart at each voxel, in what at least two of them resolve.

    A plane is blurred across its slices, so the plain standard deviation of the three would
    show every edge. Each pair is therefore compared in the band that both resolve,
    d_pq = transform back of w_p w_q (F_p - F_q), and the map is sqrt(mean of d_pq^2 / 2): for
    three volumes without any blur, their standard deviation (with 3 - 1 in the denominator).

    Args:
        spectra: (axis, spectrum) of each plane, as for :meth:`Fusion.add`.
        shape: as for :class:`Fusion`.
        scale: likewise.

    Returns:
        float32 volume on the enlarged grid.
    """
    large = [scale * n for n in shape]
    weights = [plane_weight(length, n) for length, n in zip(large, shape)]
    squares = np.zeros(large, np.float32)
    for number, (p, first) in enumerate(spectra):
        for q, second in spectra[number + 1 :]:
            difference = np.zeros(large, np.float32)
            for axis, spectrum, sign in ((p, first, 1), (q, second, -1)):
                gain = np.float32(sign * np.sqrt(large[axis] / spectrum.shape[axis]))
                difference[tuple(slice(0, n) for n in spectrum.shape)] += gain * spectrum
            for axis in (p, q):
                along = [1, 1, 1]
                along[axis] = -1
                difference *= weights[axis].reshape(along)
            difference = volume_of(difference)
            squares += np.square(difference, out=difference)
    return np.sqrt(squares / (2 * 3))
