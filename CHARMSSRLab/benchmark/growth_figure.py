"""The plot of growth. Needs matplotlib (the extra ``train``)."""

from ..plots import new_figure, require_matplotlib, save_figure

__all__ = ["draw_growth", "require_matplotlib"]

MEGA, GIBI = 1e6, 2**30
# Stages from the bottom of a bar to its top.
STAGES = {
    "network": ("network",),
    "skull strip": ("skull strip",),
    "bias correction": ("bias correction",),
    "read, compare, write, rest": None,  # all others
}
COLOURS = ("#2b6ca3", "#e08a2c", "#5a9a4a", "0.7")


def draw_growth(growth, path):
    """Four panels: time by stage and memory over voxels, seconds over slices, seconds over threads.

    Args:
        growth: what ``measure_growth`` returns.
        path: of the PNG.

    Raises:
        BackendError: matplotlib is missing. OutputError: the file cannot be written.
    """
    figure = new_figure(9.6, 6.4)
    (time, memory), (slices, threads) = figure.subplots(2, 2)
    most = max(row["threads"] for row in growth["volumes"])
    own = sorted((row for row in growth["volumes"] if row["threads"] == most), key=lambda row: row["voxels"])
    _time(time, own, growth["fits"]["seconds"], most)
    _memory(memory, own, growth["fits"]["peak_bytes"])
    _slices(slices, growth["slices"])
    _threads(threads, growth["volumes"])
    save_figure(figure, path)


def _time(axes, rows, fit, threads):
    x = [row["voxels"] / MEGA for row in rows]
    width = 0.07 * max(x)
    bottom = [0.0] * len(rows)
    for (title, names), colour in zip(STAGES.items(), COLOURS):
        heights = [_stage_seconds(row, names) for row in rows]
        axes.bar(x, heights, width, bottom, label=title, color=colour)
        bottom = [low + height for low, height in zip(bottom, heights)]
    _line(axes, x, fit, 1.0)
    word = "thread" if threads == 1 else "threads"
    _finish(axes, "million voxels", "seconds", f"Whole enhancement, {threads} {word}", legend=True)


def _stage_seconds(row, names):
    named = [name for group in STAGES.values() if group for name in group]
    wanted = names or [name for name in row["stages"] if name not in named]
    return sum(row["stages"][name]["median"] for name in wanted if name in row["stages"])


def _memory(axes, rows, fit):
    x = [row["voxels"] / MEGA for row in rows]
    axes.plot(x, [row["peak_bytes"] / GIBI for row in rows], "o", color=COLOURS[0])
    _line(axes, x, fit, 1 / GIBI)
    _finish(axes, "million voxels", "GiB", "Peak memory of the process")


def _line(axes, x, fit, unit):
    ends = [0.0, 1.05 * max(x)]
    axes.plot(ends, [(fit["offset"] + fit["slope"] * MEGA * one) * unit for one in ends], "k--", linewidth=1,
              label=f"straight line, R² = {fit['r_squared']:.4f}")  # fmt: skip
    axes.legend(frameon=False, fontsize=8, loc="upper left")


def _slices(axes, rows):
    for threads, colour in zip(sorted({row["threads"] for row in rows}), COLOURS):
        own = [row for row in rows if row["threads"] == threads]
        axes.errorbar([row["slices"] for row in own], [row["seconds"]["median"] for row in own],
                      [row["seconds"]["iqr"] / 2 for row in own], marker="o", color=colour, capsize=3,
                      label=f"{threads} thread" + ("s" if threads > 1 else ""))  # fmt: skip
    size = f"{rows[0]['height']} x {rows[0]['width']}"
    axes.set_xlim(left=0)
    _finish(axes, "slices", "seconds", f"Network stage, LR slices of {size}", legend=True)


def _threads(axes, rows):
    smallest = min(row["voxels"] for row in rows)
    own = sorted((row for row in rows if row["voxels"] == smallest), key=lambda row: row["threads"])
    bottom = [0.0] * len(own)
    labels = [str(row["threads"]) for row in own]
    for (title, names), colour in zip(STAGES.items(), COLOURS):
        heights = [_stage_seconds(row, names) for row in own]
        axes.bar(labels, heights, 0.5, bottom, label=title, color=colour)
        bottom = [low + height for low, height in zip(bottom, heights)]
    size = " x ".join(str(one) for one in own[0]["size"])
    axes.set_xlim(-0.8, len(own) - 0.2)
    _finish(axes, "threads", "seconds", f"Whole enhancement of {size} voxels")


def _finish(axes, x, y, title, legend=False):
    axes.set(xlabel=x, ylabel=y, title=title)
    axes.set_ylim(0, 1.25 * axes.get_ylim()[1])  # room for the legend
    axes.spines[["top", "right"]].set_visible(False)
    if legend:
        axes.legend(frameon=False, fontsize=8, loc="upper left")
