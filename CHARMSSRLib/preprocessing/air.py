"""What surrounds the head: dark air, a constant, or noise; and how the scan is prepared for each."""

from __future__ import annotations

from typing import NamedTuple

import SimpleITK as sitk

from .air_noise import WARNING, has_noisy_air, lowest_level, quiet_scan
from .background import levels_of


class Air(NamedTuple):
    """A scan whose background is 0, however it came.

    Attributes:
        image: float32, the scan minus ``offset``.
        offset, background: see ``Preprocessed``.
        dark: float32, the scan with its noisy air made dark, to find the brain in; None where it is dark.
        head: UInt8 head mask; None where the usual one serves.
        may_have_bias: whether a bias field can be told (quotients of two images have none).
        warnings: sentences.
    """

    image: sitk.Image
    offset: float = 0.0
    background: float = 0.0
    dark: sitk.Image | None = None
    head: sitk.Image | None = None
    may_have_bias: bool = True
    warnings: tuple[str, ...] = ()


def air_of(image: sitk.Image, with_head: bool = True, named_uni: bool = False) -> Air:
    """Look at a scan's background and shift it to 0.

    Args:
        image: scalar 3-D; not changed.
        with_head: whether a head mask is wanted where the air is noise.
        named_uni: whether the scan's name says that it is a UNI image of MP2RAGE.
    """
    if not has_noisy_air(image, named_uni):
        levels = levels_of(image)
        return Air(levels.image, levels.offset, levels.background)
    # A scan from 0 upwards keeps its values; one about 0 is lifted, and comes back to where it was.
    low = min(lowest_level(image), 0.0)
    quiet = quiet_scan(image, named_uni) if with_head else None
    return Air(
        image=sitk.Cast(image, sitk.sitkFloat32) - low,
        offset=low,
        background=low,
        dark=quiet.image if quiet else None,
        head=quiet.head if quiet else None,
        may_have_bias=False,
        warnings=(WARNING,),
    )
