"""Pairs whose scans lie in files."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from ...files.mask_placement import placed_mask
from ...files.scan import Scan
from ...files.volumes import read_scan


def load_pair(
    image_3t: sitk.Image | Path | str, image_7t: sitk.Image | Path | str, mask_3t: sitk.Image | Path | str | None
) -> tuple[sitk.Image, sitk.Image, sitk.Image | None]:
    """The images of a pair, read where they are paths; the mask in the coordinates of the 3T's image.

    Args:
        image_3t: image, or path of a file or of a folder with a DICOM series.
        image_7t: likewise.
        mask_3t: likewise, drawn on the 3T; None where there is none.

    Raises:
        InputError: a file cannot be read.
    """
    scan_3t, scan_7t = _loaded(image_3t), _loaded(image_7t)
    mask = None if mask_3t is None else placed_mask(_loaded(mask_3t, labels_allowed=True), scan_3t)
    return scan_3t.image, scan_7t.image, mask


def _loaded(source, labels_allowed=False):
    return Scan(source) if isinstance(source, sitk.Image) else read_scan(source, labels_allowed)
