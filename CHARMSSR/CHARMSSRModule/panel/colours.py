"""Colours of signs and verdicts that can be read on a light and on a dark panel."""

import qt
import slicer

GOOD, WARNING, BAD = "good", "warning", "bad"
# Each at least 4.5 : 1 against the panel behind it (WCAG 2, level AA).
_ON_LIGHT = {GOOD: "#1b6e3c", WARNING: "#8a5200", BAD: "#b02a20"}
_ON_DARK = {GOOD: "#6fcf97", WARNING: "#f2a65a", BAD: "#ff8a80"}


def colour(kind):
    """Name of the colour for GOOD, WARNING or BAD under the application's present style."""
    return (_ON_DARK if isDark() else _ON_LIGHT)[kind]


def isDark():
    """True if the panel's background is dark."""
    return slicer.app.palette().color(qt.QPalette.Window).lightness() < 128
