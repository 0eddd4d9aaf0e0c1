"""What each checkpoint makes of a scan that was made coarse in each way: what `--checkpoint auto` chooses among.

The protocol is that of whole heads: the whole scan is made coarse before any mask, the product's path runs on it, and
PSNR is taken in the brain. What the examination tells of the coarse scan stands beside it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from CHARMSSRLib import EnhancementSettings, enhance
from CHARMSSRLib.checkpoints.registry import read_card
from CHARMSSRLib.settings import AUTOMATIC

from ..training.degradation_list import DEGRADATIONS
from ..whole_volume.whole_heads import coarse_head, scores

SLICES = 16  # in the slab that is made coarse
ENHANCED = 5  # of these, around its middle


def rows_of(sample, checkpoints, describe, scale=2, settings=None):
    """A row for each degradation: what each checkpoint scores, and what the coarse scan looks like.

    Args:
        sample: of ``whole_volume.samples``.
        checkpoints: names, all of the same ``scale``.
        describe: function of the coarse SimpleITK image -> dict that goes into the row.
        scale: enlargement of all of them, 2 or 4.
        settings: EnhancementSettings; the checkpoint is set here.

    Returns:
        List of dict: volume, contrast, degradation, a PSNR in dB for each checkpoint, and what ``describe`` says.
    """
    settings = settings or EnhancementSettings(bias_correction=False, planes="axial", resolution="stated")
    rows = []
    for seed, degradation in enumerate(DEGRADATIONS):
        head = coarse_head(sample.image, sample.mask, scale, degradation, SLICES, seed)
        mask = _few(head.mask)
        row = {"volume": sample.name, "contrast": sample.contrast, "degradation": degradation, **describe(head.image)}
        for name in checkpoints:
            result = enhance(head.image, _with(settings, name), mask=mask)
            kept = head.brain & (sitk.GetArrayViewFromImage(result.mask) > 0)
            row[name] = float(np.round(scores(sitk.GetArrayFromImage(result.image), head.truth, kept)["brain"], 3))
        rows.append(row)
    return rows


def _with(settings, name):
    """The settings with a checkpoint, and as it measures noise where it has no noise control."""
    control = read_card(name).get("noise_control")
    return replace(settings, checkpoint=name, denoise=settings.denoise if control else AUTOMATIC)


def _few(mask):
    """The mask in so many slices around the middle: the others are not enhanced."""
    values = sitk.GetArrayFromImage(mask)
    first = (len(values) - ENHANCED) // 2
    values[:first], values[first + ENHANCED :] = 0, 0
    few = sitk.GetImageFromArray(values)
    few.CopyInformation(mask)
    return few
