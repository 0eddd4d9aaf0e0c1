"""Study "lesions": is the contrast of lesions kept?"""

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from CHARMSSRLib.checkpoints.noise_control import share_of
from CHARMSSRLib.measures.tissue import TISSUE_ORDER

from .degraded_volumes import truncated
from .enhanced import cubic, enhanced, zero_filled
from .lesions import asymmetric_lesions, bright_lesions, paste_lesions, with_rings
from .marked_lesions import marked_lesions
from .samples import only_three, ways_of
from .spheres import RADII, SIGMAS, kept_on_even_tissue
from .study_of_volumes import MADE_UP, Column, Study
from .whole_heads import rounded

KEPT = 0.95
STROKE, SCLEROSIS = ("ARC", "VRD_stroke"), ("openMS",)


def real_lesions(sample):
    """(kind, region) pairs of a patient's lesions: marked ones, else by the rules of ``lesions``; none for others.

    Returns:
        (pairs, boolean array of what is too bright for their rings, or None).
    """
    regions, bright = marked_lesions(sample)
    if regions:
        return [("sclerosis, marked", one) for one in regions], bright
    return _lesions_by_rule(sample), None


def _lesions_by_rule(sample):
    volume, inside, spacing = _arrays(sample)
    if sample.subject.startswith(STROKE) and sample.contrast in ("T1w", "T2w"):
        return [("stroke", one) for one in asymmetric_lesions(volume, inside, spacing, sample.contrast)]
    if sample.subject.startswith(SCLEROSIS) and sample.contrast == "FLAIR":
        return [("sclerosis", one) for one in bright_lesions(volume, inside, spacing)]
    return []


def without_volume(checkpoint, setup):
    """Rows of spheres on even tissue, by size and noise."""
    return [
        rounded({
            "volume": MADE_UP, "planes": "acquisition", "lesion": f"spheres on even tissue, {2 * radius:g} mm",
            "noise": sigma, "denoise": share_of(checkpoint.card, setup.denoise),
            **kept_on_even_tissue(checkpoint.network, checkpoint.card, radius, sigma, device=setup.device),
        })
        for radius in RADII
        for sigma in SIGMAS
    ]  # fmt: skip


def measure(sample, checkpoint, setup):
    """Rows of one volume, one per lesion and way: real lesions of patients, pasted ones in everybody else."""
    found, apart = real_lesions(sample)
    volume, inside, spacing = _arrays(sample)
    healthy = None  # the volume before anything was pasted
    if not found:
        if sample.contrast not in TISSUE_ORDER:
            return []
        volume, found = paste_lesions(volume, inside, spacing, sample.contrast)
        image = sitk.GetImageFromArray(volume)
        image.CopyInformation(sample.image)
        healthy, sample = sample, replace(sample, image=image)
    rows = []
    for planes, plane in ways_of(sample, setup.planes):
        coarser = checkpoint.card["scale"], (0, 1, 2) if planes == "three" else (1, 2), setup.noise
        degraded = truncated(sample, *coarser)
        result = enhanced(degraded, setup, planes=plane)
        projected = enhanced(degraded, setup, planes=plane, data_consistency="project")
        cut = tuple(slice(0, size) for size in degraded.truth.shape)
        regions = [(kind, region[cut]) for kind, region in found]
        interpolated = cubic(degraded.coarse, degraded.factors)
        band = zero_filled(degraded.coarse, degraded.factors)
        voxel_ml = float(np.prod(degraded.spacing)) / 1000
        inside = degraded.inside & result.mask
        lesions = with_rings(regions, inside, degraded.spacing, None if apart is None else apart[cut])
        alone = ()
        if healthy is not None:
            before = truncated(healthy, *coarser)
            added = result.values - enhanced(before, setup, planes=plane).values
            alone = added, degraded.truth - before.truth
        for number, lesion in enumerate(lesions, 1):
            rows.append(rounded({
                "planes": planes, "lesion": f"{number}: {lesion.kind}", "ml": float(lesion.region.sum()) * voxel_ml,
                "contrast_true": lesion.contrast(degraded.truth) / float(degraded.truth[lesion.ring].mean()),
                "denoise": result.report["noise"]["denoise"], "kept": lesion.kept(result.values, degraded.truth),
                "kept_projected": lesion.kept(projected.values, degraded.truth),
                "kept_by_cubic": lesion.kept(interpolated, degraded.truth),
                "kept_in_band": lesion.kept(band, degraded.truth),
                **({"kept_alone": lesion.kept(*alone)} if alone else {}),
            }))  # fmt: skip
    return rows


