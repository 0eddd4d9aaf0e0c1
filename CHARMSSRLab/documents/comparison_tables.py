"""Lines of Markdown for docs/studies/comparison.md, from the tables of ``charmssr compare`` and ``evaluate``."""

import csv

from CHARMSSRLib.measures.statistics import mean_and_deviation, paired_p_value

from ..comparison.attention_study import attention_table
from ..comparison.contest import BICUBIC_TITLE
from ..comparison.protocol import BICUBIC, FIGURES, REFERENCE
from ..comparison.score_tables import group, markdown, subject_figures
from ..comparison.sites import site_section
from ..comparison.studies import entries_of
from ..costs.costs import ORIGINAL_EDSR, cost_table
from ..markdown_table import head, line, table

SMALL = 4e6  # parameters: CHARMS is ranked among networks below
CHARMS_TITLE = "CHARMS"


def read_rows(path):
    """Lines of a CSV as dicts; figures as numbers, empty ones as None."""
    with open(path, newline="", encoding="utf-8") as file:
        return [{key: _value(key, value) for key, value in row.items()} for row in csv.DictReader(file)]


def _value(key, value):
    if key in FIGURES or key.startswith(("gmac", "milliseconds")):
        return float(value) if value else None
    return int(value) if key.startswith("parameters") else value


def protocol(folder):
    """The paragraph of the report, as written when it was measured."""
    return [(folder / "report.md").read_text(encoding="utf-8").split("\n\n")[1]]


def costs(folder):
    """The table of costs, without its heading."""
    return cost_table(read_rows(folder / "costs.csv"))[2:]


def scores(folder, degradation):
    """Tables of one degradation, one per contrast, headings one level deeper."""
    rows = [row for row in read_rows(folder / "scores.csv") if row["degradation"] == degradation]
    # Bicubic is in the study under its title; as "bicubic" it would stand there twice.
    if any(row["method"] == BICUBIC_TITLE for row in rows):
        rows = [row for row in rows if row["method"] != BICUBIC]
    return markdown(rows, title=None).replace("## ", "#### ").strip().splitlines()


def means(folder, degradation):
    """A line per method: mean brain PSNR of every contrast."""
    found = _means(folder, degradation)
    methods = [name for name in next(iter(found.values()), {}) if name != BICUBIC]
    cells = ([name, *(f"{one[name]:.2f}" for one in found.values())] for name in methods)
    return table(["method", *(f"{contrast}: PSNR (dB)" for contrast in found)], cells)


def ranking(folder, degradation):
    """Where CHARMS stands among the learned networks below 4 M parameters, a line per contrast."""
    parameters = {row["method"]: row["parameters"] for row in read_rows(folder / "costs.csv")}
    lines = []
    for contrast, means in _means(folder, degradation).items():
        small = {method: mean for method, mean in means.items() if 0 < parameters.get(method, 0) < SMALL}
        order = sorted(small, key=lambda method: -small[method])
        if CHARMS_TITLE not in order or len(order) < 2:
            continue
        place = order.index(CHARMS_TITLE) + 1
        other = order[0] if place > 1 else order[1]
        difference = small[CHARMS_TITLE] - small[other]
        relation = "before" if difference >= 0 else "behind"
        lines.append(
            f"- {contrast}, {degradation}: CHARMS is number {place} of {len(order)} learned networks below"
            f" {SMALL / 1e6:g} M parameters, {abs(difference):.2f} dB {relation} {other}."
        )
    return lines


def speed(folder):
    """The ratios of time to both EDSRs in words."""
    times = {row["method"]: row["milliseconds"] for row in read_rows(folder / "costs.csv")}
    charms, small, original = (times.get(name) for name in (CHARMS_TITLE, "EDSR", ORIGINAL_EDSR))
    if not (charms and small and original):
        return ["- Times were not taken in this run."]
    return [f"- CHARMS takes {charms / small:.2f} times as long as the EDSR of Table 2 and {charms / original:.3f}"
            " times as long as the original EDSR (medians of one run in one process, CPU)."]  # fmt: skip


def ladder(folder, degradation, study="ablation"):
    """A line per network of a study in its order: mean brain PSNR, step from the one before, paired p of the step."""
    rows = [row for row in read_rows(folder / "scores.csv") if row["degradation"] == degradation]
    contrasts = [contrast for (contrast,) in group(rows, "contrast")]
    lines = head(["network", *(f"{contrast}: PSNR (dB), step, p" for contrast in contrasts)])
    before = {}
    for title in [entry.title for entry in entries_of(study)]:
        own = {c: subject_figures([r for r in rows if (r["method"], r["contrast"]) == (title, c)], "brain_psnr")
               for c in contrasts}  # fmt: skip
        if any(own.values()):
            lines.append(line([title, *(_step(own[one], before.get(one)) for one in contrasts)]))
            before = own
    return lines


def _step(values, before):
    if not values:
        return ""
    mean = mean_and_deviation(list(values.values()))[0]
    shared = sorted(set(values) & set(before or ()))
    if not shared:
        return f"{mean:.2f}"
    pairs = [values[one] for one in shared], [before[one] for one in shared]
    step = sum(pairs[0]) / len(shared) - sum(pairs[1]) / len(shared)
    p = f", p = {paired_p_value(*pairs):.2g}" if len(shared) > 4 else ""  # fewer cannot tell anything
    return f"{mean:.2f}, {step:+.2f}{p}"


def background(folder, degradation):
    """How much of the whole-slice PSNR is the empty background: a line per contrast, of bicubic interpolation."""
    lines = []
    for contrast, means in _means(folder, degradation).items():
        whole = _means(folder, degradation, "slice_psnr")[contrast]
        name = BICUBIC_TITLE if BICUBIC_TITLE in means else BICUBIC
        lines.append(f"- {contrast}: the same interpolated slices score {means[name]:.2f} dB in the brain and"
                     f" {whole[name]:.2f} dB as whole slices.")  # fmt: skip
    return lines


def attention(folder):
    """Focus and redundancy of the maps."""
    return attention_table(read_rows(folder / "attention.csv"))


def sites(folder, name):
    """Gains by site of a checkpoint's table, with its heading one level deeper, and which weights they are of."""
    section = site_section(read_rows(folder / f"{name}.csv"), name)
    return [section[0].replace("## ", "#### ", 1), "", *made_by(folder, name), *section[1:]]


def made_by(folder, name):
    """The line of a checkpoint's report that names its weights and the command."""
    lines = (folder / f"{name}.md").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("Checkpoint: ")]


def _means(folder, degradation, figure="brain_psnr"):
    """dict contrast -> dict method -> mean of a figure over the subjects."""
    means = {}
    for row in read_rows(folder / "scores.csv"):
        if row["degradation"] == degradation and row["method"] != REFERENCE and row[figure] is not None:
            means.setdefault(row["contrast"], {}).setdefault(row["method"], []).append(row)
    return {
        contrast: {method: mean_and_deviation(list(subject_figures(own, figure).values()))[0]
                   for method, own in methods.items()}
        for contrast, methods in means.items()
    }  # fmt: skip


MAKERS = {
    one.__name__: one for one in (protocol, costs, scores, means, ranking, speed, ladder, background, attention, sites)
}
