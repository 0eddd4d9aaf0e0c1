"""Curves of a run as drawings within a page (SVG)."""

from __future__ import annotations

from html import escape


def curves_of(history: dict) -> str:
    """Two plots side by side: losses, and PSNR with the baseline that it has to beat.

    Args:
        history: validation events, two at least.

    Returns:
        SVG that a template takes as it is.
    """
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
    parts.append(f"<title>{escape(label)}</title>")
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
        parts.append(f'<text x="{left + number * 150}" y="26" fill="{color}">{escape(name)}</text>')
    parts.append(f'<text x="{left}" y="12" font-weight="600">{escape(label)}</text></svg>')
    return "".join(parts)
