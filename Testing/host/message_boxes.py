"""Message boxes and file dialogs that never wait for anybody.

Each one shown is recorded in :data:`shown`; :data:`answers` says which button is "pressed" (by default the first of
OK, Yes, Save, ..., as an agreeing user would).
"""

import dataclasses

from PySide6 import QtWidgets

from .pythonqt import native

_BoxBase = native(QtWidgets.QMessageBox)
_AGREEING = ("Ok", "Yes", "Save", "Open", "Retry", "Close", "Cancel", "No")


@dataclasses.dataclass(frozen=True)
class Message:
    """What a box said and what it was answered.

    Args:
        kind: "information", "warning", "critical", "question" or "none".
        title: window title.
        text: main text.
        detail: informative and detailed text.
        answer: name of the button that was pressed, for example "Ok".
    """

    kind: str
    title: str
    text: str
    detail: str
    answer: str


shown = []
answers = []
openedUrls = []


class QDesktopServices:
    """``qt.QDesktopServices``: what would be shown in a browser is noted in :data:`openedUrls`."""

    @staticmethod
    def openUrl(url):
        openedUrls.append(url.toString())
        return True


def takeAnswer(buttons):
    """The next configured answer, or an agreeing one among the buttons there are."""
    if answers:
        name = answers.pop(0)
    else:
        name = next((each for each in _AGREEING if getattr(QtWidgets.QMessageBox, each) & buttons), "Ok")
    return name


class _Box(_BoxBase):
    """What is shared by both boxes: exec answers at once."""

    def _hostRun(self):
        buttons = self.standardButtons
        name = takeAnswer(buttons)
        icon = QtWidgets.QMessageBox.icon(self)
        shown.append(
            Message(
                icon.name.replace("NoIcon", "none").lower(),
                self.windowTitle,
                self.text,
                "\n".join(filter(None, (self.informativeText, self.detailedText))),
                name,
            )
        )
        return getattr(QtWidgets.QMessageBox, name)

    def exec(self):
        return self._hostRun()

    def exec_(self):
        return self._hostRun()


class QMessageBox(_Box):
    """``qt.QMessageBox``."""

    _hostNative = QtWidgets.QMessageBox

    @staticmethod
    def _hostStatic(kind):
        def show(parent, title, text, buttons=QtWidgets.QMessageBox.Ok, default=QtWidgets.QMessageBox.NoButton):
            name = takeAnswer(buttons)
            shown.append(Message(kind, title, text, "", name))
            return getattr(QtWidgets.QMessageBox, name)

        return staticmethod(show)


for _kind in ("information", "warning", "critical", "question"):
    setattr(QMessageBox, _kind, QMessageBox._hostStatic(_kind))
del _kind


class ctkMessageBox(_Box):
    """CTK's message box with "don't show again", which is never ticked here."""

    _hostStandIn = True


paths = []


class QFileDialog(native(QtWidgets.QFileDialog)):
    """``qt.QFileDialog``: its static functions return the configured :data:`paths`, or nothing (cancelled)."""

    _hostNative = QtWidgets.QFileDialog

    @staticmethod
    def _hostPath(*arguments):
        return paths.pop(0) if paths else ""

    getOpenFileName = getSaveFileName = getExistingDirectory = _hostPath

    @staticmethod
    def getOpenFileNames(*arguments):
        return [paths.pop(0)] if paths else []


def dialogs():
    """What replaces Qt's dialogs in the module ``qt``."""
    return {"QMessageBox": QMessageBox, "QFileDialog": QFileDialog}
