"""The report as one HTML file, made from ``templates/page.html``."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...files.page_templates import page_template
from ...files.png import png_bytes
from .curves import curves_of
from .scores import FIGURES, SCORED, SEVEN

HEADINGS = {
    "psnr": ("PSNR (dB)", 2), "ssim": ("SSIM", 4), "snr": ("SNR", 2), "cnr": ("CNR", 2),
    "sharpness": ("Edges (1/mm)", 4),
}  # fmt: skip
_TEMPLATES = Path(__file__).parent / "templates"


def template() -> Any:
    """The template of the page; to be asked for before the work, so that nothing is missing after it.

    Raises:
        BackendError: Jinja2 is not installed.
    """
    return page_template(_TEMPLATES, "page.html")


def page(report: dict, pictures: Sequence = (), registrations: Sequence = ()) -> str:
    """The page.

    Args:
        report: dict of ``fine_tune``.
        pictures: list of (title, dict caption -> array (rows, columns), 0 to 1).
        registrations: list of (title, bytes of a PNG file), one per registered pair.

    Returns:
        HTML text.
    """
    return template().render(
        report=report,
        facts=_facts(report),
        headings=["", *(HEADINGS[figure][0] for figure in FIGURES)],
        summary=[[method, *map(_mean, FIGURES, map(own.get, FIGURES))] for method, own in report["summary"].items()],
        curves=[(run["title"], curves_of(run["history"])) for run in report["runs"] if len(run["history"]) > 1],
        pictures=[
            (title, [(caption, _source(png_bytes(image))) for caption, image in images.items()])
            for title, images in pictures
        ],
        scores=[
            [f"{row['subject']} {row['contrast']}: {row['method']}", *(_number(one, row.get(one)) for one in FIGURES)]
            for row in report["scores"]
        ],
        pairs=[
            [f"{pair['subject']} {pair['contrast']}", pair["role"], pair["reason"], _quality(pair.get("quality"))]
            for pair in report["pairs"]
        ],
        registrations=[(title, _source(data)) for title, data in registrations],
    )


def middle_pictures(images: dict[str, np.ndarray], mask: np.ndarray, spacing: Sequence[float]) -> dict[str, np.ndarray]:
    """The slice with most of the mask, cut to it, of each image: dict caption -> array scaled to 0..1 for display.

    Args:
        images: dict method -> (z, y, x), one grid.
        mask: (z, y, x).
        spacing: mm along (z, y, x).
    """
    number = int(mask.sum(axis=(1, 2)).argmax())
    rows, columns = (np.flatnonzero(mask[number].any(axis=axis)) for axis in (1, 0))
    box = (slice(max(0, rows[0] - 4), rows[-1] + 5), slice(max(0, columns[0] - 4), columns[-1] + 5))
    top = float(np.percentile(images[SEVEN][mask], 99.5)) if SEVEN in images else 1.0
    # Square pixels for the eye: repeat the coarser axis where the voxels are not square.
    repeats = [max(1, round(spacing[axis] / min(spacing[1:]))) for axis in (1, 2)]
    shown = [method for method in SCORED if method in images and "oracle" not in method]
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


def _number(figure, value):
    return "" if value is None else f"{value:.{HEADINGS[figure][1]}f}"


def _mean(figure, one):
    """Of a summary: the mean with its deviation, where there is one."""
    if one is None:
        return ""
    return _number(figure, one["mean"]) + (f" ± {_number(figure, one['sd'])}" if one["sd"] is not None else "")


def _quality(quality):
    """The figures of a registration as text."""
    numbers = {
        name: value
        for name, value in (quality or {}).items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
    return ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in numbers.items())


def _source(png):
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
