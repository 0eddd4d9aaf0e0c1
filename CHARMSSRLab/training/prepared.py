"""The prepared slices of a volume and their file.

Apart from ``prepare``, which makes them, because whoever only reads them (training,
scoring on a machine with a GPU) needs numpy alone.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from CHARMSSRLib.errors import InputError

FORMAT = 1


@dataclass(frozen=True)
class PreparedVolume:
    """The slices of one volume in one plane.

    Attributes:
        slices: float32 (n, H, W), bias-corrected, zero outside the mask, input units.
        mask: bool (n, H, W).
        minimum, maximum, percentile: inside the mask of the whole volume; percentile is the 99.9th.
        spacing: mm, (between slices, rows, columns).
        subject, contrast, split, plane: labels.
    """

    slices: np.ndarray
    mask: np.ndarray
    minimum: float
    maximum: float
    percentile: float
    spacing: tuple
    subject: str
    contrast: str
    split: str
    plane: str

    def normalised(self, kind):
        """Slices on the network's scale: "minmax" (the paper's) or "percentile" (no clipping)."""
        lower, upper = self.limits(kind)
        return np.where(self.mask, (self.slices - lower) / (upper - lower), 0).astype(np.float32)

    def limits(self, kind):
        """The intensities that a normalisation takes to 0 and to 1."""
        if kind == "minmax":
            return self.minimum, self.maximum
        if kind == "percentile":
            return 0.0, self.percentile
        raise ValueError(f"unknown normalisation {kind!r}; choose minmax or percentile")

    def central(self, count=100):
        """Indices of the paper's "central 100 slices": min(count, all that hold enough brain)."""
        start = max(0, (len(self.slices) - count) // 2)
        return range(start, min(start + count, len(self.slices)))


def save_prepared(volume, path):
    """Write one PreparedVolume; the file appears only when complete. 16 bits per voxel."""
    path = Path(path)
    step = max(volume.maximum, 1e-12) / 65535
    meta = {k: v for k, v in asdict(volume).items() if k not in ("slices", "mask")}
    meta.update(format=FORMAT, step=step, shape=volume.slices.shape)
    partial = path.with_name(path.name + ".partial")
    with open(partial, "wb") as file:
        np.savez_compressed(
            file,
            slices=np.clip(np.round(volume.slices / step), 0, 65535).astype(np.uint16),
            mask=np.packbits(volume.mask),
            meta=np.frombuffer(json.dumps(meta).encode(), np.uint8),
        )
    os.replace(partial, path)


def load_prepared(path):
    """Read a file of ``save_prepared``."""
    with np.load(path) as file:
        meta = json.loads(file["meta"].tobytes())
        if meta.pop("format") != FORMAT:
            raise InputError(f"{path} was prepared by another version; prepare the data again.")
        shape, step = meta.pop("shape"), meta.pop("step")
        slices = file["slices"].astype(np.float32) * np.float32(step)
        mask = np.unpackbits(file["mask"], count=int(np.prod(shape))).astype(bool).reshape(shape)
    meta["spacing"] = tuple(meta["spacing"])
    return PreparedVolume(slices=slices, mask=mask, **meta)
