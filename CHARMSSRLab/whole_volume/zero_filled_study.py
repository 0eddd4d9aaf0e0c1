"""Study "zero-filled": enhancement from the stated and from the measured pixels, and doing nothing."""

from dataclasses import replace

import numpy as np
import SimpleITK as sitk
import torch
from scipy import ndimage

from CHARMSSRLib import EnhancementSettings, enhance
from CHARMSSRLib.acquisition.fourier import fourier_resize
from CHARMSSRLib.grids.resize import bicubic_downsample

from .study_of_volumes import Column, Study
from .whole_heads import slab

SLICES = 16  # where --slices says nothing else
RATIO = 2  # new pixels by measured ones


def measure(sample, checkpoint, setup):
    """One row: PSNR in dB in the brain of a slab whose k-space was halved in plane and filled with zeros again."""
    image, mask = slab(sample.as_it_came, sample.mask, setup.slices or SLICES)
    truth, brain = sitk.GetArrayFromImage(image).astype(np.float32), sitk.GetArrayFromImage(mask) > 0
    values = truth
    for axis in (1, 2):
        n = truth.shape[axis]
        values = fourier_resize(fourier_resize(values, round(n / RATIO), axis), n, axis)
    values = np.rint(np.abs(values)).astype(np.float32)
    wide = ndimage.binary_dilation(brain, iterations=5)  # so that the edge of the result lies outside what is scored
    scan, around = (_like(image, one) for one in (values, wide.astype(np.uint8)))
    settings = EnhancementSettings(
        checkpoint=setup.checkpoint, device=setup.device, quality=setup.quality, denoise=setup.denoise, planes="axial",
        bias_correction=False,
    )  # fmt: skip
    row = {"nothing": _psnr(values, truth, brain)}
    for way in ("stated", "auto"):
        result = enhance(scan, replace(settings, resolution=way), mask=around)
        row[way] = _psnr(_on_grid(sitk.GetArrayFromImage(result.image), truth.shape), truth, brain)
    measured = result.report.get("resolution", {}).get("measured_mm")
    found = "" if measured is None else " x ".join(f"{one:.2f}" for one in measured)
    row.update(over_stated=row["auto"] - row["stated"], over_nothing=row["auto"] - row["nothing"], found=found)
    return [row]


def _like(image, values):
    made = sitk.GetImageFromArray(values)
    made.CopyInformation(image)
    return made


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


def verdict(rows):
    """The mean and the least gain of working from the measured pixels."""
    sentences = []
    for key, other in (("over_stated", "working from the stated pixels"), ("over_nothing", "doing nothing")):
        mean, worst = np.mean([row[key] for row in rows]), min(rows, key=lambda row: row[key])
        sentences.append(
            f"auto over {other}: {mean:+.2f} dB on average, {worst[key]:+.2f} dB at least ({worst['volume']})."
        )
    return sentences


STUDY = Study(
    name="zero-filled",
    title="Zero-filled input",
    protocol=f"{SLICES} axial slices around the brain's middle (or --slices) of each volume as it came, its k-space"
    " halved in plane and filled with zeros again; enhanced from the stated pixels and by --resolution auto; PSNR in"
    " the brain on the grid of the truth, in dB. Found: mm of the pixels that auto worked from, along x, y, z.",
    columns=(
        Column("volume", "volume"), Column("nothing", "nothing done", ".2f"), Column("stated", "`stated`", ".2f"),
        Column("auto", "`auto`", ".2f"), Column("over_stated", "auto - stated", "+.2f"),
        Column("over_nothing", "auto - nothing", "+.2f"), Column("found", "found"),
    ),
    measure=measure,
    takes_slices=True,
    verdict=verdict,
)  # fmt: skip
