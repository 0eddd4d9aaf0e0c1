"""Study "maps": do the maps of what was added rank the true errors?"""

import numpy as np

from CHARMSSRLib.enhancement.region_means import REGION
from CHARMSSRLib.measures.statistics import mean_and_deviation

from ..plots import new_figure, save_figure
from .degraded_volumes import truncated
from .enhanced import cubic, enhanced
from .ranking import FRACTIONS, gradient_magnitude, local_mean, mean_of_neighbours, sparsification, spearman
from .samples import only_three, ways_of
from .study_of_volumes import Column, Study

WANTED = 0.3  # Spearman's correlation
GRADIENT, NEIGHBOURS, ORACLE = "gradient of the input", "the neighbours' errors", "the error itself"
OF_REGIONS = ("variability", "disagreement")  # what `enhance` gives of them are means over regions already
YARDSTICKS = (GRADIENT, NEIGHBOURS, ORACLE)
_GREY_LINES = {GRADIENT: "--", NEIGHBOURS: "-.", ORACLE: ":"}


def measure(sample, checkpoint, setup):
    """Rows of one volume: for each way of enhancing its maps, the gradient's ranking and the oracle's."""
    scale, rows = checkpoint.card["scale"], []
    for planes, plane in ways_of(sample, setup.planes):
        volume = truncated(sample, scale, (0, 1, 2) if planes == "three" else (1, 2), setup.noise)
        result = enhanced(volume, setup, planes=plane, maps=True)
        inside = volume.inside & result.mask
        error = result.values - volume.truth
        local_error = local_mean(error, inside)
        maps = {name: one if name in OF_REGIONS else local_mean(one, inside) for name, one in result.maps.items()}
        gradient = gradient_magnitude(cubic(volume.coarse, volume.factors), volume.spacing)
        maps[GRADIENT], maps[ORACLE] = local_mean(gradient, inside), np.abs(error)
        maps[NEIGHBOURS] = mean_of_neighbours(error, inside)
        for name, suspicion in maps.items():
            curve = sparsification(suspicion, error, inside)
            rows.append({
                "planes": planes, "map": name, "spearman": spearman(suspicion, error, inside),
                "spearman_local": spearman(suspicion, local_error, inside), "area": float(curve.mean()),
                "curve": curve.tolist(),
            })  # fmt: skip
    return rows


def verdict(rows):
    """For every map: does it hold what is asked of it?"""
    sentences = []
    own_maps = [row for row in rows if row["map"] not in YARDSTICKS]
    for planes, name in dict.fromkeys((row["planes"], row["map"]) for row in own_maps):
        own = [row for row in own_maps if (row["planes"], row["map"]) == (planes, name)]
        gradient = {row["volume"]: row["area"] for row in rows if (row["planes"], row["map"]) == (planes, GRADIENT)}
        limits = {row["volume"]: row["spearman"] for row in rows if (row["planes"], row["map"]) == (planes, NEIGHBOURS)}
        reached = min(row["spearman"] / limits[row["volume"]] for row in own)
        better = sum(row["area"] < gradient[row["volume"]] for row in own)
        voxels, regions = (_ranking([row[key] for row in own]) for key in ("spearman", "spearman_local"))
        sentences.append(
            f"{name} ({planes}): Spearman {regions} with the error of regions of {REGION} x {REGION} x {REGION} voxels;"
            f" {voxels} with that of single voxels, at least {reached:.0%} of what the true errors of the neighbouring"
            f" voxels tell. Sparsification better than by gradient in {better} of {len(own)} volumes."
        )
    return sentences


def _ranking(rho):
    """Mean and least of a correlation per volume, and in how many it is as high as wanted."""
    enough = sum(one >= WANTED for one in rho)
    return (
        f"{mean_and_deviation(rho)[0]:.2f} on average, {min(rho):.2f} at least ({WANTED:g} or more in {enough} of"
        f" {len(rho)} volumes)"
    )


def draw(rows, path):
    """Sparsification curves, mean over the volumes, a panel per way of enhancing."""
    panels = list(dict.fromkeys(row["planes"] for row in rows))
    figure = new_figure(4.6 * len(panels), 3.6)
    for axes, planes in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        for name in dict.fromkeys(row["map"] for row in rows if row["planes"] == planes):
            curves = [row["curve"] for row in rows if (row["planes"], row["map"]) == (planes, name)]
            style = {"color": "0.5", "linestyle": _GREY_LINES[name]} if name in YARDSTICKS else {}
            axes.plot(100 * FRACTIONS, np.mean(curves, 0), label=name, **style)
        axes.set(title=planes, xlabel="voxels removed, most suspicious first (%)", ylabel="remaining RMS error / all")
        axes.set_ylim(0, 1.05)
        axes.legend(frameon=False, fontsize=7, loc="lower left")
    save_figure(figure, path)


STUDY = Study(
    name="maps",
    title="Maps: do they show where the result is wrong?",
    protocol="k-space truncated volumes enhanced with maps: axial slices truncated in plane (acquisition, every volume)"
    " and all three axes (three, volumes of truly isotropic resolution). Variability and"
    " disagreement are means over 3 x 3 x 3 voxels as `enhance` gives them; detail and gradient are read by the mean of"
    " their magnitude over as many. Spearman: rank correlation with |output - truth| of the voxel,"
    " and with its mean over 3 x 3 x 3 (local). Area: mean over the share of voxels removed (0 to 95 %, most suspicious"
    " first) of the remaining root mean square error, 1 = no better than chance; beside it the ranking by the gradient"
    " magnitude of the interpolated input, by the mean true error of the 26 neighbours, which is about all that a map"
    " of regions can know of a voxel, and by the error itself, which nothing can beat.",
    columns=(
        Column("volume", "volume"), Column("contrast", "contrast"), Column("planes", "planes"), Column("map", "map"),
        Column("spearman", "Spearman", ".3f"), Column("spearman_local", "local", ".3f"), Column("area", "area", ".3f"),
    ),
    measure=measure,
    planes=("acquisition", "three"),
    isotropic=only_three,
    verdict=verdict,
    draw=draw,
)  # fmt: skip
