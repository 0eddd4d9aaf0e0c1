"""Study "lesions": is the contrast of lesions kept?"""

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ..tissue import TISSUE_ORDER
from .degraded_volumes import truncated
from .enhanced import cubic, enhanced
from .lesions import asymmetric_lesions, bright_lesions, paste_lesions, with_rings
from .samples import is_truly_isotropic
from .study import Column, Study

KEPT = 0.95
STROKE, SCLEROSIS = ("ARC", "VRD_stroke"), ("openMS",)
INTERPOLATION = "cubic"


def real_lesions(sample):
    """(kind, region) pairs of a patient's lesions by the rules of ``lesions``; none for other people."""
    volume, inside, spacing = _arrays(sample)
    if sample.subject.startswith(STROKE) and sample.contrast in ("T1w", "T2w"):
        return [("stroke", one) for one in asymmetric_lesions(volume, inside, spacing, sample.contrast)]
    if sample.subject.startswith(SCLEROSIS) and sample.contrast == "FLAIR":
        return [("sclerosis", one) for one in bright_lesions(volume, inside, spacing)]
    return []


def measure(sample, checkpoint, setup):
    """Rows of one volume, one per lesion and way: real lesions of patients, pasted ones in everybody else."""
    found = real_lesions(sample)
    volume, inside, spacing = _arrays(sample)
    if not found:
        if sample.contrast not in TISSUE_ORDER:
            return []
        volume, found = paste_lesions(volume, inside, spacing, sample.contrast)
        image = sitk.GetImageFromArray(volume)
        image.CopyInformation(sample.image)
        sample = replace(sample, image=image)
    rows = []
    for planes in setup.planes:
        if planes == "three" and not is_truly_isotropic(vars(sample), sample.image.GetSpacing()):
            continue
        degraded = truncated(sample, checkpoint.card["scale"], (0, 1, 2) if planes == "three" else (1, 2), setup.noise)
        result = enhanced(degraded, setup, planes="axial" if planes == "acquisition" else planes)
        cut = tuple(slice(0, size) for size in degraded.truth.shape)
        regions = [(kind, region[cut]) for kind, region in found]
        interpolated = cubic(degraded.coarse, degraded.factors)
        voxel_ml = float(np.prod(degraded.spacing)) / 1000
        for number, lesion in enumerate(with_rings(regions, degraded.inside & result.mask, degraded.spacing), 1):
            rows.append({
                "planes": planes, "lesion": f"{number}: {lesion.kind}", "ml": float(lesion.region.sum()) * voxel_ml,
                "contrast_true": lesion.contrast(degraded.truth) / float(degraded.truth[lesion.ring].mean()),
                "kept": lesion.kept(result.values, degraded.truth),
                "kept_by_cubic": lesion.kept(interpolated, degraded.truth),
            })  # fmt: skip
    return rows


def _arrays(sample):
    volume, mask = (sitk.GetArrayFromImage(image) for image in (sample.image, sample.mask))
    return volume, mask > 0, sample.image.GetSpacing()[::-1]


def verdict(rows):
    """How many lesions keep enough, and the worst, real and pasted apart."""
    sentences = []
    for what, chosen in (
        ("Real lesions", [row for row in rows if "sphere" not in row["lesion"]]),
        ("Pasted spheres", [row for row in rows if "sphere" in row["lesion"]]),
    ):
        for planes in dict.fromkeys(row["planes"] for row in chosen):
            own = [row for row in chosen if row["planes"] == planes]
            enough = sum(row["kept"] >= KEPT for row in own)
            worst = min(own, key=lambda row: row["kept"])
            cubic_enough = sum(row["kept_by_cubic"] >= KEPT for row in own)
            sentences.append(
                f"{what} ({planes}): {enough} of {len(own)} keep {KEPT:.0%} of the truth's contrast (cubic"
                f" interpolation: {cubic_enough}); least {worst['kept']:.1%} ({worst['volume']}, {worst['lesion']},"
                f" {worst['ml']:.2f} ml)."
            )
    return sentences


STUDY = Study(
    name="lesions",
    title="Lesions keep their contrast",
    protocol="Contrast: mean of the lesion minus mean of the ring of brain 2 to 5 mm around it, same masks in the truth"
    " and in the result. Volumes k-space truncated in plane (acquisition) or along all axes (three, truly isotropic"
    " ones). Real lesions by rule: old strokes are the largest fluid-like component without a counterpart in the"
    " other half; sclerosis are FLAIR components three deviations above the white matter and surrounded by it. Where"
    " no rule finds one, spheres 30 % darker or brighter than the white matter are pasted, with partial volume at"
    " their edges. Kept: contrast in the result by that in the truth; cubic: the same for cubic interpolation.",
    columns=(
        Column("volume", "volume"), Column("contrast", "contrast"), Column("planes", "planes"),
        Column("lesion", "lesion"), Column("ml", "ml", ".2f"), Column("contrast_true", "contrast / ring", "+.2f"),
        Column("kept", "kept", ".1%"), Column("kept_by_cubic", "cubic", ".1%"),
    ),
    measure=measure,
    planes=("acquisition", "three"),
    verdict=verdict,
)  # fmt: skip
