"""MINC volumes in patient coordinates.

MINC counts x to the right and y to the front, SimpleITK to the left and to the back. Up to ITK 5.4 its
reader takes the one for the other: volumes come out turned by 180 degrees about z. Later versions of
ITK convert. The reader and the writer of one ITK agree, so what the writer puts into a file tells.
"""

from __future__ import annotations

import functools
import struct
import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from .native_messages import native_messages_hidden

# A number that nothing else in a file of eight voxels looks like.
_PROBE = 12345.678901


def is_minc(path: Path) -> bool:
    """Whether a name is that of a MINC volume."""
    return path.name.lower().endswith((".mnc", ".mnc2"))


def in_patient_coordinates(image: sitk.Image) -> sitk.Image:
    """An image as SimpleITK read it from MINC, with its geometry in LPS (changed in place)."""
    if reader_converts():
        return image
    half_turn = np.array([-1.0, -1.0, 1.0])
    image.SetOrigin((half_turn * image.GetOrigin()).tolist())
    image.SetDirection((half_turn[:, None] * np.reshape(image.GetDirection(), (3, 3))).ravel().tolist())
    return image


@functools.lru_cache(maxsize=1)
def reader_converts() -> bool:
    """Whether this SimpleITK turns MINC's coordinates into LPS itself."""
    image = sitk.Image(2, 2, 2, sitk.sitkFloat32)
    image.SetOrigin((_PROBE, 0.0, 0.0))
    with tempfile.TemporaryDirectory(prefix="charmssr-") as folder, native_messages_hidden():
        path = Path(folder) / "probe.mnc"
        sitk.WriteImage(image, str(path))
        return struct.pack("<d", _PROBE) not in path.read_bytes()
