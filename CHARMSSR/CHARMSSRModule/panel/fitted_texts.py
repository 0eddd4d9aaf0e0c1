"""Texts that fit into a narrow dock: wrapped labels show all their lines, headers and lists never widen the panel."""

from html import escape

import qt


class FittedTexts(qt.QObject):
    """Watches labels, headers of sections and lists.

    Qt squeezes a wrapped label in a scrolled panel below the height of its lines; once its width is known, each
    label is therefore given that height as its least one. A header that is longer than the dock is wide ends in "…",
    with the whole of it in its tool tip. So does the chosen item of a list; its popup is as wide as its longest item.
    """

    def __init__(self):
        qt.QObject.__init__(self)
        self._headers = {}  # object name of the section -> its whole text
        self._seen = {}  # object name of the label -> what its height was found for
        self._lists = {}  # object name of the list -> what its texts were found for

    def keepWhole(self, *labels):
        """Have these wrapped labels show all their lines at every width."""
        for label in labels:
            label.installEventFilter(self)

    def keepElided(self, *comboBoxes):
        """Have the chosen item of these lists end in "…" where it is too long, not in half a letter."""
        for comboBox in comboBoxes:
            self._lists[comboBox.objectName] = None
            comboBox.installEventFilter(self)

    def setHeader(self, section, title, choice=""):
        """Header of a section: its title, and the choice made inside, readable while it is folded."""
        if section.objectName not in self._headers:
            section.installEventFilter(self)
        text = f"{title}: {choice}" if choice else title
        if self._headers.get(section.objectName) != text:
            self._headers[section.objectName] = text
            section.toolTip = toolTip(text)
            self._fitHeader(section)

    def eventFilter(self, watched, event):
        """Qt calls this before the event reaches the widget."""
        kind = event.type()
        if kind == qt.QEvent.Resize or kind == qt.QEvent.Paint:
            if watched.objectName in self._lists:
                self._fitList(watched)
            elif watched.objectName not in self._headers:
                self._fitLabel(watched)
            elif kind == qt.QEvent.Resize:
                self._fitHeader(watched)
        return False

    def _fitHeader(self, section):
        metrics = section.fontMetrics()
        room = section.width - round(1.7 * metrics.height())  # the arrow and the frame
        text = metrics.elidedText(self._headers[section.objectName], qt.Qt.ElideRight, max(room, 60))
        text = text.replace("&", "&&")  # one alone would underline the next letter, as a shortcut
        if section.text != text:
            section.text = text

    def _fitList(self, comboBox):
        texts = [fullText(comboBox, index) for index in range(comboBox.count)]
        state = (comboBox.width, comboBox.currentIndex, comboBox.currentText, texts)
        if self._lists[comboBox.objectName] == state:
            return
        metrics, popup = comboBox.fontMetrics(), comboBox.view()
        room = comboBox.width - round(2.2 * metrics.height())  # the arrow and the frame
        for index, text in enumerate(texts):
            isChosen = index == comboBox.currentIndex
            shown = metrics.elidedText(text, qt.Qt.ElideRight, max(room, 40)) if isChosen else text
            comboBox.setItemData(index, text, FULL_TEXT_ROLE)
            if comboBox.itemText(index) != shown:
                comboBox.setItemText(index, shown)
        longest = max([metrics.horizontalAdvance(text) for text in texts], default=0)
        popup.setMinimumWidth(longest + round(1.5 * metrics.height()) if longest > room else 0)
        self._lists[comboBox.objectName] = (*state[:2], comboBox.currentText, texts)

    def _fitLabel(self, label):
        seen = (label.width, label.text, label.fontMetrics().height())
        if self._seen.get(label.objectName) != seen:
            self._seen[label.objectName] = seen
            label.setMinimumHeight(0)  # Qt's answer is never less than the least height
            label.setMinimumHeight(max(label.heightForWidth(label.width), 0))


FULL_TEXT_ROLE = qt.Qt.UserRole + 1


def fullText(comboBox, index):
    """Text of a list's item, also where it is shown with "…"."""
    return comboBox.itemData(index, FULL_TEXT_ROLE) or comboBox.itemText(index)


def showText(label, text):
    """Show a text in a label, or hide a label that has none."""
    if label.text != text:
        label.text = text
    label.visible = bool(text)


def toolTip(*paragraphs):
    """Rich text of a tool tip, which Qt wraps as it does not wrap plain text."""
    return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs if paragraph)
