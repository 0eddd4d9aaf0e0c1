"""Study "natively": what enhancing does to scans as they come from the scanner, where there is no truth."""

import numpy as np
import SimpleITK as sitk

from CHARMSSRLib.enhancement.enhance import enhance
from CHARMSSRLib.grids.slices import box_of
from CHARMSSRLib.measures.native import PROBE, native_figures
from CHARMSSRLib.measures.noise import even_tissue, noise_sd
from CHARMSSRLib.settings import EnhancementSettings

from .false_foci import TOO_MUCH, largest_foci
from .study_of_volumes import Column, Study
from .whole_heads import cubic_of, rounded, slab, thinned, with_probe
from .whole_heads_study import BESIDE, CHOSEN, has_control

PROBED = 16  # slices of the brain, spread evenly, on which weak noise is added and other shares are looked at
AROUND = 8  # voxels around the brain that its figures read
FIGURES = ("snr", "noise", "edges")


def measure(sample, checkpoint, setup):
    """Rows of one volume: at the setting's share over all slices, and at 0 and 100 % over some of them."""
    image, mask = slab(sample.image, sample.mask, setup.slices)
    scale = checkpoint.card["scale"]
    few = thinned(image, mask, PROBED)
    probed = with_probe(few[0], PROBE * (_noise(*few) or 1.0)), few[1]
    whole = _looked_at(image, mask, setup, setup.denoise, scale)
    share = whole.pop("denoise")
    rows = []
    for way, denoise in ((CHOSEN, str(share)), *((f"{one} %", one) for one in BESIDE if has_control(checkpoint))):
        found = _looked_at(*few, setup, denoise, scale, probed)
        if way == CHOSEN:  # what weak noise becomes is known of some slices alone
            found.update({key: value for key, value in whole.items() if key != "noise"})
        rows.append(rounded({"way": way, **found}))
    return rows


def _noise(image, mask):
    values = sitk.GetArrayFromImage(image).astype(np.float32)
    even = even_tissue(values, sitk.GetArrayViewFromImage(mask) > 0)
    return noise_sd(values, even) if even.any() else 0.0


def _looked_at(image, mask, setup, denoise, scale, probed=None):
    """dict: the share, and where there is even tissue the three figures and the false foci."""
    settings = EnhancementSettings(
        checkpoint=setup.checkpoint, device=setup.device, planes="axial", bias_correction=False, denoise=denoise,
        quality=setup.quality, resolution="stated",
    )  # fmt: skip
    pairs = []
    for one in (image,) if probed is None else (image, probed[0]):
        result = enhance(one, settings, mask)
        large = sitk.GetArrayViewFromImage(result.mask) > 0
        box = box_of(large, AROUND)
        pairs.append((sitk.GetArrayViewFromImage(result.image)[box].copy(), cubic_of(one, (1, scale, scale))[box]))
    row = {"denoise": result.report["noise"]["denoise"], "slices": int(large.any(axis=(1, 2)).sum())}
    figures = native_figures(*pairs[0], large[box], probed=None if probed is None else pairs[1])
    if figures is not None:
        output, cubic = pairs[0]
        even = even_tissue(cubic, large[box])
        foci = largest_foci(output, cubic, even, result.image.GetSpacing()[1::-1], noise_sd(cubic, even))
        row.update(vars(figures), boxes=len(foci), focus=float(foci.max()), foci=int((foci > TOO_MUCH).sum()))
    return row


def verdict(rows):
    """The figures with each setting, worst and mean, and the foci that are in no scan."""
    sentences = []
    for way in dict.fromkeys(row["way"] for row in rows):
        own = [row for row in rows if row["way"] == way and row.get("noise") is not None]
        if not own:
            continue
        snr, noise, edges = ({row["volume"]: row[key] for row in own} for key in FIGURES)
        sentences.append(
            f"{way}, in units of cubic interpolation: SNR in even tissue {_mean(snr):.2f} (least"
            f" {min(snr.values()):.2f}, {min(snr, key=snr.get)}; at least 1.05 in"
            f" {sum(one >= 1.05 for one in snr.values())} of {len(own)} volumes), noise among the anatomy"
            f" {_mean(noise):.2f} (most {max(noise.values()):.3f}, {max(noise, key=noise.get)}; at most 1.0 in"
            f" {sum(one <= 1 for one in noise.values())}), edges {_mean(edges):.2f} (least {min(edges.values()):.3f},"
            f" {min(edges, key=edges.get)}; above 1.05 in {sum(one > 1.05 for one in edges.values())})."
        )
        boxes, foci = (sum(row[key] for row in own) for key in ("boxes", "foci"))
        sentences.append(
            f"{way}: of {boxes} random boxes of even tissue {foci} got a focus above {TOO_MUCH:g} times the noise; the"
            f" strongest was {max(row['focus'] for row in own):.2f} times it."
        )
    return sentences


def _mean(by_volume):
    return np.mean(list(by_volume.values()))


STUDY = Study(
    name="natively",
    title="Scans as they come",
    protocol="The scan itself, corrected for its bias field and with its own mask, enhanced slice by slice, against its"
    " cubic interpolation: SNR in even tissue; noise: what becomes of weak added noise among the anatomy; edges: slope"
    " of the steepest ones; false focus: the strongest focus of 4 mm that enhancing added in random boxes of even"
    " tissue, in units of the noise. Ways: the setting's share of the noise control, over every slice, and where there"
    " is a noise control 0 and 100 % beside it. The noise, and all figures at 0 and 100 %, are those of"
    f" {PROBED} slices spread evenly over the brain. With --slices only so many axial slices.",
    columns=(
        Column("volume", "volume"), Column("contrast", "contrast"), Column("way", "way"),
        Column("denoise", "noise control", "d"), Column("slices", "slices", "d"), Column("snr", "SNR", ".2f"),
        Column("noise", "noise", ".3f"), Column("edges", "edges", ".3f"), Column("focus", "false focus", ".2f"),
    ),
    measure=measure,
    takes_slices=True,
    verdict=verdict,
)  # fmt: skip
