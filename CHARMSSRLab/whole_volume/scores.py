"""Scores of a whole volume on the truth's grid: fidelity in the brain, banding along every axis."""

import numpy as np

from CHARMSSRLib.measures.banding import banding
from CHARMSSRLib.measures.fidelity import brain_psnr, brain_ssim

from .whole_heads import scores

AXES = (0, 1, 2)


def fidelity(output, truth, inside):
    """``psnr`` (dB) and ``ssim``, brain-masked, three-dimensional, and PSNR in the brain's ``interior`` and ``rim``.

    Arrays (z, y, x) on one grid, ``inside`` the brain; its rim is three voxels wide in each axial slice.
    """
    apart = scores(output, truth, inside)
    whole = {"psnr": brain_psnr(output, truth, inside), "ssim": brain_ssim(output, truth, inside)}
    return {**whole, "interior": apart["interior"], "rim": apart["rim"]}


def banding_by_axis(volume, inside):
    """The banding figure across each array axis (z, y, x): tuple of three, None where the mask is too small."""
    masked = np.where(inside, volume, np.float32(0))
    return tuple(banding(np.moveaxis(masked, axis, 0), np.moveaxis(inside, axis, 0)) for axis in AXES)


def worst_ratio(figures, references):
    """Largest ratio of figures to their references, less the 1e-4 that the banding rule allows; None without any.

    The rule figure <= 1.05 reference + 1e-4 holds for all exactly if this is at most 1.05.
    """
    ratios = [
        (figure - 1e-4) / reference
        for figure, reference in zip(figures, references)
        if figure is not None and reference
    ]
    return max(ratios) if ratios else None
