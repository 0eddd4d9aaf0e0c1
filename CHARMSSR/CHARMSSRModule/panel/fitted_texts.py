"""Texts that fit into a narrow dock: wrapped labels show all their lines, headers never widen the panel."""

from html import escape

import qt


class FittedTexts(qt.QObject):
    """Watches labels and headers of sections.

    Qt squeezes a wrapped label in a scrolled panel below the height of its lines; once its width is known, each
    label is therefore given that height as its least one. A header that is longer than the dock is wide ends in "…",
    with the whole of it in its tool tip.
    """

    def __init__(self):
        qt.QObject.__init__(self)
        self._headers = {}  # object name of the section -> its whole text
        self._seen = {}  # object name of the label -> what its height was found for

    def keepWhole(self, *labels):
        """Have these wrapped labels show all their lines at every width."""
        for label in labels:
            label.installEventFilter(self)

    def setHeader(self, section, title, choice=""):
        """Header of a section: its title, and the choice made inside, readable while it is folded."""
        if section.objectName not in self._headers:
            section.installEventFilter(self)
        text = f"{title}: {choice}" if choice else title
        if self._headers.get(section.objectName) != text:
            self._headers[section.objectName] = text
            section.toolTip = text
            self._fitHeader(section)

    def eventFilter(self, watched, event):
        """Qt calls this before the event reaches the widget."""
        kind = event.type()
        if kind == qt.QEvent.Resize or kind == qt.QEvent.Paint:
            if watched.objectName not in self._headers:
                self._fitLabel(watched)
            elif kind == qt.QEvent.Resize:
                self._fitHeader(watched)
        return False

    def _fitHeader(self, section):
        metrics = section.fontMetrics()
        room = section.width - round(1.7 * metrics.height())  # the arrow and the frame
        text = metrics.elidedText(self._headers[section.objectName], qt.Qt.ElideRight, max(room, 60))
        if section.text != text:
            section.text = text

    def _fitLabel(self, label):
        seen = (label.width, label.text, label.fontMetrics().height())
        if self._seen.get(label.objectName) != seen:
            self._seen[label.objectName] = seen
            label.setMinimumHeight(0)  # Qt's answer is never less than the least height
            label.setMinimumHeight(max(label.heightForWidth(label.width), 0))


def showText(label, text):
    """Show a text in a label, or hide a label that has none."""
    if label.text != text:
        label.text = text
    label.visible = bool(text)


def toolTip(*paragraphs):
    """Rich text of a tool tip, which Qt wraps as it does not wrap plain text."""
    return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs if paragraph)
