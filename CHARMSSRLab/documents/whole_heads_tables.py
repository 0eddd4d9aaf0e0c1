"""Lines of Markdown for docs/studies/whole-heads.md, from what the studies of whole heads wrote.

A result is the NAME.json that a study writes, by its path without the ending.
"""

import numpy as np

from CHARMSSRLib.settings import AUTOMATIC

from ..markdown_table import table
from ..whole_volume.study_of_volumes import MADE_UP
from ..whole_volume.tissue_study import SURFACES, VOLUMES
from ..whole_volume.whole_heads_study import CHOSEN, CUBIC, REGIONS, gains
from .whole_volume_tables import beside, read, unique, verdict, weights, words

WAYS = {"0 %": "0 %", CHOSEN: "default", "100 %": "100 %"}  # in the order of the tables
MEAN = "mean"


def whole_heads(result, degradation):
    """PSNR of cubic interpolation, and what each setting gains over it: a line per volume, three columns per region."""
    return _gains(result, degradation, {region: region for region in REGIONS})


def quiet_truth(result, degradation):
    """The same on a slab, in the brain and its rim, against the fine scan and against the fine scan made quiet."""
    titles = {"slab": "the fine scan", "quiet": "the quiet fine scan"}
    keys = {f"{name}_{one}": f"{one}, against {title}" for name, title in titles.items() for one in REGIONS[::2]}
    return _gains(result, degradation, keys)


def _gains(result, degradation, keys):
    rows = [row for row in read(result)["rows"] if row["degradation"] == degradation]
    ways = [way for way in WAYS if any(row["way"] == way and next(iter(keys)) in row for row in rows)]
    shares = {row["volume"]: row["denoise"] for row in rows if row["way"] == CHOSEN}
    own = {row["volume"]: row for row in rows if row["way"] == CUBIC}
    found = {(key, way): gains(rows, degradation, way, key) for key in keys for way in ways}
    controlled = len(ways) > 1
    cells = []
    for volume, row in own.items():
        figures = [f"{row[key]:.2f} {_signed(found[key, way][volume] for way in ways)}" for key in keys]
        cells.append([words(volume), *([f"{shares[volume]} %"] if controlled else []), *figures])
    means = [_signed(np.mean(list(found[key, way].values())) for way in ways) for key in keys]
    least = [_signed(min(found[key, way].values()) for way in ways) for key in keys]
    for name, figures in ((MEAN, means), ("least", least)):
        cells.append([name, *([""] if controlled else []), *figures])
    shown = " / ".join(WAYS[way] for way in ways) if controlled else "gain"
    headings = [f"{title}: cubic, {shown}" for title in keys.values()]
    return table(["volume", *(["share"] if controlled else []), *headings], cells)


def rim_aim(result, aim):
    """Where the rim gains less than an aim in dB over cubic interpolation: a sentence per setting."""
    rows = read(result)["rows"]
    lines = []
    for way in (one for one in WAYS if any(row["way"] == one and "rim" in row for row in rows)):
        found = {
            (volume, degradation): value
            for degradation in unique(rows, "degradation")
            for volume, value in gains(rows, degradation, way, "rim").items()
        }
        short = {case: value for case, value in found.items() if value < float(aim)}
        below = [f"{words(volume)} ({how}) {value:+.2f}" for (volume, how), value in short.items()]
        count = f"{len(found) - len(short)} of {len(found)}"
        lines.append(
            f"- {WAYS[way]}: the rim gains at least {float(aim):.1f} dB in {count}"
            + (f"; below are {', '.join(below)}." if below else ".")
        )
    return lines


def default_costs(result):
    """What the default gains over 0 %, in dB, against the fine scan and against the quiet one: a sentence each."""
    rows = read(result)["rows"]
    lines = []
    for title, prefix in (("the fine scan", ""), ("the quiet fine scan", "quiet_")):
        parts = []
        for region in REGIONS:
            changes = []
            for degradation in unique(rows, "degradation"):
                own, kept = (gains(rows, degradation, way, prefix + region) for way in (CHOSEN, "0 %"))
                changes += [own[volume] - kept[volume] for volume in own]
            better = sum(one > 0 for one in changes)
            parts.append(
                f"{region} {np.mean(changes):+.2f} dB ({min(changes):+.2f} to {max(changes):+.2f}; better in {better}"
                f" of {len(changes)})"
            )
        lines.append(f"- The default over 0 %, against {title}: {', '.join(parts)}.")
    return lines


