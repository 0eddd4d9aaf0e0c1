"""Study "noise": what becomes of noise, on nothing, on an even signal and on anatomy."""

import numpy as np
import SimpleITK as sitk

from .noise import LIMIT, SIGMAS, noise_amplification, noise_on_stack
from .study_of_volumes import MADE_UP, Column, Study

EVEN_SIGNAL = 0.5
SLICES = 4
PURE = ("pure, as enhance scales it", "pure")


def without_volume(checkpoint, setup):
    """Rows for pure noise (scaled as ``enhance`` would, and at several SDs) and for noise on an even signal."""
    network, card = checkpoint.network, checkpoint.card
    rows = [{"kind": PURE[0], **noise_amplification(network, card, device=setup.device)}]
    for kind, signal in ((PURE[1], 0.0), ("on an even signal", EVEN_SIGNAL)):
        rows += [
            {"kind": kind, **noise_amplification(network, card, sigma, signal, device=setup.device)} for sigma in SIGMAS
        ]
    return [{"volume": MADE_UP, **row} for row in rows]


def measure(sample, checkpoint, setup):
    """Rows for noise on the anatomy of a sample, one per SD."""
    values, mask = sitk.GetArrayFromImage(sample.image).astype(np.float32), sitk.GetArrayFromImage(sample.mask)
    return [
        {
            "kind": "on anatomy",
            **noise_on_stack(
                checkpoint.network, checkpoint.card, values, mask, sigma, SLICES, device=setup.device
            ),
        }
        for sigma in SIGMAS
    ]  # fmt: skip


def verdict(rows):
    """Whether the rule holds, and the worst figure elsewhere."""
    pure = max((row for row in rows if row["kind"] in PURE), key=lambda row: row["ratio"])
    rest = max((row for row in rows if row["kind"] not in PURE), key=lambda row: row["ratio"])
    holds = "holds" if pure["ratio"] <= LIMIT else "does not hold"
    return [
        f"Pure noise: at most {pure['ratio']:.3f} of the noise's SD is added ({pure['kind']}); the rule of"
        f" {LIMIT:g} {holds}.",
        f"Noise on a signal: at most {rest['ratio']:.3f} is added ({rest['kind']}, SD {rest['sigma']:g}); the noise in"
        f" the output is {rest['gain']:.2f} times that of bicubic interpolation there.",
    ]


STUDY = Study(
    name="noise",
    title="What the network makes of noise",
    protocol="Rician noise of SD sigma (per complex channel, in units of the intensity range) through the slice path of"
    " `enhance`, with a mask and one box for all slices. added / noise: SD of (output - bicubic interpolation) by the"
    " SD of the noise in the input, four pixels and more inside the mask; on a signal, or on the anatomy of a volume"
    f" (its {SLICES} central slices made coarse by the bicubic operator), what the clean input gives is subtracted"
    " first. gain: SD of the noise in the output by that in the bicubic interpolation; above 1, noise is sharpened.",
    columns=(
        Column("volume", "volume"), Column("kind", "noise"), Column("sigma", "sigma", "g"),
        Column("noise_sd", "SD of noise", ".4f"), Column("ratio", "added / noise", ".3f"),
        Column("ratio_to_mask_edge", "up to the mask's edge", ".3f"), Column("gain", "gain", ".3f"),
    ),
    measure=measure,
    without_volume=without_volume,
    verdict=verdict,
)  # fmt: skip
