"""Study "whole-heads": the product's whole path on scans as they come, in brain, interior and rim, and natively."""

import numpy as np
import SimpleITK as sitk

from CHARMSSRLib.enhancement.enhance import enhance
from CHARMSSRLib.measures.native import PROBE, native_figures
from CHARMSSRLib.measures.noise import even_tissue, noise_sd
from CHARMSSRLib.settings import EnhancementSettings

from .false_foci import TOO_MUCH, largest_foci
from .study_of_volumes import Column, Study
from .whole_heads import coarse_head, cubic_of, scores, slab, with_probe

DEGRADATIONS = ("kspace", "clinical", "bicubic")
AS_IT_CAME = "as it came"
REGIONS = ("brain", "interior", "rim")


def measure(sample, checkpoint, setup):
    """Rows for each degradation, with the truth, and one for the scan as it came, without."""
    scale = checkpoint.card["scale"]
    raw = sample.image if sample.raw is None else sample.raw
    rows = []
    for degradation in DEGRADATIONS:
        head = coarse_head(raw, sample.mask, scale, degradation, setup.slices)
        result = _enhanced(head.image, head.mask if setup.slices else None, setup)
        kept = head.brain & (sitk.GetArrayViewFromImage(result.mask) > 0)
        cubic = scores(cubic_of(head.image, (1, scale, scale)), head.truth, kept)
        own = scores(sitk.GetArrayFromImage(result.image), head.truth, kept)
        row = {"degradation": degradation, "denoise": result.report["noise"]["denoise"]}
        row["kept"] = float(kept.sum() / head.brain.sum())
        for region in REGIONS:
            row[f"{region}_cubic"], row[region] = cubic[region], own[region]
            row[f"{region}_gain"] = own[region] - cubic[region]
        rows.append(row)
    return [*rows, _native(sample, scale, setup)]


def _enhanced(image, mask, setup):
    """The product's whole path; the field is multiplied back, so that the result is in the scan's own units."""
    settings = EnhancementSettings(
        checkpoint=setup.checkpoint, device=setup.device, planes="axial", restore_bias=True, denoise=setup.denoise,
        quality=setup.quality, resolution="stated",
    )  # fmt: skip
    return enhance(image, settings, mask)


def _native(sample, scale, setup):
    image, mask = slab(sample.image, sample.mask, setup.slices)
    brain = sitk.GetArrayFromImage(mask) > 0
    values = sitk.GetArrayFromImage(image).astype(np.float32)
    even = even_tissue(values, brain)
    settings = EnhancementSettings(
        checkpoint=setup.checkpoint, device=setup.device, planes="axial", bias_correction=False, denoise=setup.denoise,
        quality=setup.quality, resolution="stated",
    )  # fmt: skip
    pairs = []
    for one in (image, with_probe(image, PROBE * noise_sd(values, even) if even.any() else 1.0)):
        result = enhance(one, settings, mask)
        pairs.append((sitk.GetArrayFromImage(result.image), cubic_of(one, (1, scale, scale))))
    large = sitk.GetArrayFromImage(result.mask) > 0
    figures = native_figures(*pairs[0], large, probed=pairs[1])
    share = result.report["noise"]["denoise"]
    row = {"degradation": AS_IT_CAME, "denoise": share}
    if figures is not None:
        output, cubic = pairs[0]
        level = even_tissue(cubic, large)
        foci = largest_foci(output, cubic, level, result.image.GetSpacing()[1::-1], noise_sd(cubic, level))
        row.update(vars(figures), boxes=len(foci), focus=float(foci.max()), foci=int((foci > TOO_MUCH).sum()))
    return row


def verdict(rows):
    """What a user gets: gains over cubic interpolation by region, and the native figures, worst and mean."""
    sentences = []
    for degradation in DEGRADATIONS:
        own = [row for row in rows if row["degradation"] == degradation]
        parts = [
            f"{region} {np.mean([row[f'{region}_gain'] for row in own]):+.2f} dB (at least"
            f" {min(row[f'{region}_gain'] for row in own):+.2f})"
            for region in REGIONS
        ]
        sentences.append(f"Made coarse by {degradation}, against cubic interpolation: {', '.join(parts)}.")
    native = [row for row in rows if row["degradation"] == AS_IT_CAME and "snr" in row]
    if not native:
        return sentences
    snr, noise, edges = ([row[key] for row in native] for key in ("snr", "noise", "edges"))
    sentences.append(
        "As they came, in units of cubic interpolation: SNR in even tissue"
        f" {np.mean(snr):.2f} (at least {min(snr):.2f}), noise among the anatomy"
        f" {np.mean(noise):.2f} (at most {max(noise):.2f}),"
        f" edges {np.mean(edges):.2f} (above 1.05 in {sum(one > 1.05 for one in edges)} of {len(edges)} volumes)."
    )
    boxes, foci = (sum(row[key] for row in native) for key in ("boxes", "foci"))
    strongest = max(row["focus"] for row in native)
    sentences.append(
        f"Of {boxes} random boxes of even tissue {foci} got a focus above {TOO_MUCH:g} times the noise; the strongest"
        f" was {strongest:.2f} times it."
    )
    return sentences


STUDY = Study(
    name="whole-heads",
    title="Whole heads as they come",
    protocol="The whole scan, head and all, is made coarse in its axial plane before anything is masked; then `enhance`"
    " runs as a user runs it (bias correction, skull strip, network; the field is multiplied back). PSNR against the"
    " fine scan in dB, range: the brain's 99.9th percentile; brain: the fine scan's mask where the result holds (kept:"
    " its share); rim: its outer three fine voxels in each slice; interior: the rest. With --slices only so many axial"
    " slices, and the fine scan's mask is given. As it came: the scan itself enhanced, against its cubic interpolation:"
    " SNR in even tissue, what becomes of weak added noise among the anatomy, slope of the steepest edges; and the"
    " strongest focus of 4 mm that enhancing added in random boxes of even tissue, in units of the noise.",
    columns=(
        Column("volume", "volume"), Column("contrast", "contrast"), Column("degradation", "made coarse by"),
        Column("denoise", "noise control", "d"), Column("kept", "kept", ".3f"),
        Column("brain_cubic", "brain, cubic", ".2f"), Column("brain", "brain", ".2f"),
        Column("interior_cubic", "interior, cubic", ".2f"), Column("interior", "interior", ".2f"),
        Column("rim_cubic", "rim, cubic", ".2f"), Column("rim", "rim", ".2f"), Column("snr", "SNR", ".2f"),
        Column("noise", "noise", ".2f"), Column("edges", "edges", ".2f"), Column("focus", "false focus", ".2f"),
    ),
    measure=measure,
    takes_slices=True,
    verdict=verdict,
)  # fmt: skip
