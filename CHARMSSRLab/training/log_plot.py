"""The log of a training run as a picture beside it; needs matplotlib, and does nothing without it."""

import csv
import logging
from pathlib import Path

from CHARMSSRLib.errors import CHARMSSRError

logger = logging.getLogger(__name__)


def read_log(path):
    """The lines of a log.csv as dicts of numbers; what a line lacks is left out of its dict."""
    with open(path, newline="", encoding="utf-8") as file:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]


def column(rows, name):
    """(steps, values) of the lines that have a figure."""
    having = [row for row in rows if name in row]
    return [row["step"] for row in having], [row[name] for row in having]


def plot_log(path):
    """Draw ``log.csv`` as ``log.png`` in the same folder. A picture never stops a training run.

    Returns:
        bool: whether it was drawn.
    """
    from ..plots import new_figure, save_figure  # not before it is needed: evaluation imports training

    path = Path(path)
    try:
        rows = read_log(path)
        figure = new_figure(7.0, 3.0)
        quality, loss = figure.subplots(1, 2)
        for name, label, style in (("psnr", "network", "o-"), ("psnr_ema", "average of the weights", "o-"),
                                   ("bicubic_psnr", "bicubic", "--")):  # fmt: skip
            steps, values = column(rows, name)
            if values:
                quality.plot(steps, values, style, markersize=3, label=label, color="0.5" if style == "--" else None)
        quality.set(title="validation", xlabel="step", ylabel="PSNR in the brain (dB)")
        if quality.get_legend_handles_labels()[0]:
            quality.legend(frameon=False, fontsize=8)
        steps, values = column(rows, "l1")
        loss.plot(steps, values, "o-", markersize=3, color="C3")
        loss.set(title="L1 of one batch", xlabel="step", yscale="log")
        save_figure(figure, path.with_suffix(".png"))
    except (CHARMSSRError, OSError) as error:
        logger.debug("no plot of %s: %s", path, error)
        return False
    return True
