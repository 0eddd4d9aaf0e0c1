"""Lines of Markdown for docs/studies/whole-volumes.md and planes.md, from what ``charmssr evaluate --study`` wrote.

A result is the NAME.json that a study writes, by its path without the ending.
"""

import json

import numpy as np

from ..markdown_table import table
from ..whole_volume import consistency_study, lesions_study, planes_study, thick_slices_study
from ..whole_volume.registry import load_study
from ..whole_volume.study_of_volumes import MADE_UP

BEST_OTHER = "best of the other planes + cubic"
PLANES_TITLES = {
    planes_study.CUBIC: "cubic, 3-D",
    planes_study.ZERO_FILLED: "zero-filled k-space",
    planes_study.ACQUIRED: "axial (`acquisition`) + cubic",
    BEST_OTHER: BEST_OTHER,
    planes_study.FUSED["mean"]: "planes fused, mean",
    planes_study.FUSED["spectrum"]: "planes fused, by frequency",
    planes_study.THREE: "**`three`: by frequency, unsure ones taken back**",
}
INPUT_TITLES = {"bicubic": "bicubic", "kspace": "k-space truncated"}
LESION_TITLES = {
    "kept": "kept", "kept_by_cubic": "cubic", "kept_in_band": "band", "kept_projected": "projected",
    "kept_alone": "alone",
}  # fmt: skip


def read(result):
    """The content of a study's JSON file."""
    return json.loads(result.with_name(result.name + ".json").read_text(encoding="utf-8"))


def beside(result, names):
    """A result and others of these names in its folder."""
    return [result, *(result.with_name(name) for name in names)]


def weights(result):
    """Which checkpoint a result was measured with."""
    content = read(result)
    return [f"Checkpoint: {content['checkpoint']} (SHA-256 {content['sha256'][:12]}...)."]


def verdict(result):
    """What the study itself says of its figures."""
    content = read(result)
    return [f"- {sentence}" for sentence in load_study(content["study"]).verdict(content["rows"])]


def planes(result):
    """PSNR / SSIM: a line per way, a column per volume."""
    return _by_way(result, "{:.2f} / {:.3f}", "psnr", "ssim")


def rim(result):
    """PSNR in the rim of the brain: a line per way, a column per volume."""
    return _by_way(result, "{:.2f}", "rim")


def _by_way(result, form, *keys):
    """A line per way of the study "planes" and a column per volume: figures by their keys, the first tells the best."""
    rows = read(result)["rows"]
    volumes = unique(rows, "volume")
    figures = {(row["way"], row["volume"]): [row[key] for key in keys] for row in rows}
    others = {row["way"] for row in rows if row["way"].endswith("+ cubic")} - {planes_study.ACQUIRED}
    for volume in volumes:
        figures[BEST_OTHER, volume] = max(figures[way, volume] for way in others)
    cells = [
        [title, *(form.format(*figures[way, volume]) for volume in volumes)] for way, title in PLANES_TITLES.items()
    ]
    return table(["way", *(words(one) for one in volumes)], cells)


def fusion(result, *more):
    """Gain of the fusion over the plain mean in dB: a line per result, this and others; a column per volume."""
    contents = [read(one) for one in beside(result, more)]
    volumes = unique(contents[0]["rows"], "volume")
    cells = []
    for content in contents:
        psnr = {(row["way"], row["volume"]): row["psnr"] for row in content["rows"]}
        gains = [
            f"{psnr[planes_study.THREE, one] - psnr[planes_study.FUSED['mean'], one]:+.2f}"
            if (planes_study.THREE, one) in psnr
            else ""
            for one in volumes
        ]
        setup = content["setup"]
        kind = setup["coarse"] + (f" + {100 * setup['noise']:g} % noise" if setup["noise"] else "")
        cells.append([_input_in_words(kind), *gains])
    return table(["input", *(words(one) for one in volumes)], cells)


def consistency(result):
    """Change of PSNR by projection: a line per kind of input, a column per operator."""
    effects = consistency_study.effects(read(result)["rows"])
    operators, inputs = (list(dict.fromkeys(key[i] for key in effects)) for i in (2, 1))
    way = next(iter(effects))[0]
    cells = [
        [_input_in_words(kind), *(_mean_and_range(effects[way, kind, operator], "+.2f") for operator in operators)]
        for kind in inputs
    ]
    return table(["input", *(f"D {operator}" for operator in operators)], cells)


def maps(result):
    """Rank correlations and areas: a line per way and map."""
    rows = read(result)["rows"]
    cells = []
    for case in dict.fromkeys((row["planes"], row["map"]) for row in rows):
        own = [row for row in rows if (row["planes"], row["map"]) == case]
        figures = ([row[key] for row in own] for key in ("spearman", "spearman_local", "area"))
        cells.append([*case, *(_mean_and_range(one, ".2f") for one in figures)])
    return table(["ways", "map", "voxel", "local", "area"], cells)


def lesions(result, *more):
    """Contrast kept: a line per kind of lesion and way, of this result and of others beside it."""
    rows = [row for one in beside(result, more) for row in read(one)["rows"]]
    groups = {}
    for row in rows:
        if row["volume"] != MADE_UP:
            groups.setdefault((_kind(row), row["planes"]), []).append(row)
    cells = [
        [*case, *(_kept([row[key] for row in own if key in row]) for key in LESION_TITLES)]
        for case, own in sorted(groups.items(), key=lambda item: _order(item[0][0]))
    ]
    return table(["lesions", "ways", *LESION_TITLES.values()], cells)


