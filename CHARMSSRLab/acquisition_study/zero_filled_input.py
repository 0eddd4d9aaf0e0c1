"""Zero-filled input: enhancement from the stated and from the measured pixels, and doing nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk
import torch
from scipy import ndimage

from CHARMSSRLib import EnhancementSettings, enhance
from CHARMSSRLib.acquisition.fourier import fourier_resize
from CHARMSSRLib.grids.resize import bicubic_downsample

WAYS = ("nothing", "stated", "auto")


def scores(truth, brain, spacing, ratio=2, settings=None):
    """PSNR in the brain, in dB, of each of ``WAYS``, for a slab whose k-space was halved in plane.

    Args:
        truth: (z, y, x) float32.
        brain: boolean, of the same shape.
        spacing: mm along z, y, x.
        ratio: new pixels by measured ones.
        settings: EnhancementSettings; ``resolution`` is set here.

    Returns:
        dict of way -> dB; "found" holds the true resolutions that "auto" worked from, in mm.
    """
    settings = settings or EnhancementSettings(bias_correction=False)
    values = truth
    for axis in (1, 2):
        n = truth.shape[axis]
        values = fourier_resize(fourier_resize(values, round(n / ratio), axis), n, axis)
    values = np.rint(np.abs(values)).astype(np.float32)
    wide = ndimage.binary_dilation(brain, iterations=5)  # so that the edge of the result lies outside what is scored
    image, mask = (sitk.GetImageFromArray(one) for one in (values, wide.astype(np.uint8)))
    for one in (image, mask):
        one.SetSpacing([float(step) for step in spacing[::-1]])
    found = {"nothing": _psnr(values, truth, brain)}
    for way in WAYS[1:]:
        result = enhance(image, replace(settings, resolution=way, planes="axial"), mask=mask)
        found[way] = _psnr(_on_grid(sitk.GetArrayFromImage(result.image), truth.shape), truth, brain)
    found["found"] = result.report.get("resolution", {}).get("measured_mm")
    return found


def _on_grid(values, shape):
    """A finer result on the grid of the truth: the means that finer pixels have there."""
    for axis, size in ((1, shape[1]), (2, shape[2])):
        if values.shape[axis] % size:
            values = fourier_resize(values, size, axis)
    if values.shape != shape:
        values = bicubic_downsample(torch.from_numpy(values)[:, None], values.shape[1] // shape[1])[:, 0].numpy()
    return values


def _psnr(values, truth, brain):
    top = float(np.percentile(truth[brain], 99.9))
    return float(10 * np.log10(top**2 / np.mean((values[brain] - truth[brain]) ** 2)))
