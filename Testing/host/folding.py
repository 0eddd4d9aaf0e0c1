"""How CTK's sections hide what is in them."""

from PySide6 import QtCore, QtWidgets

_WISH = "visibilityToParent"  # CTK's own dynamic property


class Folding:
    """Part of a section that can be closed: its children are hidden then, whoever shows them meanwhile.

    A child that a module shows while the section is closed appears when it is opened; one that a module hides stays
    hidden. The section says whether it is closed by ``_hostIsClosed()``.
    """

    _hostForcing = False

    def childEvent(self, event):
        # Not at ChildAdded: PySide6 has no finished object to show yet.
        if event.type() == QtCore.QEvent.ChildPolished and event.child().isWidgetType():
            event.child().installEventFilter(self)
        super().childEvent(event)

    def eventFilter(self, child, event):
        if not self._hostForcing and event.type() == QtCore.QEvent.ShowToParent:
            child.setProperty(_WISH, True)
            self._hostFold(child)
        elif not self._hostForcing and event.type() == QtCore.QEvent.HideToParent:
            child.setProperty(_WISH, False)
        return False

    def _hostFoldAll(self):
        for child in QtCore.QObject.children(self):
            if isinstance(child, QtWidgets.QWidget):
                child.installEventFilter(self)
                if (
                    child.property(_WISH) is None
                    and self._hostIsClosed()
                    and child.testAttribute(QtCore.Qt.WA_WState_ExplicitShowHide)
                ):
                    child.setProperty(_WISH, not child.isHidden())
                self._hostFold(child)

    def _hostFold(self, child):
        self._hostForcing = True
        wished = child.property(_WISH) is not False
        QtWidgets.QWidget.setVisible(child, wished and not self._hostIsClosed())
        if wished:
            child.setAttribute(QtCore.Qt.WA_WState_ExplicitShowHide, False)
        self._hostForcing = False
