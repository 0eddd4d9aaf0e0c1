"""The tables in the paper's shape, as Markdown and CSV."""

import csv
import io
import math

from CHARMSSRLib.fine_tuning.report.scores import (
    INTERPOLATED,
    MATCHED,
    ORACLE,
    SCORED,
    SEVEN,
    TUNED,
    UNTUNED,
)
from CHARMSSRLib.measures.statistics import mean_and_deviation, paired_p_value

from ..comparison.score_tables import DECIMALS, HEADINGS, group, subject_figures
from ..markdown_table import head, line
from .published import FS_RWKV, FS_RWKV_PROTOCOL, INCONSISTENT, RANGE_NOTE, looks_like_double_range

# Table, figure of the rows, title, digits, methods beside those that are compared.
CROSS_FIELD_TABLES = (
    ("Table 5", "psnr", "PSNR in the brain (dB)", 2, ()),
    ("Table 6", "ssim", "SSIM in the brain", 4, ()),
    ("Table 7", "snr", "SNR (mean / SD in white matter)", 2, (SEVEN,)),
    ("Table 8", "cnr", "CNR (|grey - white| / SD in white matter)", 2, (SEVEN,)),
    ("Beside them", "sharpness", "Edge sharpness (1/mm)", 4, (SEVEN,)),
)
ROW_COLUMNS = ("contrast", "subject", "method", "psnr", "ssim", "slice_psnr", "slice_ssim", "snr", "cnr", "sharpness")
SINGLE_FIELD_FIGURES = (("slice_psnr", "slice_ssim"), ("brain_psnr", "brain_ssim"))


def cross_field_markdown(results, training, test, describe):
    """Tables 5-8 of all contrasts, with what a reader must know.

    Args:
        results: list of CrossFieldResult.
        training: names of the sets; training may be None.
        test: likewise.
        describe: sentence on how the checkpoint was tuned.
    """
    source = f"tuned on {training}, " if training else ""
    lines = [f"# From 3T to 7T: {source}tested on {test}", "", describe, "", RANGE_NOTE, ""]
    for result in results:
        lines += _cross_field_tables(result)
    lines += _beside_fs_rwkv(results)
    return "\n".join(lines)


def _cross_field_tables(result):
    lines = []
    for table, figure, title, digits, more in CROSS_FIELD_TABLES:
        methods = [one for one in SCORED if one in more or one not in (SEVEN,)]
        methods = [one for one in methods if any(row["method"] == one for row in result.rows)]
        by_method = {one: _by_subject(result.rows, one, figure) for one in methods}
        if not any(by_method.values()):
            continue
        lines += [f"## {table}, {result.contrast}: {title}", ""]
        lines += head(["subject", *methods])
        subjects = sorted({row["subject"] for row in result.rows})
        for subject in subjects:
            lines.append(line([subject, *(_number(by_method[one].get(subject), digits) for one in methods)]))
        lines.append(line(["**mean ± SD**", *(_mean(list(by_method[one].values()), digits) for one in methods)]))
        lines += ["", *_tests(by_method, figure), ""]
    for what, reason in result.left_out:
        lines.append(f"- {what} is left out: {reason}")
    if result.tuning:
        lines.append(f"- Fine-tuning, {result.contrast}, on its own held-out subjects: {result.tuning['verdict']}")
    return [*lines, ""]


def _tests(by_method, figure):
    """Gains of the tuned checkpoint with Wilcoxon's p; a warning where they are those of a doubled range."""
    sentences = []
    for baseline in (MATCHED, UNTUNED, INTERPOLATED):
        shared = sorted(set(by_method.get(TUNED, ())) & set(by_method.get(baseline, ())))
        if not shared:
            continue
        ours, theirs = ([by_method[one][subject] for subject in shared] for one in (TUNED, baseline))
        gains = [a - b for a, b in zip(ours, theirs)]
        sentences.append(
            f"{mean_and_deviation(gains)[0]:+.3f} against '{baseline}' ({sum(gain > 0 for gain in gains)} of"
            f" {len(gains)} subjects higher, p = {paired_p_value(ours, theirs):.2g})"
        )
        if figure == "psnr" and looks_like_double_range(gains):
            sentences.append("**WARNING: gains of 20 log10 2 = 6.02 dB are those of a doubled data range, no result**")
    return [f"'{TUNED}': {'; '.join(sentences)}."] if sentences else []


