"""Figures of a study. Needs matplotlib (the extra ``train``), imported only when a figure is drawn."""

import numpy as np

from CHARMSSRLib.measures.statistics import mean_and_deviation

from ..plots import new_figure, save_figure
from .protocol import REFERENCE, reconstruct, reference_of
from .score_tables import gain_over, group, subject_figures

COST_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # GMAC
COLOURS = 24  # of the grey values in error maps
ERROR_SHARE = 0.15  # of the intensity range: where the colours of the error maps end


def quality_against_cost(score_rows, cost_rows, path):
    """Mean brain PSNR against multiply-accumulates, a point per method, a panel per contrast.

    Args:
        score_rows: of one degradation and scale.
        cost_rows: of ``compare.costs``.
        path: of the PNG to write.
    """
    scored = {row["method"] for row in score_rows}
    costs = {row["method"]: row["gmac_for_inference"] for row in cost_rows if row["method"] in scored}
    panels = group(score_rows, "contrast")
    figure = new_figure(4.8 * len(panels), 3.8)
    for axes, ((contrast,), rows) in zip(np.ravel(figure.subplots(1, len(panels), squeeze=False)), panels.items()):
        for (method,), own in group(rows, "method").items():
            values = list(subject_figures(own, "brain_psnr").values())
            if not values:
                continue
            mean = mean_and_deviation(values)[0]
            if costs.get(method):
                axes.plot(costs[method], mean, "o", markersize=6)
                axes.annotate(method, (costs[method], mean), xytext=(5, 4), textcoords="offset points", fontsize=8)
            else:
                axes.axhline(mean, color="0.6", linestyle="--", linewidth=1)
                axes.annotate(
                    method, (1, mean), (-3, 3), ("axes fraction", "data"), "offset points", ha="right", fontsize=8
                )
        _set_cost_axis(axes, costs.values())
        axes.margins(y=0.15)
        axes.set(title=contrast, xlabel="GMAC per 256 x 256 slice", ylabel="PSNR in the brain (dB)")
    save_figure(figure, path)


def gains_by_subject(score_rows, baseline, path):
    """Gain in brain PSNR over a baseline: a point per subject, a column per method.

    Args:
        score_rows: of one degradation and scale.
        baseline: a method among them.
        path: of the PNG to write.
    """
    methods = [m for (m,) in group(score_rows, "method") if m not in (baseline, REFERENCE)]
    contrasts = [contrast for (contrast,) in group(score_rows, "contrast")]
    figure = new_figure(max(3.6, 1.1 * len(methods)), 3.6)
    axes = figure.subplots()
    for column, method in enumerate(methods):
        gains = gain_over(score_rows, method, baseline)
        for number, contrast in enumerate(contrasts):
            values = [gain for (own, _), gain in gains.items() if own == contrast]
            # Points side by side, evenly, so that a figure is the same at every drawing.
            offsets = np.linspace(-0.08, 0.08, len(values)) if len(values) > 1 else [0.0]
            centre = column + 0.22 * (number - (len(contrasts) - 1) / 2)
            label = contrast if column == 0 else None
            axes.plot(centre + np.asarray(offsets), sorted(values), "o", markersize=4, color=f"C{number}", label=label)
    axes.axhline(0, color="0.6", linewidth=1)
    axes.set_xticks(range(len(methods)), methods, rotation=30, ha="right")
    axes.set_ylabel(f"gain over {baseline} (dB)")
    axes.legend(frameon=False, fontsize=8)
    save_figure(figure, path)


def error_maps(volume, candidates, degradation, scale, path, device="cpu"):
    """The middle slice of a volume: reference, every candidate's output, and |error| below.

    Args:
        volume: PreparedVolume.
        candidates: list of ``protocol.Candidate``.
        degradation: name of the one that made the slices coarse.
        scale: enlargement, 2 or 4.
        path: of the PNG to write.
        device: where torch computes.
    """
    middle = len(volume.slices) // 2
    chosen = slice(middle, middle + 1)
    reference, mask = (stack[0] for stack in reference_of(volume, chosen, scale))
    columns = len(candidates) + 1
    height, width = reference.shape
    figure = new_figure(2.0 * columns + 0.5, 4.0 * height / width + 0.5)
    axes = figure.subplots(2, columns, squeeze=False)
    for one in axes.flat:
        one.set_axis_off()
    limits = {"vmin": 0, "vmax": volume.percentile, "cmap": "gray"}
    # Few colours make a file of a quarter of the size and look the same.
    limits["cmap"] = require_colormap("gray", COLOURS)
    axes[0, 0].imshow(reference, interpolation="nearest", **limits)
    axes[0, 0].set_title("reference", fontsize=10)
    for column, candidate in enumerate(candidates, 1):
        output = np.where(mask, reconstruct(candidate, volume, chosen, degradation, scale, device)[0], 0)
        error = np.abs(output - reference) / volume.percentile
        axes[0, column].imshow(output, interpolation="nearest", **limits)
        axes[0, column].set_title(candidate.name, fontsize=10)
        shown = axes[1, column].imshow(
            error, vmin=0, vmax=ERROR_SHARE, cmap=require_colormap("magma", COLOURS // 2), interpolation="nearest"
        )
        root_mean_square = np.sqrt(np.mean(error[mask] ** 2))
        axes[1, column].set_title(f"|error|, RMS {100 * root_mean_square:.1f} %", fontsize=10)
    figure.colorbar(shown, ax=axes[1, 0], label="share of the intensity range", fraction=0.2)
    save_figure(figure, path, dpi=70)  # as many pixels as the slices have, not more


def require_colormap(name, colours):
    """One of matplotlib's colour maps in so many steps."""
    from matplotlib import colormaps

    return colormaps[name].resampled(colours)


def _set_cost_axis(axes, costs):
    """A logarithmic axis with plain numbers, from the tick below the cheapest to the tick above the dearest."""
    low = max([tick for tick in COST_TICKS if tick <= min(cost for cost in costs if cost > 0)], default=COST_TICKS[0])
    high = min([tick for tick in COST_TICKS if tick > max(costs)], default=COST_TICKS[-1])
    axes.set_xscale("log")
    axes.set_xticks([tick for tick in COST_TICKS if low <= tick <= high])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.set_xlim(low, high)
