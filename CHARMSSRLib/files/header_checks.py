"""What every reader refuses in the same words: kinds of data, and geometry."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError

ORTHONORMAL_TOLERANCE = 1e-3


def is_orthonormal(matrix: Any) -> bool:
    """Whether the columns of a 3x3 matrix are unit vectors at right angles, to 1e-3."""
    return deviation_from_rotation(matrix) <= ORTHONORMAL_TOLERANCE


def deviation_from_rotation(matrix: Any) -> float:
    """Largest entry of |M'M - 1| of a 3x3 matrix; infinite where a number is not finite."""
    matrix = np.asarray(matrix, dtype=float).reshape(3, 3)
    return float(np.abs(matrix.T @ matrix - np.eye(3)).max()) if np.isfinite(matrix).all() else float("inf")


def nearest_rotation(matrix: Any) -> np.ndarray:
    """The orthogonal matrix (3x3, mirrored ones stay mirrored) nearest to one of direction cosines."""
    left, _, right = np.linalg.svd(np.asarray(matrix, dtype=float).reshape(3, 3))
    return left @ right


def sheared_message(name: str) -> str:
    """The one sentence for geometry that no grid of ITK or Slicer can hold."""
    return (
        f"{name} has a sheared geometry: its voxel axes are not at right angles. "
        'Resample it to a regular grid first (Slicer\'s module "Resample Scalar/Vector/DWI Volume" does this).'
    )


def check_axes(path: Path, columns: np.ndarray) -> np.ndarray:
    """Refuse voxel axes (columns, mm) that are not finite, not independent, or not at right angles."""
    lengths = np.linalg.norm(columns, axis=0)
    if not np.isfinite(lengths).all() or (lengths <= 0).any():
        raise InputError(f"The header of {path.name} gives no valid voxel axes; export the volume again.")
    if not is_orthonormal(columns / lengths):
        raise InputError(sheared_message(path.name))
    return lengths


def check_axes_of(name: str, directions: Any) -> None:
    """Refuse direction cosines (3x3) that are not at right angles; ``name`` begins the sentence."""
    if not is_orthonormal(directions):
        raise InputError(sheared_message(name))


def four_d_message(name: str, volumes: int) -> str:
    return f"{name} is 4-D ({volumes} volumes); extract the one 3-D volume that is to be enhanced."


def vector_message(name: str, components: int) -> str:
    return f"{name} holds {components} values per voxel; give a volume with one value per voxel."


def complex_message(name: str) -> str:
    return f"{name} holds complex numbers; give the magnitude image."


def label_message(name: str) -> str:
    return f"{name} is a label map (segmentation), not a scan; give the scan that it belongs to."


def colour_message(name: str, kind: str) -> str:
    return f"{name} is a colour image ({kind}); give the greyscale volume that it was made from."


def listed(numbers: Iterable[float]) -> str:
    return " x ".join(f"{number:.4g}" for number in numbers)


def first_bytes(path: Path, count: int = 544) -> bytes:
    """The first bytes of a file, decompressed if it is gzip."""
    try:
        with open(path, "rb") as stream:
            start = stream.read(count)
        if start[:2] == b"\x1f\x8b":
            with gzip.open(path) as stream:
                start = stream.read(count)
        return start
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(
            f"{path.name} is damaged: its compressed data cannot be unpacked. Copy or export it again."
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror or error}.") from error
