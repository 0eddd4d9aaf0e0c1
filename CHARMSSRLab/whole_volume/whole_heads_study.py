"""Study "whole-heads": the product's whole path on scans as they come, made coarse, in brain, interior and rim."""

import numpy as np
from scipy import ndimage

from CHARMSSRLib.grids.slices import box_of

from ..training.quiet_targets import quieted
from .study_of_volumes import Column, Study
from .user_path import UserPath
from .whole_heads import coarse_head, cubic_of, middle, rounded, scores

DEGRADATIONS = ("kspace", "clinical")  # where none are named
REGIONS = ("brain", "interior", "rim")
CUBIC, CHOSEN = "cubic", "default"
BESIDE = ("0", "100")  # shares that stand beside the setting's own
ON_THE_SLAB = "100 %"  # the way that is enhanced nowhere else
SLAB = 16  # slices around the brain's middle that are made quiet, to be compared with as well
REACH = 2  # voxels around the brain that are made quiet with it


def measure(sample, checkpoint, setup):
    """Rows for each degradation and each way: interpolation, the setting's share, and 0 and 100 % beside it."""
    scale = checkpoint.card["scale"]
    shares = {CHOSEN: setup.denoise, **({f"{one} %": one for one in BESIDE} if has_control(checkpoint) else {})}
    raw = sample.image if sample.raw is None else sample.raw
    rows = []
    for degradation in setup.degradations or DEGRADATIONS:
        head = coarse_head(raw, sample.mask, scale, degradation, setup.slices)
        slab, quiet = _quiet_slab(head) if has_control(checkpoint) else (None, None)
        path = UserPath(head.image, head.mask if setup.slices else None, setup.checkpoint, setup.device, setup.quality)
        kept = head.brain & path.mask
        of_all = {"degradation": degradation, "kept": float(kept.sum() / head.brain.sum())}
        figures = _scored(cubic_of(head.image, (1, scale, scale)), head, kept, slab, quiet)
        rows.append(rounded({**of_all, "way": CUBIC, **figures}))
        for way, denoise in shares.items():
            part = slab if way == ON_THE_SLAB else None
            result = path.at(denoise, part)
            figures = _scored(result.values, head, kept, slab, quiet, whole=part is None)
            rows.append(rounded({**of_all, "way": way, "denoise": result.share, **figures}))
    return rows


def _scored(values, head, kept, slab, quiet, whole=True):
    """dict of PSNR in the regions, and on the slab against the fine scan and the quiet one, where there is one."""
    figures = scores(values, head.truth, kept) if whole else {}
    if slab is not None:
        for name, truth in (("slab", head.truth[slab]), ("quiet", quiet)):
            found = scores(values[slab], truth, kept[slab])
            figures.update({f"{name}_{region}": found[region] for region in REGIONS})
    return figures


def has_control(checkpoint):
    """Whether the checkpoint has a noise control."""
    return bool(checkpoint.card.get("noise_control"))


def _quiet_slab(head):
    """(slices, the fine scan there without its noise), as targets of training are made quiet."""
    slab = slice(*middle(head.brain, SLAB))
    truth, brain = head.truth[slab], head.brain[slab]
    box = (slice(None), *box_of(brain, 2 * REACH + 4)[1:])  # the search of the means stays in it
    near = ndimage.binary_dilation(brain[box], iterations=REACH)
    quiet = truth.copy()
    quiet[box] = quieted(np.ascontiguousarray(truth[box]), brain[box], near)[0]
    return slab, quiet


def gains(rows, degradation, way, key):
    """dB over cubic interpolation by volume: of the rows of one degradation, what a way gains in the figure ``key``."""
    of = {(row["volume"], row["way"]): row[key] for row in rows if row["degradation"] == degradation and key in row}
    return {volume: value - of[volume, CUBIC] for (volume, one), value in of.items() if one == way}


def verdict(rows):
    """What a user gets over cubic interpolation by region, mean and least, with each setting."""
    sentences = []
    for degradation in dict.fromkeys(row["degradation"] for row in rows):
        for way in dict.fromkeys(row["way"] for row in rows if row["way"] != CUBIC):
            parts = []
            for region in REGIONS:
                found = gains(rows, degradation, way, region)
                if not found:
                    continue
                least = min(found, key=found.get)
                mean = np.mean(list(found.values()))
                parts.append(f"{region} {mean:+.2f} dB (least {found[least]:+.2f}, {least})")
            if parts:
                sentences.append(f"Made coarse by {degradation}, {way}, over cubic interpolation: {', '.join(parts)}.")
    return sentences


STUDY = Study(
    name="whole-heads",
    title="Whole heads as they come",
    protocol="The whole scan, head and all, is made coarse in its axial plane before anything is masked; then the steps"
    " of `enhance` run as a user's scan meets them (bias correction, skull strip, network; the field is multiplied"
    " back). PSNR against the fine scan in dB, range: the brain's 99.9th percentile; brain: the fine scan's mask where"
    " the result holds (kept: its share); rim: its outer three fine voxels in each slice; interior: the rest. Ways:"
    " cubic interpolation, the setting's share of the noise control, and where there is one 0 and 100 % beside it"
    " (100 % on the slab alone)."
    f" Slab, quiet: the same on {SLAB} slices around the brain's middle, against the fine scan and against the same"
    " made quiet by non-local means (as the targets of training are). With --slices only so many axial slices, and the"
    " fine scan's mask is given.",
    columns=(
        Column("volume", "volume"), Column("contrast", "contrast"), Column("degradation", "made coarse by"),
        Column("way", "way"), Column("denoise", "noise control", "d"), Column("kept", "kept", ".3f"),
        *(Column(region, region, ".2f") for region in REGIONS),
        *(Column(f"{name}_{region}", f"{name}, {region}", ".2f") for name in ("slab", "quiet") for region in REGIONS),
    ),
    measure=measure,
    takes_slices=True,
    verdict=verdict,
)  # fmt: skip
