"""Rows of scores -> means over subjects, CSV and Markdown."""

import csv
import io
import math
from pathlib import Path

from CHARMSSRLib.measures.statistics import mean_and_deviation, paired_p_value

from ..markdown_table import table
from .protocol import FIGURES, LABELS

DECIMALS = {"brain_psnr": 2, "brain_ssim": 4, "slice_psnr": 2, "slice_ssim": 4, "snr": 2, "cnr": 2, "sharpness": 4}
HEADINGS = {
    "brain_psnr": "PSNR brain (dB)",
    "brain_ssim": "SSIM brain",
    "slice_psnr": "PSNR slices (dB)",
    "slice_ssim": "SSIM slices",
    "snr": "SNR",
    "cnr": "CNR",
    "sharpness": "Edges (1/mm)",
}
FOOTNOTE = (
    "Mean ± SD over subjects. Brain: inside the brain mask, three-dimensional, range the 99.9th percentile of the"
    " reference. Slices: whole slices after min-max, range 1. p: Wilcoxon signed-rank test on the subjects' brain"
    " PSNR, the best method against the runner-up."
)


def subject_figures(rows, figure):
    """Mean of a figure over each subject's volumes and planes.

    Args:
        rows: rows of one contrast, degradation, scale and method.
        figure: name of the column.

    Returns:
        dict subject -> value, without subjects that lack the figure.
    """
    values = {}
    for row in rows:
        if row.get(figure) is not None:
            values.setdefault(row["subject"], []).append(row[figure])
    return {subject: sum(one) / len(one) for subject, one in sorted(values.items())}


def group(rows, *labels):
    """dict of label values -> rows, in order of appearance."""
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[label] for label in labels), []).append(row)
    return groups


def best_against_runner_up(rows, figure="brain_psnr"):
    """(best method, runner-up, p) of rows of one contrast, degradation and scale; None with fewer than two methods."""
    scores = {method: subject_figures(own, figure) for (method,), own in group(rows, "method").items()}
    scores = {method: values for method, values in scores.items() if values}
    if len(scores) < 2:
        return None
    best, second = sorted(scores, key=lambda method: -mean_and_deviation(list(scores[method].values()))[0])[:2]
    shared = sorted(set(scores[best]) & set(scores[second]))
    p = paired_p_value([scores[best][s] for s in shared], [scores[second][s] for s in shared])
    return best, second, p


def markdown(rows, title="Evaluation"):
    """Tables of the paper's shape: one per degradation, scale and contrast, a line per method; title may be None."""
    text = [f"# {title}", ""] if title else []
    for (degradation, scale, contrast), own in group(rows, "degradation", "scale", "contrast").items():
        subjects = len({row["subject"] for row in own})
        text += [f"## {contrast} x{scale}, {degradation} ({subjects} subject{'s' if subjects > 1 else ''})", ""]
        text += _table(own)
        verdict = best_against_runner_up(own)
        if verdict:
            text += ["", f"Best: {verdict[0]}, before {verdict[1]} (p = {verdict[2]:.2g})."]
        text.append("")
    return "\n".join([*text, FOOTNOTE, ""])


def _table(rows):
    by_method = group(rows, "method").items()
    cells = ([method, *(_cell(subject_figures(own, one), one) for one in FIGURES)] for (method,), own in by_method)
    return table(["method", *(HEADINGS[figure] for figure in FIGURES)], cells)


def _cell(values, figure):
    if not values:
        return ""
    mean, deviation = mean_and_deviation(list(values.values()))
    digits = DECIMALS[figure]
    return f"{mean:.{digits}f}" + ("" if math.isnan(deviation) else f" ± {deviation:.{digits}f}")


def to_csv(rows):
    """All rows as CSV text, a line per volume, plane and method."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, LABELS + FIGURES, lineterminator="\n", restval="", extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: f"{value:.6f}" if key in FIGURES else value for key, value in row.items()})
    return buffer.getvalue()


def gain_over(rows, method, baseline, figure="brain_psnr"):
    """dict (contrast, subject) -> figure of the method minus that of the baseline."""
    gains = {}
    for (contrast,), own in group(rows, "contrast").items():
        by_method = {label: subject_figures(part, figure) for (label,), part in group(own, "method").items()}
        ours, theirs = by_method.get(method, {}), by_method.get(baseline, {})
        gains.update({(contrast, subject): ours[subject] - theirs[subject] for subject in ours if subject in theirs})
    return gains


def write_tables(rows, paths, title="Evaluation", more=()):
    """Write rows as Markdown (.md) or CSV (any other ending); the files appear together, complete, or not at all.

    Args:
        rows: of scores.
        paths: files: .md gets Markdown, else CSV.
        title: heading.
        more: lines that follow the tables in the Markdown.

    Raises:
        OutputError: when one of them cannot be written.
    """
    from CHARMSSRLib.files.output_files import OutputFiles  # needs SimpleITK, which scoring does not

    with OutputFiles(overwrite=True) as files:
        for path in paths:
            is_markdown = Path(path).suffix.lower() == ".md"
            files.add_text("\n".join([markdown(rows, title), *more, ""]) if is_markdown else to_csv(rows), path)
        files.commit()
