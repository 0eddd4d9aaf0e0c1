"""Study "planes": the same coarse volume and checkpoint, every way of enhancing, scored in three dimensions."""

import numpy as np

from CHARMSSRLib.enhancement.data_consistency import Operator
from CHARMSSRLib.enhancement.fusion import FUSION, FUSIONS, Fusion, plane_spectrum
from CHARMSSRLib.grids.slices import PLANE_NAMES
from CHARMSSRLib.grids.stacks import band_limited
from CHARMSSRLib.measures.statistics import mean_and_deviation

from .degraded_volumes import averaged, repeated, truncated
from .enhanced import cubic, enhanced, filled, zero_filled
from .scores import banding_by_axis, fidelity, worst_ratio
from .study_of_volumes import Column, Study

CUBIC, ZERO_FILLED, THREE = "cubic, 3-D", "zero-filled k-space", "three"
FUSED = {method: f"planes fused, {method}" for method in FUSIONS}
ACQUIRED = "axial + cubic"  # what planes "acquisition" takes of an isotropic volume
WANTED_GAIN = 0.5  # dB of "three" over the slice-wise result
BANDING_RULE = 1.05


def measure(sample, checkpoint, setup):
    """Rows of one volume, one per way of enhancing."""
    scale = checkpoint.card["scale"]
    volume = (averaged if setup.coarse == "bicubic" else truncated)(sample, scale, noise=setup.noise)
    factors, coarse, outputs, reports = (scale,) * 3, volume.coarse, {}, {}
    outputs[CUBIC], outputs[ZERO_FILLED] = cubic(coarse, factors), zero_filled(coarse, factors)
    inside = volume.inside
    fusions = {name: Fusion(coarse.shape, scale, method) for method, name in FUSED.items()}
    for axis, plane in enumerate(PLANE_NAMES):
        result = enhanced(volume, setup, planes=plane)
        in_plane = tuple(1 if other == axis else scale for other in range(3))
        across = tuple(scale if other == axis else 1 for other in range(3))
        whole = filled(result, coarse, in_plane)
        outputs[f"{plane} + cubic"], reports[f"{plane} + cubic"] = cubic(whole, across), result.report
        added = band_limited(whole, volume.truth.shape[axis], axis) - outputs[ZERO_FILLED]
        spectrum = plane_spectrum(added)
        for fusion in fusions.values():
            fusion.add(axis, spectrum)
        inside = inside & repeated(result.mask, across)
    outputs.update({name: outputs[ZERO_FILLED] + fusion.volume() for name, fusion in fusions.items()})
    result = enhanced(volume, setup, planes="three")
    outputs[THREE], reports[THREE] = result.values, result.report
    inside = inside & result.mask
    plain = banding_by_axis(outputs[CUBIC], inside)
    rows = []
    for way, values in outputs.items():
        bands = banding_by_axis(values, inside)
        row = {"way": way, **fidelity(values, volume.truth, inside), "bands_to_cubic": worst_ratio(bands, plain)}
        rows.append({**row, **_of_report(reports.get(way))})
        if way == THREE:
            rows[-1]["banding_truth_ratio"] = worst_ratio(
                [_banding_of_truth(volume, checkpoint.card)], [rows[-1]["banding_input"]]
            )
    return rows


def _banding_of_truth(volume, card):
    """The banding figure of the truth, brought onto the input's grid by the card's D, as that of a result is."""
    down = Operator(card["data_consistency_operator"], card["scale"], card["scale"]).down_stack(volume.truth)
    return banding_by_axis(down, volume.coarse_mask)[0]  # of an isotropic volume the axial slices count


def _of_report(report):
    if report is None:
        return {}
    ratio = report["through_plane_gradient_ratio"]
    return {
        "banding_input": report["banding"]["input"], "banding_output": report["banding"]["output"],
        "banding_ratio": worst_ratio([report["banding"]["output"]], [report["banding"]["input"]]),
        "gradient_ratio_input": ratio["input"], "gradient_ratio_output": ratio["output"],
        "residual": report["data_consistency"]["before"], "seconds": report["stages"]["network"],
    }  # fmt: skip


def gains(rows):
    """dict volume -> {way: gain in PSNR over the best slice-wise result with cubic interpolation across}, in dB."""
    found = {}
    for volume in dict.fromkeys(row["volume"] for row in rows):
        own = {row["way"]: row["psnr"] for row in rows if row["volume"] == volume}
        best = max(value for way, value in own.items() if way.endswith("+ cubic"))
        found[volume] = {way: value - best for way, value in own.items()}
    return found