def natively(result):
    """SNR, noise, edges and false foci by setting: a line per volume."""
    rows = read(result)["rows"]
    ways = [way for way in WAYS if any(row["way"] == way for row in rows)]
    of = {(row["volume"], row["way"]): row for row in rows}
    figures = {"snr": ("SNR", ".2f"), "noise": ("noise among the anatomy", ".3f"), "edges": ("edges", ".3f"),
               "focus": ("strongest false focus", ".2f")}  # fmt: skip
    cells = []
    for row in (one for one in rows if one["way"] == CHOSEN):
        volume = row["volume"]
        name = words(volume) + (" (check)" if row["split"] == "check" else "")
        triples = [
            " / ".join(f"{of[volume, way][key]:{form}}" for way in ways) if key in row else ""
            for key, (_, form) in figures.items()
        ]
        cells.append([name, *([f"{row['denoise']} %"] if len(ways) > 1 else []), *triples])
    return table(["volume", *(["share"] if len(ways) > 1 else []), *(title for title, _ in figures.values())], cells)


def tissue(result):
    """How far volumes and surfaces lie from the fine scan's, interpolated / enhanced: a line per volume."""
    rows = read(result)["rows"]
    forms = {**dict.fromkeys(VOLUMES, ".1%"), **dict.fromkeys(SURFACES, ".3f")}
    titles = {"grey": "grey matter off by, cubic / enhanced", "white": "white matter",
              "white_surface": "white surface, mm", "pial_surface": "pial surface, mm"}  # fmt: skip
    cells = [
        [words(row["volume"]), f"{row['denoise']} %",
         *(f"{row[f'{key}_cubic']:{form}} / {row[f'{key}_own']:{form}}" for key, form in forms.items())]
        for row in rows
    ]  # fmt: skip
    return table(["volume", "share", *(titles[key] for key in forms)], cells)


def best(plain, *pairs):
    """What the second result of each pair of results (plain, best) gains over the first in brain and rim, in dB."""
    names = [plain, *beside(plain, pairs)[1:]]
    cells = []
    for one, other in zip(names[::2], names[1::2]):
        contents = [read(each) for each in (one, other)]
        for way in (each for each in WAYS if any(row["way"] == each and "rim" in row for row in contents[0]["rows"])):
            figures = []
            for region in REGIONS[::2]:
                before, after = (
                    {(row["volume"], row["degradation"]): row[region] for row in content["rows"] if row["way"] == way}
                    for content in contents
                )
                gained = [after[key] - before[key] for key in before]
                figures.append(f"{np.mean(gained):+.3f} ({min(gained):+.3f} to {max(gained):+.3f})")
            cells.append([contents[0]["checkpoint"], WAYS[way], str(len(gained)), *figures])
    return table(["checkpoint", "setting", "volumes", "brain", "rim"], cells)


def spheres(result, *more):
    """Spheres on even tissue: a line per size and noise, a column per share (of each result) and one for cubic."""
    made_up = [
        [row for row in read(one)["rows"] if row["volume"] == MADE_UP] for one in beside(result, more)
    ]  # fmt: skip
    cells = []
    for rows in zip(*made_up):
        noise = f", {rows[0]['noise']:.0%} noise" if rows[0]["noise"] else ""
        kept = (f"{row['kept']:.2f} (weakest {row['least']:.2f})" for row in rows)
        cells.append([rows[0]["lesion"].split(", ")[1] + noise, f"{rows[0]['kept_by_cubic']:.2f}", *kept])
    return table(["sphere", "cubic", *(f"{rows[0]['denoise']} %" for rows in made_up)], cells)


def strokes(result, *more):
    """Real lesions: a line per lesion, a column per result: the contrast that is kept, and the share that it was at."""
    contents = [read(one) for one in beside(result, more)]
    of = [
        {(row["volume"], row["lesion"]): row for row in content["rows"] if "sphere" not in row["lesion"]}
        for content in contents
    ]
    settings = [content["setup"]["denoise"] for content in contents]
    cells = []
    for (volume, lesion), row in of[0].items():
        what = f"{lesion.split(': ')[1]}, {row['ml']:.1f} ml, contrast {row['contrast_true']:+.2f}"
        kept = (
            f"{one[volume, lesion]['kept']:.3f}" + (f" ({one[volume, lesion]['denoise']} %)" if to == AUTOMATIC else "")
            for one, to in zip(of, settings)
        )
        cells.append([words(volume), what, f"{row['kept_by_cubic']:.3f}", *kept])
    return table(["volume", "lesion", "cubic", *(one if one == AUTOMATIC else f"{one} %" for one in settings)], cells)


def _signed(values):
    return " / ".join(f"{value:+.2f}" for value in values)


MAKERS = {
    one.__name__: one
    for one in (
        weights, verdict, whole_heads, quiet_truth, rim_aim, default_costs, natively, tissue, best, spheres, strokes,
    )
}  # fmt: skip
