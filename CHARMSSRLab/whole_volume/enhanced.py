"""Degraded volumes through the public ``enhance``, and back onto the truth's grid."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from CHARMSSRLib.enhancement.enhance import enhance
from CHARMSSRLib.grids.stacks import band_limited, interpolated_across
from CHARMSSRLib.settings import EnhancementSettings


@dataclass(frozen=True)
class Output:
    """An enhanced volume as arrays (z, y, x) of its own grid.

    Attributes:
        values: float32, 0 outside ``mask``. mask: boolean. maps: dict of float32 arrays. report: of ``enhance``.
    """

    values: np.ndarray
    mask: np.ndarray
    maps: dict
    report: dict


def enhanced(volume, setup, **settings):
    """Enhance a ``DegradedVolume``: its mask is given, and the truth was bias-corrected already."""
    # The degraded volumes' grids are known; what their sources were measured on is not asked.
    settings = {"resolution": "stated", "denoise": setup.denoise, "quality": setup.quality, **settings}
    chosen = EnhancementSettings(checkpoint=setup.checkpoint, device=setup.device, bias_correction=False, **settings)
    result = enhance(volume.image, chosen, mask=volume.mask)
    maps = {name: sitk.GetArrayFromImage(image) for name, image in result.maps.items()}
    return Output(
        sitk.GetArrayFromImage(result.image), sitk.GetArrayFromImage(result.mask) > 0, maps, result.report
    )  # fmt: skip


def filled(output, coarse, factors):
    """The output with band-limited interpolated input outside its mask, so that no edge of the mask is interpolated.

    Args:
        output: what was enhanced, with ``values`` and ``mask`` on its grid.
        coarse: array (z, y, x), the input.
        factors: of the output's grid along (z, y, x).
    """
    return np.where(output.mask, output.values, zero_filled(coarse, factors))


def zero_filled(volume, factors):
    """Band-limited enlargement, mirrored at the faces: k-space filled with zeros."""
    for axis, factor in enumerate(factors):
        volume = band_limited(volume, volume.shape[axis] * factor, axis)
    return volume


def cubic(volume, factors):
    """Cubic convolution (torch's bicubic) along every axis; arrays (z, y, x)."""
    for axis, factor in enumerate(factors):
        if factor > 1:
            volume = np.moveaxis(interpolated_across(np.moveaxis(volume, axis, 0), factor), 0, axis)
    return np.ascontiguousarray(volume)
