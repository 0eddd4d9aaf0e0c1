"""Focus and redundancy of the attention maps, with and without the regularisation L_AR: table and figure (Fig. 5)."""

import csv
import io

import numpy as np
import torch

from CHARMSSRLib.learning.losses import attention_regularisation, focus, redundancy
from CHARMSSRLib.network.attention_maps import attention_maps

from ..markdown_table import head, line
from ..plots import new_figure, save_figure
from ..training.degradations import degrade
from .protocol import central_slices

FIGURES = ("focus_esa", "focus_pca", "redundancy_esa", "focus_transformer", "redundancy_transformer", "l_ar")
HEADINGS = (
    "focus, ESA", "focus, PCA", "redundancy, ESA", "focus, Transformer", "redundancy, Transformer", "L_AR"
)  # fmt: skip
COLUMNS = ("network", "subject", "contrast", "plane", *FIGURES)
NOTE = (
    "Mean of the validation volumes. Focus: mean(a)^2 / mean(a^2) of each map, 1 is flat, small is focused. Redundancy:"
    " squared positive correlation between maps, 0 is none. L_AR: what the regularisation makes small."
)


@torch.no_grad()
def map_figures(network, slices):
    """Figures of the maps of one pass.

    Args:
        network: CHARMS as trained.
        slices: (n, 1, h, w) on its intensity scale.

    Returns:
        dict of FIGURES; without PCA or Transformer their figures are left out.
    """
    _, maps = attention_maps(network, slices)
    figures = {"focus_esa": _mean([focus(one) for block in maps.esa for one in block])}
    if maps.pca:
        figures["focus_pca"] = _mean([focus(one) for one in maps.pca])
    figures["redundancy_esa"] = _mean(
        [redundancy(torch.cat([one.mean(1, keepdim=True) for one in block], 1)) for block in maps.esa]
    )
    if maps.transformer:
        figures["focus_transformer"] = _mean([focus(one) for one in maps.transformer])
        figures["redundancy_transformer"] = _mean([redundancy(one) for one in maps.transformer])
    figures["l_ar"] = float(attention_regularisation(maps))
    return figures


def study_attention(contestants, volumes, degradation, scale, slices=4):
    """Rows (dicts with COLUMNS) of every network on slices in the middle of every volume.

    Args:
        contestants: of ``compare``, CHARMS each.
        volumes: list of PreparedVolume.
        degradation: name of the one that made the slices coarse.
        scale: enlargement, 2 or 4.
        slices: per volume, the central ones.
    """
    rows = []
    for volume in volumes:
        for one in contestants:
            network = one.network.cpu().eval()
            lr = degraded(volume, one.intensity, degradation, scale, central_slices(len(volume.slices), slices))
            labels = {"network": one.title, "subject": volume.subject, "contrast": volume.contrast}
            rows.append({**labels, "plane": volume.plane, **map_figures(network, lr)})
    return rows


def degraded(volume, intensity, degradation, scale, chosen):
    """Slices of a volume as a network reads them: (n, 1, h, w)."""
    from ..training.validation import crop_to_multiple

    hr = np.ascontiguousarray(crop_to_multiple(volume.normalised(intensity)[chosen], scale))
    return degrade(torch.from_numpy(hr)[:, None], scale, degradation, torch.Generator().manual_seed(0))


def attention_table(rows):
    """Lines of Markdown: the means of each network over the volumes."""
    lines = head(["network", *HEADINGS])
    for title in dict.fromkeys(row["network"] for row in rows):
        own = [row for row in rows if row["network"] == title]
        cells = []
        for figure in FIGURES:
            values = [float(row[figure]) for row in own if row.get(figure) not in (None, "")]
            cells.append(f"{np.mean(values):.3f}" if values else "")
        lines.append(line([title, *cells]))
    return [*lines, "", NOTE]


def attention_csv(rows):
    """The rows as CSV text."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: f"{value:.5f}" if key in FIGURES else value for key, value in row.items()})
    return buffer.getvalue()


@torch.no_grad()
def draw_attention(contestants, volume, degradation, scale, path):
    """One slice, its maps in each network: a row per network.

    Shown are means over channels or heads; the figure above each is the mean focus of the single maps. One colour
    scale per column, its range in the heading, so that rows can be compared.

    Args:
        contestants: CHARMS networks with PCA and Transformer.
        volume: its middle slice is shown.
        degradation: name of the one that made the slices coarse.
        scale: enlargement, 2 or 4.
        path: of the PNG to write.
    """
    titles = ("input", "ESA, first RLFE", "ESA, last RLFE", "PCA, last block", "Transformer")
    pictures, captions = [], []
    for one in contestants:
        lr = degraded(volume, one.intensity, degradation, scale, central_slices(len(volume.slices), 1))
        _, maps = attention_maps(one.network.cpu().eval(), lr)
        shown = [maps.esa[0][0], maps.esa[-1][-1], *maps.pca[-1:], *maps.transformer[-1:]]
        pictures.append([lr[0, 0].numpy(), *(map_[0].mean(0).numpy() for map_ in shown)])
        captions.append([one.title, *(f"foc {float(focus(map_).mean()):.3f}" for map_ in shown)])
    columns = len(pictures[0])
    height, width = pictures[0][0].shape
    figure = new_figure(2.1 * columns, (2.1 * height / width + 0.5) * len(pictures))
    all_axes = figure.subplots(len(pictures), columns, squeeze=False)
    for column in range(columns):
        low = min(float(row[column].min()) for row in pictures)
        high = max(float(row[column].max()) for row in pictures)
        for axes, row, caption in zip(all_axes[:, column], pictures, captions):
            axes.set_axis_off()
            axes.imshow(row[column], vmin=low, vmax=high, cmap="gray" if column == 0 else "viridis",
                        extent=(0, width, height, 0))  # fmt: skip
            heading = titles[column] if column == 0 else f"{titles[column]}, {low:.2f} to {high:.2f}"
            axes.set_title(f"{heading}\n{caption[column]}", fontsize=8)
    save_figure(figure, path)


def _mean(tensors):
    return float(torch.stack([one.mean() for one in tensors]).mean())
