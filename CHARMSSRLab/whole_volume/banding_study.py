"""Study "banding": do slices stand apart in the other planes? Figures, and a picture of each volume's reformats."""

from pathlib import Path

import numpy as np

from ..plots import new_figure, save_figure
from .degraded_volumes import repeated, truncated
from .enhanced import cubic, enhanced
from .samples import is_truly_isotropic
from .scores import banding_by_axis, worst_ratio
from .study_of_volumes import Column, Study

RULE = 1.05
SLICE_WISE, THREE = "slice by slice", "three"


def measure(sample, checkpoint, setup):
    """Rows of one volume, one per way of enhancing; draws its picture where the set-up names a folder."""
    scale, isotropic = checkpoint.card["scale"], is_truly_isotropic(vars(sample), sample.image.GetSpacing())
    volume = truncated(sample, scale, (0, 1, 2) if isotropic else (1, 2), setup.noise)
    plain = cubic(volume.coarse, volume.factors)
    rows, pictures = [], {"truth": volume.truth, "input": repeated(volume.coarse, volume.factors)}
    captions = {"truth": "", "input": ""}
    for planes in setup.planes:
        way = SLICE_WISE if planes == "acquisition" else planes
        # The coarse grid of a truncated volume may have another slice axis than the scan; here it is always axial.
        result = enhanced(volume, setup, planes="axial" if planes == "acquisition" else planes)
        row = {"way": way, **figures_of(result.report)}
        refined = tuple(large // small for large, small in zip(result.values.shape, volume.coarse.shape))
        if refined == volume.factors:
            inside = volume.inside & result.mask
            bands = banding_by_axis(result.values, inside)
            row["bands_to_cubic"] = worst_ratio(bands, banding_by_axis(plain, inside))
        rows.append(row)
        missing = [whole / part for whole, part in zip(volume.truth.shape, result.values.shape)]
        if all(one >= 1 and one == int(one) for one in missing):
            pictures[way] = repeated(result.values, [int(one) for one in missing])
            captions[way] = f"bands {row['banding_output']:.4f}" if row["banding_output"] is not None else ""
            captions[way] += f"\ngradients {row['gradient_ratio_output']:.2f}"
            captions["input"] = f"bands {row['banding_input']:.4f}" if row["banding_input"] is not None else ""
            captions["input"] += f"\ngradients {row['gradient_ratio_input']:.2f}"
    if setup.folder is not None:
        draw_reformats(pictures, captions, volume, Path(setup.folder) / f"banding-{sample.name}.png", sample.name)
    return rows


def figures_of(report):
    """Banding and gradient ratio of a report of ``enhance``, on the input's grid."""
    banding, ratio = report["banding"], report["through_plane_gradient_ratio"]
    return {
        "banding_input": banding["input"], "banding_output": banding["output"],
        "banding_ratio": worst_ratio([banding["output"]], [banding["input"]]),
        "gradient_ratio_input": ratio["input"], "gradient_ratio_output": ratio["output"],
    }  # fmt: skip


def draw_reformats(pictures, captions, volume, path, title):
    """Coronal and sagittal sections through the middle of the brain, a column per volume, figures below.

    Args:
        pictures: dict of heading -> array (z, y, x) on the truth's grid.
        captions: dict of heading -> text below.
        volume: ``DegradedVolume`` that gives mask and voxel size.
        path: of the PNG to write.
        title: of the picture.
    """
    places = [int(np.median(np.flatnonzero(volume.inside.any(axis=axes)))) for axes in ((0, 2), (0, 1))]
    # Beside the middle, where a section shows more than the gap between the halves.
    places[1] += max(1, volume.inside.any(axis=(0, 1)).sum() // 8)
    extent = [np.flatnonzero(volume.inside.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    z, y, x = (slice(one[0], one[-1] + 1) for one in extent)
    brightest = np.percentile(volume.truth[volume.inside], 99.5)
    figure = new_figure(2.6 * len(pictures), 5.4)
    figure.suptitle(title, fontsize=9)
    for column, (name, values) in zip(figure.subplots(2, len(pictures), squeeze=False).T, pictures.items()):
        shown = np.where(volume.inside, values, 0)
        sections = (shown[z, places[0], x], volume.spacing[2]), (shown[z, y, places[1]], volume.spacing[1])
        for axes, (section, step) in zip(column, sections):
            axes.imshow(
                section, cmap="gray", vmin=0, vmax=brightest, origin="lower", aspect=volume.spacing[0] / step,
                interpolation="nearest",
            )  # fmt: skip
            axes.set_xticks([])
            axes.set_yticks([])
        column[0].set_title(name, fontsize=9)
        column[1].set_xlabel(captions[name], fontsize=8)
    save_figure(figure, path)


def verdict(rows):
    """Whether the banding rule holds."""
    sentences = []
    for way in dict.fromkeys(row["way"] for row in rows):
        own = [row for row in rows if row["way"] == way and row["banding_ratio"] is not None]
        if not own:
            continue
        worst = max(own, key=lambda row: row["banding_ratio"])
        holds = "holds" if worst["banding_ratio"] <= RULE else "does not hold"
        sentences.append(
            f"{way}: banding at most {worst['banding_ratio']:.3f} of the input's ({worst['volume']}); the rule of"
            f" {RULE} {holds} in {sum(row['banding_ratio'] <= RULE for row in own)} of {len(own)} volumes."
        )
    return sentences


STUDY = Study(
    name="banding",
    title="Bands between slices",
    protocol="Volumes k-space truncated in all axes (truly isotropic ones) or in the axial plane (all others), enhanced"
    " through `enhance`. Bands: the banding figure of input and output on the input's grid, ratio: (output - 1e-4) /"
    f" input, at most {RULE} by the rule. On the output's grid: the largest over the three axes of the same ratio to"
    " cubic interpolation. Gradients: mean gradient across the axial slices by that in plane (reported only). Each"
    " volume's coronal and sagittal reformats are in banding-VOLUME.png.",
    columns=(
        Column("volume", "volume"), Column("contrast", "contrast"), Column("way", "way"),
        Column("banding_input", "bands in", ".5f"), Column("banding_output", "bands out", ".5f"),
        Column("banding_ratio", "ratio", ".3f"), Column("bands_to_cubic", "on the output's grid", ".3f"),
        Column("gradient_ratio_input", "gradients in", ".3f"), Column("gradient_ratio_output", "gradients out", ".3f"),
    ),
    measure=measure,
    planes=("acquisition", "three"),
    verdict=verdict,
)  # fmt: skip
