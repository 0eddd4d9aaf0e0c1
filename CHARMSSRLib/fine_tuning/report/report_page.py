"""The report as one HTML file: it loads nothing from anywhere and runs no script."""

import base64
import html

import numpy as np

from ...files.png import png_bytes
from .scores import FIGURES, METHODS, SEVEN

HEADINGS = {
    "psnr": ("PSNR (dB)", 2), "ssim": ("SSIM", 4), "snr": ("SNR", 2), "cnr": ("CNR", 2),
    "sharpness": ("Edges (1/mm)", 4),
}  # fmt: skip
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem; text-align: right; border-bottom: 1px solid #d5d9de; }
th:first-child, td:first-child { text-align: left; }
.verdict { padding: .8rem 1rem; border-left: .4rem solid #2a7f3f; background: #eef7f0; }
.verdict.bad { border-color: #b3261e; background: #fbeeed; }
.pictures { display: flex; flex-wrap: wrap; gap: .6rem; } figure { margin: 0; }
.pictures img { height: 17rem; background: #000; display: block; image-rendering: auto; }
.pictures.large img { height: auto; max-width: 100%; }
figcaption { font-size: .85rem; color: #57606a; } .note { color: #57606a; }
"""
_NOTE = (
    "Figures inside the brain that both scans show, on the 7T scan's own grid; range: 99.9th percentile of the 7T. SNR:"
    " mean over standard deviation in white matter; CNR: |grey - white| over that deviation; edges: mean gradient on"
    " tissue borders of the 7T per intensity range. Intensity-matched: the interpolated 3T after the monotone map that"
    " fits the training pairs best; the oracle's map was fitted to the scored 7T itself. Mean ± SD over pairs."
)


_REGISTRATION_NOTE = (
    "How each pair fits. Above: a checkerboard of 3T and 7T, in which structures go on across the fields' borders."
    " Below: the 3T with the edges of the 7T in red, which lie on the edges of the 3T."
)


def page(report, pictures=(), registrations=()):
    """The page.

    Args:
        report: dict of ``fine_tune``.
        pictures: list of (title, dict caption -> array (rows, columns), 0 to 1).
        registrations: list of (title, bytes of a PNG file), one per registered pair.

    Returns:
        HTML text.
    """
    bad = "" if report["baseline_beaten"] else " bad"
    title = f"Fine-tuning of {report['name']}"
    parts = [
        "<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{_text(title)}</h1>", f'<p class="verdict{bad}">{_text(report["verdict"])}</p>',
        f"<p>{_text(_facts(report))}</p>", *(f'<p class="note">{_text(note)}</p>' for note in report["notes"]),
    ]  # fmt: skip
    if report["summary"]:
        parts += ["<h2>Held-out data</h2>", _summary_table(report["summary"]), f'<p class="note">{_text(_NOTE)}</p>']
    for run in report["runs"]:
        if len(run["history"]) > 1:
            parts += [f"<h2>{_text('Curves' + (': ' + run['title'] if run['title'] else ''))}</h2>", _curves(run)]
    for title, images in pictures:
        figures = "".join(
            f'<figure><img alt="{_text(caption)}" src="{_data_uri(image)}"><figcaption>{_text(caption)}</figcaption>'
            "</figure>"
            for caption, image in images.items()
        )
        parts += [f"<h2>{_text(title)}</h2>", f'<div class="pictures">{figures}</div>']
    if report["scores"]:
        parts += ["<h2>Each held-out pair</h2>", _rows_table(report["scores"])]
    parts += ["<h2>Pairs</h2>", _pairs_table(report["pairs"])]
    if registrations:
        figures = "".join(
            f'<figure><img alt="{_text(title)}" src="{_png_uri(data)}"><figcaption>{_text(title)}</figcaption></figure>'
            for title, data in registrations
        )
        parts += [f'<p class="note">{_text(_REGISTRATION_NOTE)}</p>', f'<div class="pictures large">{figures}</div>']
    if report["warnings"]:
        items = "".join(f"<li>{_text(warning)}</li>" for warning in report["warnings"])
        parts += ["<h2>Warnings</h2>", f"<ul>{items}</ul>"]
    return "\n".join([*parts, "</body></html>", ""])


def middle_pictures(images, mask, spacing):
    """The slice with most of the mask, cut to it, of each image: dict caption -> array scaled to 0..1 for display.

    Args:
        images: dict method -> (z, y, x), one grid. mask: (z, y, x). spacing: mm along (z, y, x).
    """
    number = int(mask.sum(axis=(1, 2)).argmax())
    rows, columns = (np.flatnonzero(mask[number].any(axis=axis)) for axis in (1, 0))
    box = (slice(max(0, rows[0] - 4), rows[-1] + 5), slice(max(0, columns[0] - 4), columns[-1] + 5))
    top = float(np.percentile(images[SEVEN][mask], 99.5)) if SEVEN in images else 1.0
    # Square pixels for the eye: repeat the coarser axis where the voxels are not square.
    repeats = [max(1, round(spacing[axis] / min(spacing[1:]))) for axis in (1, 2)]
    shown = [method for method in METHODS if method in images and "oracle" not in method]
    pictures = {}
    for method in shown:
        picture = np.where(mask[number], images[method][number], 0)[box] / top
        pictures[method] = picture.repeat(repeats[0], 0).repeat(repeats[1], 1)
    return pictures


def _facts(report):
    counts = report["counts"]
    text = (
        f"Started from {report['checkpoint']['derived_from']['name']}; {counts['training']} training and"
        f" {counts['held_out']} held-out pairs; {report['steps']} steps, the best after {report['best_step']};"
        f" learning rate {report['plan']['learning_rate']:g}, batch {report['plan']['batch']}, patches of"
        f" {report['plan']['patch']} pixels; {report['device']}, {report['precision']}"
    )
    if report["seconds_per_step"]:
        text += f"; {report['seconds_per_step']:.2f} s per step"
    return text + f"; {report['seconds'] / 60:.1f} minutes in all."


def _summary_table(summary):
    rows = []
    for method, figures in summary.items():
        cells = []
        for figure in FIGURES:
            one = figures.get(figure)
            digits = HEADINGS[figure][1]
            cell = "" if one is None else f"{one['mean']:.{digits}f}"
            if one and one["sd"] is not None:
                cell += f" ± {one['sd']:.{digits}f}"
            cells.append(cell)
        rows.append([method, *cells])
    return _table(["", *(HEADINGS[figure][0] for figure in FIGURES)], rows)


def _rows_table(scores):
    rows = [
        [f"{row['subject']} {row['contrast']}: {row['method']}"]
        + ["" if row.get(figure) is None else f"{row[figure]:.{HEADINGS[figure][1]}f}" for figure in FIGURES]
        for row in scores
    ]
    return _table(["", *(HEADINGS[figure][0] for figure in FIGURES)], rows)


def _pairs_table(pairs):
    rows = []
    for pair in pairs:
        quality = pair.get("quality") or {}
        figures = [f"{name.replace('_', ' ')} {value:.2f}" for name, value in quality.items() if _is_number(value)]
        rows.append([f"{pair['subject']} {pair['contrast']}", pair["role"], pair["reason"], ", ".join(figures)])
    return _table(["pair", "role", "remark", "registration"], rows)


def _table(headings, rows):
    head = "".join(f"<th>{_text(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _curves(run):
    """Two plots side by side: losses, and PSNR with the baseline that it has to beat."""
    history = run["history"]
    steps = [event["step"] for event in history]
    best = next((event["step"] for event in reversed(history) if event["best"]), None)
    losses = {"training loss": [e["loss"] for e in history], "held out": [e["validation_loss"] for e in history]}
    scores = {
        "held out": [e["validation_psnr"] for e in history],
        "intensity-matched 3T": [e["matched_psnr"] for e in history],
    }
    return _plot(steps, losses, "loss", best) + _plot(steps, scores, "PSNR of held-out slices (dB)", best)


def _plot(steps, curves, label, best, width=440, height=240):
    left, right, top, bottom = 58, 12, 30, 34
    values = [value for curve in curves.values() for value in curve if value is not None]
    low, high = min(values), max(values)
    pad = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    low, high = low - pad, high + pad

    def x(step):
        return left + (width - left - right) * (step - steps[0]) / max(1, steps[-1] - steps[0])

    def y(value):
        return top + (height - top - bottom) * (high - value) / (high - low)

    parts = [f'<svg width="{width}" height="{height}" role="img" font-size="11" font-family="system-ui, sans-serif">']
    parts.append(f"<title>{_text(label)}</title>")
    for share in (0.0, 0.5, 1.0):
        value = low + share * (high - low)
        parts.append(
            f'<line x1="{left}" x2="{width - right}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#d5d9de"/>'
            f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>'
        )
    for step in (steps[0], steps[-1]):
        parts.append(f'<text x="{x(step):.1f}" y="{height - 16}" text-anchor="middle">{step}</text>')
    parts.append(f'<text x="{(left + width - right) / 2:.0f}" y="{height - 4}" text-anchor="middle">step</text>')
    if best is not None:
        parts.append(
            f'<line x1="{x(best):.1f}" x2="{x(best):.1f}" y1="{top}" y2="{height - bottom}" stroke="#57606a"'
            ' stroke-dasharray="3 3"/>'
        )
    for number, (name, curve) in enumerate(curves.items()):
        color = ("#0b63ce", "#c2570c")[number]
        points = " ".join(f"{x(s):.1f},{y(v):.1f}" for s, v in zip(steps, curve) if v is not None)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts.append(f'<text x="{left + number * 150}" y="26" fill="{color}">{_text(name)}</text>')
    parts.append(f'<text x="{left}" y="12" font-weight="600">{_text(label)}</text></svg>')
    return "".join(parts)


def _data_uri(picture):
    return _png_uri(png_bytes(picture))


def _png_uri(data):
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value):
    return html.escape(str(value))
