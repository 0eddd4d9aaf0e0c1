"""Quality against depth, the shape of the paper's Fig. 6."""

from CHARMSSRLib.measures.statistics import mean_and_deviation

from ..plots import new_figure, save_figure
from .score_tables import group, subject_figures
from .studies import DEPTH

CHOSEN = 4  # blocks and units of CHARMS


def depth_means(rows, contrast):
    """Mean brain PSNR along the two axes of the study.

    Args:
        rows: scores of one degradation.
        contrast: T1w or T2w.

    Returns:
        dict "blocks" and "units" -> list of (number, mean in dB), ascending; the other number is 4.
    """
    own = {method: part for (method,), part in group(rows, "method").items()}
    lines = {"blocks": [], "units": []}
    for entry in DEPTH:
        scored = [row for row in own.get(entry.title, ()) if row["contrast"] == contrast]
        values = list(subject_figures(scored, "brain_psnr").values())
        if not values:
            continue
        for axis, other in (("blocks", "units"), ("units", "blocks")):
            if entry.arguments[other] == CHOSEN:
                lines[axis].append((entry.arguments[axis], mean_and_deviation(values)[0]))
    return {axis: sorted(points) for axis, points in lines.items()}


def draw_depth(rows, path):
    """A panel per contrast, a line per axis of the study.

    Args:
        rows: scores of one degradation.
        path: PNG to write.
    """
    contrasts = [contrast for (contrast,) in group(rows, "contrast")]
    figure = new_figure(3.8 * len(contrasts), 3.4)
    for axes, contrast in zip(figure.subplots(1, len(contrasts), squeeze=False)[0], contrasts):
        for axis, points in depth_means(rows, contrast).items():
            other = "units each" if axis == "blocks" else "blocks"
            axes.plot(*zip(*points), "o-", markersize=4, label=f"{axis}, {CHOSEN} {other}") if points else None
        axes.set(title=contrast, xlabel="number of blocks or units", ylabel="PSNR in the brain (dB)")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(frameon=False, fontsize=8)
    save_figure(figure, path)