def _beside_fs_rwkv(results):
    lines = ["## Beside FS-RWKV (BIBM 2025)", ""]
    headings = ["set, contrast", "FS-RWKV PSNR", "FS-RWKV SSIM", "what", "PSNR brain", "SSIM brain"]
    headings += ["PSNR whole slices", "SSIM whole slices"]
    lines += head(headings)
    for result in results:
        for method in (INTERPOLATED, MATCHED, UNTUNED, TUNED, ORACLE):
            figures = [
                list(_by_subject(result.rows, method, name).values())
                for name in ("psnr", "ssim", "slice_psnr", "slice_ssim")
            ]
            if any(figures):
                psnr, ssim, _ = FS_RWKV["PTT2", result.contrast]
                cells = [_mean(one, digits) for one, digits in zip(figures, (2, 4, 2, 4))]
                lines.append(line([f"PTT2 {result.contrast}", f"{psnr:.2f}", f"{ssim:.4f}", method, *cells]))
    for (name, contrast), (psnr, ssim, _) in FS_RWKV.items():
        if name == "PTT1":
            lines.append(line([f"PTT1 {contrast}", f"{psnr:.2f}", f"{ssim:.4f}", "trained on here", "", "", "", ""]))
    return [*lines, "", FS_RWKV_PROTOCOL, ""]


def cross_field_csv(results):
    """A line per contrast, subject and method."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, ROW_COLUMNS, lineterminator="\n", restval="", extrasaction="ignore")
    writer.writeheader()
    for result in results:
        for row in result.rows:
            writer.writerow({k: f"{v:.6f}" if isinstance(v, float) else v for k, v in row.items()})
    return buffer.getvalue()


def single_field_markdown(experiments):
    """Tables 2-4: a line per method, two columns per set and contrast; whole slices first, then the brain.

    Args:
        experiments: list of (scale, study, rows of all sets with the label "set").
    """
    lines = []
    for scale, study, rows in experiments:
        table = "Table 4 (ablation)" if study == "ablation" else {2: "Table 2", 4: "Table 3"}[scale]
        for psnr, ssim in SINGLE_FIELD_FIGURES:
            where = "whole slices, as the paper scores" if psnr == "slice_psnr" else "inside the brain, 3-D"
            lines += [f"## {table}, x{scale}: {where}", ""]
            lines += _methods_table(rows, psnr, ssim)
            lines.append("")
    return "\n".join([*lines, INCONSISTENT, ""]) if lines else ""


def _methods_table(rows, psnr, ssim):
    columns = list(group(rows, "set", "contrast"))
    headings = ["method"] + [f"{name} {contrast} {HEADINGS[one]}" for name, contrast in columns for one in (psnr, ssim)]
    lines = head(headings)
    for (method,), own in group(rows, "method").items():
        cells = []
        for column in columns:
            part = group(own, "set", "contrast").get(column, [])
            cells += [_mean(list(subject_figures(part, one).values()), DECIMALS[one]) for one in (psnr, ssim)]
        if any(cells):
            lines.append(line([method, *cells]))
    return lines


def _by_subject(rows, method, figure):
    return {row["subject"]: row[figure] for row in rows if row["method"] == method and row.get(figure) is not None}


def _mean(values, digits):
    if not values:
        return ""
    mean, deviation = mean_and_deviation(values)
    return f"{mean:.{digits}f}" + ("" if math.isnan(deviation) else f" ± {deviation:.{digits}f}")


def _number(value, digits):
    return "" if value is None else f"{value:.{digits}f}"
