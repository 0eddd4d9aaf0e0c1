"""The rotation of a NIfTI qform, which is stored as three of a quaternion's four numbers.

The fourth, a, follows from the unit length. Near half turns, as in most scans of hospitals, it is a small
difference of large numbers: in single precision it is noise of up to 3e-4, which turns a volume by a tenth
of a millimetre. Readers cut that noise off, each at a place of its own.

Source: nifti1.h (method 2 of the orientation) and the C library that belongs to it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

# Squares of a below these are taken for 0: by the C library (in ITK, FSL, AFNI, FreeSurfer), and by
# nibabel, which asks for three roundings of single precision.
C_LIBRARY, NIBABEL = 1e-7, 3 * 2.0**-23


def rotation_of(quaternion: Sequence[float], smallest_square: float = C_LIBRARY) -> np.ndarray:
    """Rotation matrix (3x3) of (b, c, d), as a reader takes it that cuts off a where its square is smaller."""
    b, c, d = (float(part) for part in quaternion)
    square = 1.0 - (b * b + c * c + d * d)
    if square < smallest_square:
        b, c, d = np.array([b, c, d]) / np.sqrt(1.0 - square)
        square = 0.0
    a = np.sqrt(square)
    return np.array([
        [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
        [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
        [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ])  # fmt: skip


def quaternion_of(rotation: np.ndarray) -> tuple[tuple[float, ...], float]:
    """(b, c, d) and qfac of the rotation nearest to a matrix of direction cosines.

    qfac is -1 where the axes are left-handed: the third is flipped then, as nifti1.h says.
    """
    left, _, right = np.linalg.svd(rotation)
    rotation = left @ right
    qfac = 1.0
    if np.linalg.det(rotation) < 0:
        qfac = -1.0
        rotation = rotation * [1, 1, -1]
    # The eigenvector of the largest eigenvalue is the unit quaternion (Bar-Itzhack 2000); unlike the
    # trace formula it needs no case distinction near half turns.
    r = rotation
    matrix = np.array([
        [r[0, 0] + r[1, 1] + r[2, 2], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]],
        [r[2, 1] - r[1, 2], r[0, 0] - r[1, 1] - r[2, 2], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0]],
        [r[0, 2] - r[2, 0], r[0, 1] + r[1, 0], r[1, 1] - r[0, 0] - r[2, 2], r[1, 2] + r[2, 1]],
        [r[1, 0] - r[0, 1], r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], r[2, 2] - r[0, 0] - r[1, 1]],
    ])  # fmt: skip
    a, b, c, d = np.linalg.eigh(matrix)[1][:, -1]
    sign = -1.0 if a < 0 else 1.0
    return (sign * b, sign * c, sign * d), qfac


def stored_quaternion(quaternion: Sequence[float]) -> tuple[float, ...]:
    """(b, c, d) as single-precision numbers that readers turn into the rotation meant, as near as can be.

    The nearest numbers may turn a volume by a tenth of a millimetre near half turns; some of their
    neighbours hit it far better.
    """
    nearest = np.asarray(quaternion, dtype=np.float32)
    if np.array_equal(nearest.astype(float), quaternion):
        return tuple(nearest.tolist())  # as they came from a file
    meant = rotation_of(quaternion, 0.0)
    steps = itertools.product((0, -1, 1, -2, 2, -3, 3), repeat=3)
    ulps = np.spacing(np.maximum(np.abs(nearest), np.float32(1e-4)))
    candidates = [tuple((nearest + ulps * np.array(step, np.float32)).astype(float).tolist()) for step in steps]

    def error(one):
        # Nearly all readers build on the C library: it goes first.
        by_c_library, by_nibabel = (np.abs(rotation_of(one, cut) - meant).max() for cut in (C_LIBRARY, NIBABEL))
        return float(100 * by_c_library + by_nibabel)

    return min(candidates, key=error)
