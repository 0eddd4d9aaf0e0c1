"""Strip plots of a cohort as drawings inside the page: a few bytes a scan, no script."""

import html
import zlib
from collections.abc import Sequence
from typing import Any, Optional

from .cohort_figures import Figure

WIDTH, LANE, TOP, LEFT, RIGHT = 460, 46, 8, 56, 12
_Point = tuple[Any, str, str, bool]  # value, name, page, unusual


def strip_plot(figure: Figure, series: Sequence[tuple[str, Sequence[_Point], Optional[tuple[float, float]]]]) -> str:
    """One lane per contrast: a dot per scan, the quartiles as a bar, unusual scans in red with name and link.

    Args:
        figure: what is drawn.
        series: (contrast, points, bounds beyond which a value is unusual or None).

    Returns:
        SVG text.
    """
    values = [point[0] for _, points, _ in series for point in points]
    low, high = _range(values)
    height = TOP + LANE * len(series) + 22

    def place(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low)

    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(figure.title)}">']
    for lane, (contrast, points, bounds) in enumerate(series):
        middle = TOP + LANE * (lane + 0.5)
        parts.append(f'<text x="{LEFT - 8}" y="{middle + 4:.0f}" text-anchor="end">{html.escape(contrast)}</text>')
        parts.append(f'<path class="axis" d="M{LEFT} {middle:.0f}H{WIDTH - RIGHT}"/>')
        for bound in bounds or ():
            if low <= bound <= high:
                parts.append(f'<path class="bound" d="M{place(bound):.1f} {middle - 18:.0f}v36"/>')
        dots = "".join(
            f"M{place(value):.1f} {middle + _jitter(name):.1f}h0" for value, name, _, unusual in points if not unusual
        )
        parts.append(f'<path class="dots" d="{dots}"/>')
        ordered = sorted(point[0] for point in points)
        if len(ordered) >= 4:
            first, second, third = (ordered[int(share * (len(ordered) - 1))] for share in (0.25, 0.5, 0.75))
            width = max(1.0, place(third) - place(first))
            parts.append(
                f'<rect class="box" x="{place(first):.1f}" y="{middle - 12:.0f}" width="{width:.1f}" height="24"/>'
            )
            parts.append(f'<path class="median" d="M{place(second):.1f} {middle - 12:.0f}v24"/>')
        for value, name, page, unusual in points:
            if unusual:
                tip = html.escape(f"{name}: {figure.text(value)} {figure.unit}".strip())
                dot = f'<circle cx="{place(value):.1f}" cy="{middle + _jitter(name):.1f}" r="4">'
                parts.append(f'<a href="{html.escape(page)}">{dot}<title>{tip}</title></circle></a>')
    base = TOP + LANE * len(series)
    for share in (0.0, 0.5, 1.0):
        value = low + share * (high - low)
        anchor = ("start", "middle", "end")[round(2 * share)]
        parts.append(f'<text x="{place(value):.0f}" y="{base + 16}" text-anchor="{anchor}">{_short(value)}</text>')
    return "".join([*parts, "</svg>"])


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = 0.04 * (high - low) or 0.05 * abs(high) or 1.0
    # None of the figures falls below 0.
    return (max(0.0, low - margin) if low >= 0 else low - margin), high + margin


def _jitter(name: str) -> float:
    """The same height for the same scan, every time."""
    return (zlib.crc32(name.encode()) % 1000 / 999 - 0.5) * 20


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
