"""The prepared slices of a volume and their file.

Apart from ``prepare``, which makes them, because whoever only reads them (training,
scoring on a machine with a GPU) needs numpy alone.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from CHARMSSRLib.errors import InputError, SettingsError
from CHARMSSRLib.files.atomic import replacing

FORMAT = 2  # 1 was zero outside the brain
BRAIN_MARGIN = 8  # pixels that stay around the brain where the volume is stripped


@dataclass(frozen=True)
class PreparedVolume:
    """The slices of one volume in one plane.

    Attributes:
        slices: float32 (n, H, W), bias-corrected, input units; what lies around the brain is there as in the scan
            (zero where the volume came without a skull).
        mask: bool (n, H, W), the brain.
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
        """Slices on the network's scale, head and all: "minmax" (the paper's) or "percentile"; nothing below 0."""
        lower, upper = self.limits(kind)
        return np.maximum((self.slices - lower) / (upper - lower), 0).astype(np.float32)

    def stripped(self):
        """The same volume zero outside the brain and cut to it: what the paper's protocol scores."""
        box = tuple(widened(self.mask.any(axis=tuple(j for j in range(3) if j != i)), BRAIN_MARGIN) for i in (1, 2))
        slices = np.where(self.mask, self.slices, np.float32(0))
        return replace(self, slices=slices[:, box[0], box[1]], mask=self.mask[:, box[0], box[1]])

    def limits(self, kind):
        """The intensities that a normalisation, "minmax" or "percentile", takes to 0 and to 1.

        Raises:
            SettingsError: there is no such normalisation.
        """
        if kind == "minmax":
            return self.minimum, self.maximum
        if kind == "percentile":
            return 0.0, self.percentile
        raise SettingsError(f"Unknown intensity scale {kind!r}; choose minmax or percentile.")

    def central(self, count=100):
        """Indices of the paper's "central 100 slices": min(count, all that hold enough brain)."""
        start = max(0, (len(self.slices) - count) // 2)
        return range(start, min(start + count, len(self.slices)))


def widened(occupied, margin):
    """The range of a boolean line's true entries, wider by ``margin``, as a slice object; all of it where none is."""
    hits = np.flatnonzero(occupied)
    if not len(hits):
        return slice(0, len(occupied))
    return slice(max(0, hits[0] - margin), min(len(occupied), hits[-1] + 1 + margin))


def save_prepared(volume, path):
    """Write one PreparedVolume; the file appears only when complete. 16 bits per voxel."""
    path = Path(path)
    step = max(volume.maximum, 1e-12) / 65535
    meta = {k: v for k, v in asdict(volume).items() if k not in ("slices", "mask")}
    meta.update(format=FORMAT, step=step, shape=volume.slices.shape)
    with replacing(path) as partial, open(partial, "wb") as file:
        np.savez_compressed(
            file,
            slices=np.clip(np.round(volume.slices / step), 0, 65535).astype(np.uint16),
            mask=np.packbits(volume.mask),
            meta=np.frombuffer(json.dumps(meta).encode(), np.uint8),
        )


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