def _kind(row):
    what = row["lesion"].split(": ", 1)[1]
    if "sphere" in what:
        contrast = "T1w" if row["contrast"] == "T1w" else "T2w and FLAIR"
        return f"spheres pasted into {contrast}, {what.split(', ')[1]}"
    return f"{what}, {words(row['volume'])}"


def _order(kind):
    """Real lesions first, then spheres by contrast and size, largest first."""
    return ("spheres" in kind, "T1w" not in kind, -float(kind.split()[-2]) if "spheres" in kind else 0)


def _kept(shares):
    """How many keep enough, and the least share; nothing where nothing was measured."""
    if not shares:
        return ""
    enough = sum(share >= lesions_study.KEPT for share in shares)
    return f"{enough} of {len(shares)}, {min(shares):.3f}"


def even_tissue(result):
    """Spheres on even tissue: a line per size, a column per noise; share kept, and of the input's band."""
    rows = [row for row in read(result)["rows"] if row["volume"] == MADE_UP]
    sigmas, sizes = unique(rows, "noise"), unique(rows, "lesion")
    figures = {(row["lesion"], row["noise"]): row for row in rows}
    cells = [
        [size.split(", ")[1], *(f"{figures[size, sigma]['kept']:.2f}" for sigma in sigmas),
         f"{figures[size, sigmas[0]]['kept_by_cubic']:.2f}", f"{figures[size, sigmas[0]]['kept_in_band']:.2f}"]
        for size in sizes
    ]  # fmt: skip
    return table(["sphere", *(f"noise {sigma:.0%}" for sigma in sigmas), "cubic", "band"], cells)


def noise(result):
    """What is added to noise: a line per kind; over volumes the least and the most."""
    rows = read(result)["rows"]
    cells = []
    for case in dict.fromkeys((row["kind"], row["sigma"]) for row in rows):
        own = [row for row in rows if (row["kind"], row["sigma"]) == case]
        figures = [_range([row[key] for row in own], form) for key, form in (("ratio", ".3f"), ("gain", ".2f"))]
        cells.append([case[0], "" if case[1] is None else f"{case[1]:g}", *figures])
    return table(["noise", "sigma", "added / noise", "gain"], cells)


def banding(result):
    """Largest banding of the output by that of the input, a column per way."""
    rows = read(result)["rows"]
    ways = unique(rows, "way")
    worst = [max(row["banding_ratio"] for row in rows if row["way"] == way and row["banding_ratio"]) for way in ways]
    return table(ways, [[f"{one:.3f}" for one in worst]])


def reformats(result):
    """What stands apart across the slices: a line for the input and one per way, means over the volumes."""
    rows = read(result)["rows"]
    cells = [["input", "1", f"{np.mean([row['gradient_ratio_input'] for row in rows]):.2f}"]]
    for way in unique(rows, "way"):
        own = [row for row in rows if row["way"] == way]
        figures = (np.mean([row[key] for row in own]) for key in ("banding_ratio", "gradient_ratio_output"))
        cells.append([way, *(f"{one:{form}}" for one, form in zip(figures, (".3f", ".2f")))])
    return table(["", "banding by the input's", "gradients across the slices by those within"], cells)


def thick_slices(result):
    """PSNR of the better interpolation and the gain of three: a line per volume, a column per thickness."""
    rows = read(result)["rows"]
    gains = thick_slices_study.gains(rows)
    thicknesses = list(dict.fromkeys(thickness for _, thickness in gains))
    three = {(row["volume"], row["thickness"]): row["psnr"] for row in rows if row["way"] == thick_slices_study.THREE}
    cells = {volume: [words(volume)] for volume in unique(rows, "volume")}
    for (volume, thickness), gain in gains.items():
        cells[volume].append(f"{three[volume, thickness] - gain:.2f} **{gain:+.2f}**")
    means = (np.mean([gain for (_, other), gain in gains.items() if other == one]) for one in thicknesses)
    mean_line = ["mean", *(f"**{one:+.2f}**" for one in means)]
    return table(["", *(f"{one:g} mm" for one in thicknesses)], [*cells.values(), mean_line])


MAKERS = {
    one.__name__: one
    for one in (
        weights, verdict, planes, rim, fusion, consistency, maps, lesions, even_tissue, noise, banding, reformats,
        thick_slices,
    )
}  # fmt: skip


def unique(rows, key):
    return list(dict.fromkeys(row[key] for row in rows))


def words(volume):
    """A volume's name, as in the text: its contrast apart."""
    return " ".join(volume.rsplit("_", 1))


def _input_in_words(kind):
    base, _, rest = kind.partition(" + ")
    return INPUT_TITLES[base] + (f", {rest}" if rest else "")


def _range(values, form):
    least, most = (f"{one:{form}}" for one in (min(values), max(values)))
    return least if least == most else f"{least} to {most}"


def _mean_and_range(values, form):
    mean, span = f"{np.mean(values):{form}}", _range(values, form)
    return mean if mean == span else f"{mean} ({span})"
