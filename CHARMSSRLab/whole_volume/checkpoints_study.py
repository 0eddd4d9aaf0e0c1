"""Study "checkpoints": what each checkpoint of a scale makes of a scan that was made coarse in each way.

It is what ``--checkpoint auto`` chooses among. The protocol is that of whole heads: the whole scan is made coarse
before any mask, the product's path runs on it, and PSNR is taken in the brain. What the examination tells of the coarse
scan stands beside it.
"""

import numpy as np
import SimpleITK as sitk

from CHARMSSRLib import EnhancementSettings, enhance
from CHARMSSRLib.acquisition.inspect import inspect_image
from CHARMSSRLib.checkpoints.registry import available_checkpoints, read_card
from CHARMSSRLib.settings import AUTOMATIC

from ..training.degradation_list import DEGRADATIONS
from .study_of_volumes import Column, Study
from .whole_heads import coarse_head, scores

SLICES = 16  # in the slab that is made coarse, where --slices says nothing else
ENHANCED = 5  # of these, around its middle


def measure(sample, checkpoint, setup):
    """Rows of one volume: degradation x checkpoint of the scale of the one that was named."""
    scale = checkpoint.card["scale"]
    names = [name for name in available_checkpoints() if read_card(name)["scale"] == scale]
    rows = []
    for seed, degradation in enumerate(setup.degradations or DEGRADATIONS):
        head = coarse_head(sample.image, sample.mask, scale, degradation, setup.slices or SLICES, seed)
        mask, seen = _few(head.mask), inspect_image(head.image).line()
        for name in dict.fromkeys([setup.checkpoint, *names]):
            result = enhance(head.image, _settings(setup, name), mask=mask)
            kept = head.brain & (sitk.GetArrayViewFromImage(result.mask) > 0)
            psnr = scores(sitk.GetArrayFromImage(result.image), head.truth, kept)["brain"]
            rows.append({"degradation": degradation, "checkpoint": name, "psnr": psnr, "seen": seen})
    return rows


def _settings(setup, name):
    """As measured where a checkpoint has no noise control."""
    return EnhancementSettings(
        checkpoint=name, device=setup.device, quality=setup.quality, planes="axial", resolution="stated",
        bias_correction=False, denoise=setup.denoise if read_card(name).get("noise_control") else AUTOMATIC,
    )  # fmt: skip


def _few(mask):
    """The mask in so many slices around the middle: the others are not enhanced."""
    values = sitk.GetArrayFromImage(mask)
    first = (len(values) - ENHANCED) // 2
    values[:first], values[first + ENHANCED :] = 0, 0
    few = sitk.GetImageFromArray(values)
    few.CopyInformation(mask)
    return few


def verdict(rows):
    """What would be lost by always taking one checkpoint."""
    by_case = {}
    for row in rows:
        by_case.setdefault((row["volume"], row["degradation"]), {})[row["checkpoint"]] = row["psnr"]
    names = list(dict.fromkeys(row["checkpoint"] for row in rows))
    losses = {name: [max(case.values()) - case[name] for case in by_case.values()] for name in names}
    return [
        f"{name} for every scan: {np.mean(lost):.2f} dB below the best one on average, {max(lost):.2f} dB at most."
        for name, lost in losses.items()
    ]


STUDY = Study(
    name="checkpoints",
    title="Which checkpoint",
    protocol=f"Whole heads, {SLICES} axial slices around the middle (or --slices), made coarse in plane before any"
    f" mask, not bias-corrected, {ENHANCED} of them enhanced by every checkpoint of the scale; PSNR in the brain in dB."
    " Beside it what the examination says of the coarse scan.",
    columns=(
        Column("volume", "volume"), Column("degradation", "degradation"), Column("checkpoint", "checkpoint"),
        Column("psnr", "PSNR", ".2f"), Column("seen", "the scan, as examined"),
    ),
    measure=measure,
    takes_slices=True,
    verdict=verdict,
)  # fmt: skip
