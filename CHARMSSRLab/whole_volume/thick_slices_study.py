"""Study "thick-slices": isotropic volumes thickened along one axis, brought back by planes "three" and by cubic."""

from scipy import ndimage

from CHARMSSRLib.enhancement.data_consistency import Operator
from CHARMSSRLib.grids.stacks import band_limited
from CHARMSSRLib.measures.statistics import mean_and_deviation

from .degraded_volumes import thickened
from .enhanced import cubic, enhanced, filled
from .scores import banding_by_axis, fidelity, worst_ratio
from .study_of_volumes import Column, Study

THICKNESSES = (3.0, 4.0, 5.0)  # mm
CUBIC, SPLINE, SLICE_WISE, THREE = "cubic", "cubic B-spline", "acquisition + cubic", "three"


def measure(sample, checkpoint, setup):
    """Rows of one volume: per thickness the interpolations, the slice-wise result and "three", at in-plane voxels."""
    operator = Operator(checkpoint.card["data_consistency_operator"], checkpoint.card["scale"])
    rows = []
    for millimetres in THICKNESSES:
        volume = thickened(sample, millimetres, noise=setup.noise)
        factor, size, coarse, inside = volume.factors[0], len(volume.truth), volume.coarse, volume.inside
        labels = {"thickness": factor * volume.spacing[0], "noise": setup.noise}
        outputs = {CUBIC: cubic(coarse, volume.factors)}
        outputs[SPLINE] = ndimage.zoom(coarse, volume.factors, order=3, mode="reflect", grid_mode=True)
        reports = {}
        for way, planes in ((SLICE_WISE, "axial"), (THREE, "three")):
            result = enhanced(volume, setup, planes=planes)
            through = result.values.shape[0] // coarse.shape[0]
            whole = filled(result, coarse, (through, operator.scale, operator.scale))
            # The truth has the input's pixels: in plane the result goes back by the checkpoint's own operator.
            back = operator.down(whole)
            back = cubic(back, (factor, 1, 1)) if through == 1 else band_limited(back, size, 0)
            outputs[way] = back
            reports[way] = {
                "through_factor": through,
                "spacing_after": factor * volume.spacing[0] / through,
                "seconds": result.report["stages"]["network"],
            }
        plain = banding_by_axis(outputs[CUBIC], inside)
        rows += [
            {**labels, "way": way, **fidelity(values, volume.truth, inside),
             "bands_to_cubic": worst_ratio(banding_by_axis(values, inside), plain), **reports.get(way, {})}
            for way, values in outputs.items()
        ]  # fmt: skip
    return rows


def gains(rows):
    """dict (volume, thickness) -> gain of "three" over the better interpolation, in dB."""
    found = {}
    for volume, thickness in dict.fromkeys((row["volume"], row["thickness"]) for row in rows):
        own = {row["way"]: row["psnr"] for row in rows if (row["volume"], row["thickness"]) == (volume, thickness)}
        found[volume, thickness] = own[THREE] - max(own[CUBIC], own[SPLINE])
    return found


def verdict(rows):
    """By how much "three" beats interpolation at each thickness."""
    sentences = []
    by_case = gains(rows)
    for thickness in dict.fromkeys(thickness for _, thickness in by_case):
        own = [gain for (_, other), gain in by_case.items() if other == thickness]
        sentences.append(
            f"{thickness:g} mm: three over the better cubic interpolation {mean_and_deviation(own)[0]:+.2f} dB on"
            f" average, {min(own):+.2f} at least."
        )
    return sentences


STUDY = Study(
    name="thick-slices",
    title="Thick slices brought near to isotropic",
    protocol="Volumes of truly isotropic resolution, averaged over 3, 4 and 5 mm across the axial slices (in plane they"
    " stay as they are), enhanced through `enhance` with the truth's mask and without bias correction. Scored at the"
    " truth's own voxels: in plane the result is made coarse again by the checkpoint's operator, so that what counts"
    " is what was won across the slices. The two interpolations are the usual cubic ones; acquisition + cubic is"
    " the slice-wise result with cubic interpolation across.",
    columns=(
        Column("volume", "volume"), Column("contrast", "contrast"), Column("thickness", "slices (mm)", "g"),
        Column("way", "way"), Column("spacing_after", "slices after (mm)", ".3g"), Column("psnr", "PSNR (dB)", ".2f"),
        Column("rim", "in the rim", ".2f"), Column("ssim", "SSIM", ".4f"),
        Column("bands_to_cubic", "bands to cubic", ".3f"), Column("seconds", "network (s)", ".0f"),
    ),
    measure=measure,
    isotropic=lambda planes: True,
    verdict=verdict,
)  # fmt: skip