def verdict(rows):
    """What "three" gains, whether the spectrum's weights pay, banding, time."""
    by_volume = gains(rows)
    three = [one[THREE] for one in by_volume.values()]
    acquired = [one[THREE] - one[ACQUIRED] for one in by_volume.values()]
    bands = [row["banding_ratio"] for row in rows if row.get("banding_ratio") is not None]
    on_grid = [row["bands_to_cubic"] for row in rows if row["way"] == THREE and row["bands_to_cubic"] is not None]
    times = []
    for volume in by_volume:
        own = {row["way"]: row.get("seconds") for row in rows if row["volume"] == volume}
        if own.get(ACQUIRED):
            times.append(own[THREE] / own[ACQUIRED])
    sentences = [
        f"three over {ACQUIRED} (the acquired plane): {mean_and_deviation(acquired)[0]:+.2f} dB on average,"
        f" {min(acquired):+.2f} at least; the wanted {WANTED_GAIN:g} dB"
        f" {'holds' if min(acquired) >= WANTED_GAIN else 'does not hold'} for every volume.",
        f"three over the best plane + cubic: {mean_and_deviation(three)[0]:+.2f} dB on average, {min(three):+.2f} at"
        " least.",
    ]
    for method, name in FUSED.items():
        if method != "mean":
            over = [one[name] - one[FUSED["mean"]] for one in by_volume.values()]
            sentences.append(
                f"Fusion {method} over the plain mean: {mean_and_deviation(over)[0]:+.2f} dB on average,"
                f" {min(over):+.2f} at least."
            )
    if bands:
        holds = "holds" if max(bands) <= BANDING_RULE else "does not hold"
        sentences.append(
            f"Banding on the input's grid: at most {max(bands):.3f} of the input's; the rule of {BANDING_RULE} {holds}."
        )
    truth = [row["banding_truth_ratio"] for row in rows if row.get("banding_truth_ratio") is not None]
    if truth:
        sentences.append(
            f"The truth itself, by the same D, has {min(truth):.3f} to {max(truth):.3f} of the input's banding."
        )
    if on_grid:
        sentences.append(f"Banding of three on the output's grid: at most {max(on_grid):.3f} of cubic interpolation's.")
    if times:
        sentences.append(f"Network time of three: {np.median(times):.1f} times that of one plane (median).")
    return sentences


STUDY = Study(
    name="planes",
    title="Planes: slice by slice or along all three axes",
    protocol="Volumes of truly isotropic resolution, whole heads where they have one, k-space truncated in all three"
    " axes (magnitude; with --coarse bicubic: averaged), enhanced through `enhance` with the truth's mask and without"
    " bias correction, scored against the truth inside the brain (3-D, range the 99.9th percentile), and in its rim of"
    " three voxels. plane + cubic: slices of that plane"
    " enhanced, cubic convolution across them. fused: the three slice-wise results, enlarged across their slices"
    " without new frequencies: their mean, weighted by the frequencies that a plane resolves (spectrum), and with"
    f" unsure frequencies taken back (shrunk); three is the mode of `enhance`, which uses {FUSION}. Bands in / out:"
    " the banding figure on the input's grid; of the truth: (its figure by the same D - 1e-4) / bands in. Bands to"
    " cubic: on the output's grid, the largest over the three axes of (figure - 1e-4) / that of cubic interpolation."
    " Gradient ratio: through-plane by in-plane gradient.",
    columns=(
        Column("volume", "volume"), Column("contrast", "contrast"), Column("split", "split"), Column("way", "way"),
        Column("psnr", "PSNR (dB)", ".2f"), Column("rim", "in the rim", ".2f"), Column("ssim", "SSIM", ".4f"),
        Column("banding_input", "bands in", ".5f"), Column("banding_output", "bands out", ".5f"),
        Column("banding_truth_ratio", "of the truth", ".3f"), Column("bands_to_cubic", "bands to cubic", ".3f"),
        Column("gradient_ratio_input", "gradient ratio in", ".3f"),
        Column("gradient_ratio_output", "gradient ratio out", ".3f"),
        Column("residual", "residual", ".4f"), Column("seconds", "network (s)", ".0f"),
    ),
    measure=measure,
    isotropic=lambda planes: True,
    verdict=verdict,
)  # fmt: skip
