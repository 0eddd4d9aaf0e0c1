"""Whether a scan's name says that it is the UNI image of MP2RAGE, whose air is noise.

Sources: the names that Siemens' sequence gives its series ("t1_mp2rage_sag_UNI_Images"), the value UNI in
ImageType, the suffix UNIT1 of BIDS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import SimpleITK as sitk

_KEY, _UNI = "charmssr.kind", "UNI of MP2RAGE"
_WORD = re.compile(r"(?<![a-z0-9])(unit1|uni)(?![a-z0-9])", re.IGNORECASE)
# A UNI image whose air was made dark by the scanner is like any other scan.
_DARK_AIR = re.compile(r"uni[-_ .]?(den|clean|robust|mprageised)|denoised|(den|robust|clean)[-_ .]uni", re.IGNORECASE)


def is_uni_name(names: Iterable[str]) -> bool:
    """Whether one of some names (of a file, of a series, its image type) says so, and none that its air is dark."""
    names = list(names)
    return any(_WORD.search(name) for name in names) and not any(_DARK_AIR.search(name) for name in names)


def mark_as_uni(image: sitk.Image) -> None:
    """Let an image tell its kind to whoever enhances it."""
    image.SetMetaData(_KEY, _UNI)


def is_marked_as_uni(image: sitk.Image) -> bool:
    """Whether ``mark_as_uni`` was called for an image."""
    return image.HasMetaDataKey(_KEY) and image.GetMetaData(_KEY) == _UNI
