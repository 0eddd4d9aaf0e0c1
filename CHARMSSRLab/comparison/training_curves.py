"""How the networks of a study learned: their logs as one table and one figure."""

import csv
import io
from pathlib import Path

from ..plots import new_figure, save_figure
from ..training.log_plot import column, read_log

COLUMNS = ("network", "step", "seconds", "l1", "psnr", "psnr_ema", "bicubic_psnr")
COLOURS = 10  # of matplotlib's cycle; further lines are dashed


def curves_of(entries, config, runs):
    """dict title -> lines of its run's log, of the entries that have one.

    Args:
        entries: of ``studies``.
        config: TrainingConfig that they share.
        runs: folder with one run per entry.
    """
    paths = {entry.title: Path(runs) / entry.run(config) / "log.csv" for entry in entries}
    return {title: read_log(path) for title, path in paths.items() if path.is_file()}


def curves_csv(curves):
    """All logs as CSV text, a line per network and validation."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n", restval="", extrasaction="ignore")
    writer.writeheader()
    for title, rows in curves.items():
        for row in rows:
            figures = {key: f"{value:.6g}" for key, value in row.items() if key in COLUMNS}
            writer.writerow({**figures, "network": title})
    return buffer.getvalue()


def draw_curves(curves, path):
    """Brain PSNR on the watched volumes against the step: the average of the weights where there is one.

    Args:
        curves: of ``curves_of``, not empty.
        path: PNG to write.
    """
    figure = new_figure(6.4, 4.2)
    axes = figure.subplots()
    for number, (title, rows) in enumerate(curves.items()):
        name = "psnr_ema" if any("psnr_ema" in row for row in rows) else "psnr"
        steps, values = column(rows, name)
        style = "-" if number < COLOURS else "--"
        axes.plot(steps, values, "o" + style, markersize=3, linewidth=1.2, label=title)
    baseline = [row["bicubic_psnr"] for rows in curves.values() for row in rows if "bicubic_psnr" in row]
    if baseline:
        axes.axhline(baseline[0], color="0.5", linestyle="--", linewidth=1, label="Bicubic")
    axes.set(xlabel="step", ylabel="PSNR in the brain, watched slices (dB)")
    axes.legend(frameon=False, fontsize=8, ncols=2)
    save_figure(figure, path)
