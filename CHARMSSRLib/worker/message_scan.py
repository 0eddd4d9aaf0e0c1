"""The scan of a message, with what its files and its names say about it."""

from __future__ import annotations

import os

import SimpleITK as sitk

from ..acquisition.tags import tags_of
from ..files.uni_names import is_uni_name, mark_as_uni
from . import protocol


def named_scan(message: dict, folder: str) -> tuple[sitk.Image, dict]:
    """The image of a message, which knows if it is called the UNI of MP2RAGE, and the tags that are known of it.

    Args:
        message: with image, and where known: tags (dict), file (path of the scan, or of one of its DICOM images, from
            which more tags are read; those given count more), name (what the caller calls it).
        folder: of the job.

    Raises:
        ProtocolError: one of them is of another type.
    """
    image = protocol.load_volume(message.get("image"), folder)
    given, file, name = message.get("tags") or {}, message.get("file") or "", message.get("name") or ""
    if not isinstance(given, dict) or not isinstance(file, str) or not isinstance(name, str):
        raise protocol.ProtocolError("The tags of a scan are a dict, its file is a path, its name a text.")
    tags = {**(tags_of(file) if file else {}), **given}
    if is_uni_name([name, os.path.basename(file), *_series_names(tags)]):
        mark_as_uni(image)
    return image, tags


def _series_names(tags):
    """The title of a series and the parts of its image type that name its kind, as the reader of files takes them."""
    kind = tags.get("ImageType") or []
    kind = kind if isinstance(kind, list) else str(kind).split("\\")
    return [str(tags.get("SeriesDescription") or ""), *(str(part) for part in kind[2:])]
