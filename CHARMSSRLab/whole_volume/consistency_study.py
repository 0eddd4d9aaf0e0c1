"""Study "consistency": what enforcing the acquired data does to the result, for either D and kind of input."""

import tempfile
from dataclasses import replace

import numpy as np
from scipy import ndimage

from CHARMSSRLib.checkpoints.loading import save_checkpoint
from CHARMSSRLib.measures.fidelity import brain_range
from CHARMSSRLib.measures.statistics import mean_and_deviation
from CHARMSSRLib.settings import AUTOMATIC

from .degraded_volumes import averaged, averaged_in_plane, truncated
from .enhanced import enhanced
from .samples import only_three, ways_of
from .scores import fidelity, worst_ratio
from .study_of_volumes import Column, Study

NOISE = 0.02  # of the intensity range, in the noisy input, where the run names no other
OPERATORS = ("bicubic", "kspace")
RIM = 3  # fine voxels at the mask's edge
LIMIT = 1e-3  # largest residual after projection
REPORT, PROJECT = "none", "project"


def measure(sample, checkpoint, setup):
    """Rows of one volume: planes x kind of input x operator x (left alone, projected)."""
    scale, noise, rows = checkpoint.card["scale"], setup.noise or NOISE, []
    for way, plane in ways_of(sample, setup.planes):
        inputs = _inputs(sample, scale, way == "three", noise)
        rows += [{"planes": way, **row} for row in _rows(inputs, checkpoint, setup, plane)]
    return rows


def _inputs(sample, scale, along_all, noise):
    """dict kind -> DegradedVolume, coarse along all three axes or within the axial slices."""
    axes = (0, 1, 2) if along_all else (1, 2)
    return {
        "bicubic": averaged(sample, scale) if along_all else averaged_in_plane(sample, scale),
        "kspace": truncated(sample, scale, axes),
        f"kspace + {100 * noise:g} % noise": truncated(sample, scale, axes, noise),
    }


def _rows(inputs, checkpoint, setup, plane):
    rows, left_alone = [], {}
    with tempfile.TemporaryDirectory(prefix="charmssr-") as folder:
        for operator in OPERATORS:
            # The operator stands in the card, so a card that names the other one is the way to it.
            card = {**checkpoint.card, "name": f"study-{operator}", "data_consistency_operator": operator}
            card.pop("noise_control", None)  # the network was loaded at its share, and the quiet weights lie elsewhere
            weights = str(save_checkpoint(checkpoint.network, card, folder))
            own = replace(setup, checkpoint=weights, denoise=AUTOMATIC)
            for kind, volume in inputs.items():
                projected = enhanced(volume, own, planes=plane, data_consistency="project")
                if kind not in left_alone:  # the result is the same for either D
                    left_alone[kind] = enhanced(volume, own, planes=plane)
                alone = _figures(volume, left_alone[kind])
                before = projected.report["data_consistency"]["before"]
                alone.update(residual_before=before, residual_after=before)
                if operator != OPERATORS[0]:
                    alone["banding_ratio"] = None  # measured with the first D
                labels = {"input": kind, "operator": operator}
                rows.append({**labels, "mode": REPORT, **alone})
                rows.append({**labels, "mode": PROJECT, **_figures(volume, projected)})
    return rows


def _figures(volume, result):
    inside = volume.inside & result.mask
    banding, consistency = result.report["banding"], result.report["data_consistency"]
    return {
        **fidelity(result.values, volume.truth, inside),
        **rim_and_interior(result.values, volume.truth, inside),
        "residual_before": consistency["before"],
        "residual_after": consistency["after"],
        "banding_ratio": worst_ratio([banding["output"]], [banding["input"]]),
        "seconds": result.report["stages"]["data consistency"],
    }


def rim_and_interior(output, truth, inside, width=RIM):
    """Root mean square error in the outermost ``width`` voxels of each slice of the mask, and farther inside.

    Args:
        output: array (n, h, w).
        truth: likewise.
        inside: boolean, of the same shape.
        width: of the rim, in voxels.

    Returns:
        dict of ``rim_error`` and ``interior_error``, per unit of the intensity range.
    """
    interior = ndimage.binary_erosion(inside, np.ones((1, 2 * width + 1, 2 * width + 1)))
    squared = np.square((output - truth) / brain_range(truth, inside), dtype=np.float64)
    return {
        "rim_error": float(np.sqrt(squared[inside & ~interior].mean())),
        "interior_error": float(np.sqrt(squared[interior].mean())),
    }


def effects(rows):
    """dict (planes, input, operator) -> list of what projection changes in PSNR (dB), one per volume."""
    found = {}
    for case in dict.fromkeys(map(_case, rows)):
        psnr = {row["mode"]: row["psnr"] for row in rows if _case(row) == case}
        found.setdefault(case[1:], []).append(psnr[PROJECT] - psnr[REPORT])
    return found


def _case(row):
    return row["volume"], row["planes"], row["input"], row["operator"]


def verdict(rows):
    """Residuals, effect on PSNR by input and operator, the mask's edge, banding."""
    projected = [row for row in rows if row["mode"] == PROJECT]
    worst = max(row["residual_after"] for row in projected)
    sentences = [
        f"Residual after projection: at most {worst:.1e}; the limit of {LIMIT:g}"
        f" {'holds' if worst <= LIMIT else 'does not hold'}."
    ]
    for (planes, kind, operator), changes in effects(rows).items():
        sentences.append(
            f"{kind} input ({planes}), D {operator}: projection changes PSNR by"
            f" {mean_and_deviation(changes)[0]:+.2f} dB on average ({min(changes):+.2f} to {max(changes):+.2f})."
        )
    left_alone = {_case(row): row for row in rows if row["mode"] == REPORT}
    edges = []
    for row in projected:
        other = left_alone[_case(row)]
        edges.append((row["rim_error"] / other["rim_error"]) / (row["interior_error"] / other["interior_error"]))
    sentences.append(
        f"Edge of the mask: projection changes the error in the {RIM}-voxel rim by {min(edges):.3f} to {max(edges):.3f}"
        " times what it does in the interior (1: no ringing)."
    )
    bands = [row["banding_ratio"] for row in projected if row["banding_ratio"] is not None]
    if bands:
        sentences.append(f"Banding after projection: at most {max(bands):.3f} of the input's.")
    return sentences


STUDY = Study(
    name="consistency",
    title="Keeping the acquired data",
    protocol="Axial slices (three, truly isotropic volumes: all three axes) made coarse by the operator of the column"
    " input (magnitude; noise is Rician), enhanced slice by slice (three: along all axes) through `enhance` with data"
    " consistency `report` (none) and `project`, for a card that names either operator D, at the card's own share of"
    " the noise control. Residual: ||D(out) - in|| / ||in|| inside the brain. Rim and interior: root mean square"
    f" error in the outermost {RIM} voxels of the brain and farther inside, in % of the intensity range. Bands: of the"
    " output by those of the input.",
    columns=(
        Column("volume", "volume"), Column("planes", "planes"), Column("input", "input"), Column("operator", "D"),
        Column("mode", "mode"),
        Column("psnr", "PSNR (dB)", ".2f"), Column("ssim", "SSIM", ".4f"),
        Column("residual_before", "residual before", ".1e"), Column("residual_after", "after", ".1e"),
        Column("rim_error", "rim", ".2%"), Column("interior_error", "interior", ".2%"),
        Column("banding_ratio", "bands", ".3f"), Column("seconds", "s", ".1f"),
    ),
    measure=measure,
    planes=("acquisition", "three"),
    isotropic=only_three,
    verdict=verdict,
)  # fmt: skip