def _arrays(sample):
    volume, mask = (sitk.GetArrayFromImage(image) for image in (sample.image, sample.mask))
    return volume, mask > 0, sample.image.GetSpacing()[::-1]


def verdict(rows):
    """How many lesions keep enough, and the worst, real and pasted apart."""
    sentences = []
    measured, made_up = ([row for row in rows if (row["volume"] == MADE_UP) == which] for which in (False, True))
    for what, chosen in (
        ("Real lesions", [row for row in measured if "sphere" not in row["lesion"]]),
        ("Pasted spheres", [row for row in measured if "sphere" in row["lesion"]]),
    ):
        for planes in dict.fromkeys(row["planes"] for row in chosen):
            own = [row for row in chosen if row["planes"] == planes]
            enough = sum(row["kept"] >= KEPT for row in own)
            worst = min(own, key=lambda row: row["kept"])
            keys = ("kept_projected", "kept_by_cubic", "kept_in_band")
            projected, cubic_enough, in_band = (sum(row[key] >= KEPT for row in own) for key in keys)
            below = sum(row["kept"] < row["kept_in_band"] for row in own)
            sentences.append(
                f"{what} ({planes}): {enough} of {len(own)} keep {KEPT:.0%} of the truth's contrast (projected:"
                f" {projected}, cubic interpolation: {cubic_enough}, the truth itself in the input's band: {in_band});"
                f" least {worst['kept']:.1%} ({worst['volume']}, {worst['lesion']}, {worst['ml']:.2f} ml; in the band"
                f" {worst['kept_in_band']:.1%}). Less than the band holds: {below}."
            )
            if all("kept_alone" in row for row in own):
                alone = [row["kept_alone"] for row in own]
                sentences.append(
                    f"{what} ({planes}), the difference of the results with and without them:"
                    f" {sum(share >= KEPT for share in alone)} of {len(alone)}, least {min(alone):.1%}."
                )
    for sigma in dict.fromkeys(row["noise"] for row in made_up):
        own = [row for row in made_up if row["noise"] == sigma]
        kept = ", ".join(f"{row['kept']:.0%} ({row['lesion'].split(', ')[1]})" for row in own)
        sentences.append(f"Spheres on even tissue keep on average, with noise of {sigma:.0%} of the range: {kept}.")
    return sentences


STUDY = Study(
    name="lesions",
    title="Lesions keep their contrast",
    protocol="Contrast: mean of the lesion minus mean of the ring of brain 2 to 5 mm around it, same masks in the truth"
    " and in the result. Volumes k-space truncated in plane (acquisition) or along all axes (three, truly isotropic"
    " ones). Real lesions: foci of sclerosis that were marked by eye; else by rule: old strokes are the largest"
    " fluid-like component without a counterpart in the other half; sclerosis are FLAIR components three deviations"
    " above the white matter and surrounded by it. Where there is none, spheres 30 % darker or brighter than the white"
    " matter are pasted, with partial volume at their edges. Made up: such spheres on even tissue, voxels of 1.33 mm,"
    " Rician noise in the fine volume per unit of the intensity range, mean of six. Kept: contrast in the result by"
    " that in the truth; projected: the same with data consistency `project` and the card's D; cubic: for cubic"
    " interpolation; in band: for the truth cut to the frequencies that the input holds, all that was measured; alone:"
    " the difference of the results with and without what was pasted, by that of the truths: noise and anatomy under it"
    " cancel.",
    columns=(
        Column("volume", "volume"), Column("contrast", "contrast"), Column("planes", "planes"),
        Column("lesion", "lesion"), Column("ml", "ml", ".2f"), Column("noise", "noise", "g"),
        Column("denoise", "noise control", "d"), Column("contrast_true", "contrast / ring", "+.2f"),
        Column("kept", "kept", ".1%"), Column("kept_projected", "projected", ".1%"),
        Column("kept_by_cubic", "cubic", ".1%"), Column("kept_in_band", "in band", ".1%"),
        Column("kept_alone", "alone", ".1%"),
    ),
    measure=measure,
    without_volume=without_volume,
    planes=("acquisition", "three"),
    isotropic=only_three,
    verdict=verdict,
)  # fmt: skip
