"""The volumes that the studies read: bias-corrected once, with a brain mask, as truth to be degraded."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from CHARMSSRLib.errors import InputError
from CHARMSSRLib.files.volume_writer import volume_stem
from CHARMSSRLib.files.volumes import read_volume
from CHARMSSRLib.preprocessing.pipeline import preprocess

from ..training.prepare import read_manifest
from ..training.sources import UNKNOWN, source_of
from .whole_heads import slab

TRULY_ISOTROPIC = 1.05  # largest ratio of spacings
THREE_PLANES = 3


@dataclass(frozen=True)
class Sample:
    """One volume with known anatomy.

    Attributes:
        name: the file's, without extension. subject, contrast, split: labels.
        image: SimpleITK float32 in LPS order, bias-corrected, not masked, input units.
        raw: the same as it came, with its bias field; None where there is none.
        mask: UInt8 brain mask on the same grid.
    """

    name: str
    subject: str
    contrast: str
    split: str
    image: sitk.Image
    mask: sitk.Image
    raw: Optional[sitk.Image] = None

    @property
    def as_it_came(self):
        """The image with its bias field, where that is known."""
        return self.image if self.raw is None else self.raw


def manifest_rows(data, splits, contrast=None, subjects=()):
    """Rows of ``data/manifest.csv`` of these splits (texts), and of one contrast or some subjects where they are given.

    Raises:
        InputError: no manifest, or no such row.
    """
    path = Path(data) / "manifest.csv"
    if not path.is_file():
        raise InputError(f"{data} has no manifest.csv; whole-volume studies need one that names volumes.")
    rows = [row for row in read_manifest(path) if row["split"] in splits and contrast in (None, row["contrast"])]
    if subjects:
        unknown = set(subjects) - {row["subject"] for row in rows}
        if unknown:
            raise InputError(f"{path} names no volume of {', '.join(sorted(unknown))} there; see its column subject.")
        rows = [row for row in rows if row["subject"] in subjects]
    if not rows:
        raise InputError(f"{path} names no volume of split {' or '.join(splits)}; choose another with --split.")
    return rows


def is_truly_isotropic(row, spacing):
    """Whether a volume has real resolution on an isotropic grid, as far as is known.

    Args:
        row: of the manifest.
        spacing: mm along three axes. A known source says which planes carry true resolution; a volume of an unknown one
            is taken at its word.
    """
    source = source_of(row["subject"])
    return max(spacing) <= TRULY_ISOTROPIC * min(spacing) and (source is UNKNOWN or len(source.planes) == THREE_PLANES)


def ways_of(sample, planes):
    """Pairs (way, ``planes`` of `enhance`) of the ways that suit a volume.

    ``three`` needs true resolution along all axes. The coarse grid of a volume that was made coarse may have
    another slice axis than the scan, so that ``acquisition`` is said to be axial.
    """
    isotropic = is_truly_isotropic(vars(sample), sample.image.GetSpacing())
    return [(way, "axial" if way == "acquisition" else way) for way in planes if isotropic or way != "three"]


def only_three(planes):
    """Whether ``ways_of`` has a way for volumes of true isotropic resolution alone."""
    return set(planes) == {"three"}


def read_sample(data, row, box=None, skull_strip="auto", slices=None):
    """Read, correct and mask the volume of a manifest row.

    Args:
        data: folder with manifest.csv and its volumes.
        row: of the manifest.
        box: edge in voxels of a cube around the brain's middle that is all that is kept, for a quick look.
        slices: so many axial slices around the brain's middle are kept, with all of the head that they show.
        skull_strip: "auto" or the name of a backend.

    Raises:
        InputError: unreadable, or no brain was found.
    """
    image = sitk.DICOMOrient(sitk.Cast(read_volume(Path(data) / row["file"]), sitk.sitkFloat32), "LPS")
    stripped = row.get("skull") == "stripped"
    done = preprocess(image, skull_strip=skull_strip, mask=foreground(image) if stripped else None)
    sample = Sample(
        volume_stem(row["file"]), row["subject"], row["contrast"], row["split"], done.image,
        sitk.Cast(done.mask != 0, sitk.sitkUInt8), image,
    )  # fmt: skip
    if slices is not None:
        sample = middle_slices(sample, slices)
    return sample if box is None else cropped(sample, box)


def foreground(image):
    """UInt8 mask of a stripped volume: what is above zero, with holes filled (fluid may be black)."""
    inside = ndimage.binary_fill_holes(sitk.GetArrayViewFromImage(image) > 0)
    mask = sitk.GetImageFromArray(inside.astype(np.uint8))
    mask.CopyInformation(image)
    return mask


def middle_slices(sample, slices):
    """The sample's axial slices around the brain's middle, so many, with all of the head that they show."""
    image, mask = slab(sample.image, sample.mask, slices)
    raw = None if sample.raw is None else slab(sample.raw, sample.mask, slices)[0]
    return replace(sample, image=image, mask=mask, raw=raw)


def cropped(sample, box):
    """The sample within a cube of ``box`` voxels around the middle of its mask's bounding box."""
    inside = sitk.GetArrayViewFromImage(sample.mask) > 0
    start, size = [], []
    for one, length in zip(ndimage.find_objects(inside.astype(np.uint8))[0], inside.shape):
        extent = min(box, length)
        first = (one.start + one.stop - extent) // 2
        start.insert(0, int(min(max(first, 0), length - extent)))  # SimpleITK counts x, y, z
        size.insert(0, extent)
    whole = {name: getattr(sample, name) for name in ("image", "mask", "raw")}
    parts = {name: sitk.RegionOfInterest(one, size, start) for name, one in whole.items() if one is not None}
    return replace(sample, **parts)
