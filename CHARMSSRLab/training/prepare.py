"""Volumes -> a cached set of slices with split, mask and normalisation.

Deterministic and restartable: every volume becomes one compressed file that appears
only when complete; a file that is there is not made again. The files are read-only
afterwards, so any number of workers may share them.
"""

import csv
import logging
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from CHARMSSRLib.errors import InputError
from CHARMSSRLib.files.volumes import read_volume
from CHARMSSRLib.fine_tuning.slices import MIN_BRAIN
from CHARMSSRLib.grids.resize import fourier_resize
from CHARMSSRLib.grids.slices import PLANE_NAMES, plane_axis, slice_axis
from CHARMSSRLib.preprocessing.pipeline import preprocess
from CHARMSSRLib.preprocessing.plausibility import mask_warnings
from CHARMSSRLib.task import Task

from .prepared import BRAIN_MARGIN, PreparedVolume, save_prepared, widened
from .sources import source_of

logger = logging.getLogger(__name__)

PATCH_MARGIN = 48  # pixels kept around the brain: as far as a training patch sees


def prepare_volume(image, subject, contrast, split="", skull_strip="auto", already_stripped=False):
    """Preprocess one volume as ``enhance`` does and cut it into slices.

    Args:
        image: scalar 3-D SimpleITK image, any orientation.
        subject: labels; the subject's source tells planes and true resolution.
        contrast: likewise.
        split: likewise.
        skull_strip: "auto" or the name of a backend.
        already_stripped: the background is zero, so that the foreground is the mask.

    Returns:
        list of PreparedVolume, one per plane.
    """
    source = source_of(subject)
    image = sitk.DICOMOrient(sitk.Cast(image, sitk.sitkFloat32), "LPS")
    user_mask = sitk.Cast(image > 0, sitk.sitkUInt8) if already_stripped else None
    done = preprocess(image, skull_strip=skull_strip, mask=user_mask)
    for warning in done.warnings:
        logger.warning("%s %s: %s", subject, contrast, warning)
    mask = done.mask
    if done.strip is not None and mask_warnings(done.mask):
        logger.warning("%s %s: the whole head is used instead of the implausible brain mask", subject, contrast)
        mask = done.head
    values = sitk.GetArrayFromImage(done.image)
    mask = sitk.GetArrayFromImage(mask) > 0
    spacing = done.image.GetSpacing()[::-1]
    prepared = []
    for plane in source.planes:
        axis = slice_axis(done.image) if plane == "acquisition" else plane_axis(plane)
        prepared.append(_cut(values, mask, spacing, axis, source.true_in_plane_mm, subject, contrast, split))
    return prepared


def _cut(values, mask, spacing, axis, true_mm, subject, contrast, split):
    plane = PLANE_NAMES[axis]
    slices, inside = np.moveaxis(values, axis, 0), np.moveaxis(mask, axis, 0)
    spacing = (spacing[axis],) + tuple(s for i, s in enumerate(spacing) if i != axis)
    slices, inside, spacing = _to_true_resolution(slices, inside, spacing, true_mm)
    slices = np.maximum(slices, 0)
    around = [inside.any(axis=tuple(j for j in range(3) if j != i)) for i in (1, 2)]
    rows, columns = (widened(one, BRAIN_MARGIN) for one in around)
    enough = np.flatnonzero(inside[:, rows, columns].mean(axis=(1, 2)) > MIN_BRAIN)
    rows, columns = (widened(one, PATCH_MARGIN) for one in around)
    slices, inside = slices[:, rows, columns], inside[:, rows, columns]
    if not len(enough):
        raise InputError(f"The mask of {subject} {contrast} holds no brain; check the volume.")
    whole = slices[inside]
    keep = slice(enough[0], enough[-1] + 1)
    return PreparedVolume(
        slices[keep].astype(np.float32), inside[keep], float(whole.min()), float(whole.max()),
        float(np.percentile(whole, 99.9)), tuple(float(s) for s in spacing), subject, contrast, split, plane,
    )  # fmt: skip


def _to_true_resolution(slices, mask, spacing, true_mm):
    """Bring zero-filled or interpolated in-plane axes to the resolution that was measured."""
    if true_mm is None:
        return slices, mask, spacing
    image, inside = torch.from_numpy(np.ascontiguousarray(slices)), torch.from_numpy(mask.astype(np.float32))
    spacing = list(spacing)
    for axis in (1, 2):
        n = image.shape[axis]
        size = round(n * spacing[axis] / true_mm)
        if size < n:
            image, inside = fourier_resize(image, size, axis), fourier_resize(inside, size, axis)
            spacing[axis] *= n / size
    return image.numpy(), inside.numpy() > 0.5, tuple(spacing)


def read_manifest(path):
    """Rows of a manifest CSV: file, subject, split, contrast, skull (and more, kept as they are)."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    needed = {"file", "subject", "split", "contrast"}
    missing = needed - set(rows[0] if rows else ())
    if missing:
        raise InputError(f"{path} lacks the column(s) {', '.join(sorted(missing))}.")
    return rows


def prepare(
    data, output, splits=("train", "val"), bundled_only=True, skull_strip="auto", progress=None, is_cancelled=None
):
    """Prepare every volume of ``data/manifest.csv`` into ``output``.

    Args:
        data: folder with manifest.csv and its volumes.
        output: folder of the prepared slices.
        splits: which rows of the manifest.
        bundled_only: leave out volumes whose source bundled weights may not learn from.
        skull_strip: "auto" or the name of a backend.
        progress: called with (fraction, message).
        is_cancelled: asked before each volume.

    Returns:
        list of the files.
    """
    data, output, task = Path(data), Path(output), Task(progress, is_cancelled)
    output.mkdir(parents=True, exist_ok=True)
    rows = [row for row in read_manifest(data / "manifest.csv") if row["split"] in splits]
    if bundled_only:
        rows = [row for row in rows if source_of(row["subject"]).bundled]
    files = []
    for i, row in enumerate(rows):
        stem = Path(row["file"]).name.split(".")[0]
        marker = output / f"{stem}.done"
        if not marker.exists():
            task.check("Preparing was stopped; start it again to go on.")
            task.tell(i / len(rows), f"Preparing {stem}")
            image = read_volume(data / row["file"])
            volumes = prepare_volume(
                image, row["subject"], row["contrast"], row["split"], skull_strip, row.get("skull") == "stripped"
            )
            for volume in volumes:
                save_prepared(volume, output / f"{stem}_{volume.plane}.npz")
            marker.touch()
        files += sorted(output.glob(f"{stem}_[acs]*.npz"))
    return files
