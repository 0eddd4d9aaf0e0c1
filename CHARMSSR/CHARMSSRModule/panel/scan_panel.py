"""The line under the volume: what the scan really measured, and what to be wary of."""

from slicer.i18n import tr as _

from ..jobs.inspection import FOUND, LOOKING, NOTHING, REFUSED
from .fitted_texts import showText, toolTip
from .report_text import spacingText

_KNOWN = 0.6  # confidence of a noise level that is more than an upper bound
_BIAS = "correct the bias field"  # in the library's sentence
_INTERPOLATED = ("zero-filled", "zero-filled with a filter", "linear", "cubic", "nearest")


class ScanPanel:
    """Shows what an Inspection knows."""

    def __init__(self, ui):
        self._ui = ui

    def show(self, inspection, biasCorrection):
        """Bring the line and the warning below it up to date; what will be corrected anyway is no warning."""
        ui, found = self._ui, inspection.acquisition
        texts = {NOTHING: "", LOOKING: _("Looking at the scan\u2026"), REFUSED: ""}
        showText(ui.scanLabel, scanLine(found) if inspection.state == FOUND else texts[inspection.state])
        ui.scanLabel.toolTip = toolTip(*scanDetails(found)) if found else _("What the scan really measured")
        sentences = (inspection.past, inspection.forms, inspection.reason, *found.get("warnings", []))
        warnings = [text for text in sentences if text]
        if biasCorrection:
            warnings = [text for text in warnings if _BIAS not in text]
        showText(ui.scanWarningLabel, _firstOf(warnings))
        ui.scanWarningLabel.toolTip = toolTip(*warnings)


def scanLine(found):
    """ "T1w, pixels as measured, noise 2 %" of what ``charmssr inspect`` has found."""
    parts = [_resolution(found), _noise(found.get("noise") or {})]
    contrast = (found.get("contrast") or {}).get("value")
    if contrast == "other":
        parts.insert(0, _("other contrast"))
    elif contrast not in (None, "unknown"):
        parts.insert(0, contrast)
    return _("Scan: {findings}").format(findings=", ".join(part for part in parts if part))


def scanDetails(found):
    """Sentences for the tool tip: each axis, and how each figure was told."""
    lines = []
    for axis in found.get("axes", []):
        measured = axis.get("true_mm")
        lines.append(
            _("{direction}: {stated:.2f} mm stated, {measured}").format(
                direction=axis["direction"],
                stated=axis["spacing_mm"],
                measured=_("{size:.2f} mm measured").format(size=measured) if measured else _("not told"),
            )
            + (f" ({axis['evidence']})" if axis.get("evidence") else "")
        )
    for name, title in (("noise", _("Noise")), ("contrast", _("Contrast")), ("slices", _("Slices"))):
        evidence = (found.get(name) or {}).get("evidence")
        if evidence:
            lines.append(f"{title}: {evidence}")
    return lines


def _resolution(found):
    axes = found.get("axes", [])
    if any(axis["interpolation"] in _INTERPOLATED and axis.get("true_mm") for axis in axes):
        sizes = spacingText([axis.get("true_mm") or axis["spacing_mm"] for axis in axes])
        return _("interpolated from {sizes} mm").format(sizes=sizes)
    if any(axis["interpolation"] == "unknown" for axis in axes):
        return ""  # an answer that helps nobody at a glance; the tool tip has it
    return _("pixels as measured")


def _noise(noise):
    value = noise.get("value")
    if not isinstance(value, (int, float)):
        return ""
    percent = f"{100 * value:.1f}" if value < 0.02 else f"{100 * value:.0f}"
    if noise.get("confidence", 0) < _KNOWN:
        return _("noise at most {percent} %").format(percent=percent)
    return _("noise {percent} %").format(percent=percent)


def _firstOf(warnings):
    if not warnings:
        return ""
    text = f"\u26a0 {warnings[0]}"
    return _("{warning} (and {count} more)").format(warning=text, count=len(warnings) - 1) if warnings[1:] else text
