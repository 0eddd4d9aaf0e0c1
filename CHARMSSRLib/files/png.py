"""Grey pictures as PNG bytes, for pages that are one self-contained file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk


def png_bytes(picture: np.ndarray) -> bytes:
    """An 8-bit grey PNG.

    Args:
        picture: array (rows, columns), 0 black to 1 white; the rest is clipped.
    """
    grey = sitk.GetImageFromArray(np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8))
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "picture.png")
        sitk.WriteImage(grey, path, useCompression=True, compressionLevel=9)
        return Path(path).read_bytes()
