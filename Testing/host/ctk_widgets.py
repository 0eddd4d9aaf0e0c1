"""Stand-ins of the CTK widgets that modules use in their panels."""

from PySide6 import QtCore, QtGui, QtWidgets

from .folding import Folding
from .pythonqt import native, standIn
from .stand_in import hostProperty

Signal = QtCore.Signal


@standIn
class ctkCollapsibleButton(Folding, native(QtWidgets.QAbstractButton)):
    """A header with an arrow above contents that fold away; checked means open."""

    contentsCollapsed = Signal(bool)
    collapsedHeight = hostProperty("collapsedHeight", int, 14, "updateGeometry")
    flat = hostProperty("flat", bool, False, "update")
    contentsLineWidth = hostProperty("contentsLineWidth", int, 1)
    contentsMidLineWidth = hostProperty("contentsMidLineWidth", int, 0)
    contentsFrameShape = hostProperty("contentsFrameShape", "QVariant")
    contentsFrameShadow = hostProperty("contentsFrameShadow", "QVariant")
    buttonTextAlignment = hostProperty("buttonTextAlignment", "QVariant")
    indicatorAlignment = hostProperty("indicatorAlignment", "QVariant")

    def __init__(self, text="", parent=None):
        if isinstance(text, QtWidgets.QWidget):
            text, parent = "", text
        super().__init__(parent)
        self._hostCollapsed = False
        self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QtWidgets.QSizePolicy.Minimum, QtWidgets.QSizePolicy.Preferred)
        self.setContentsMargins(0, self._hostHeaderSize().height(), 0, 0)
        self.setBackgroundRole(QtGui.QPalette.Window)
        self.toggled.connect(lambda isChecked: self._hostCollapse(not isChecked))

    def _hostReadCollapsed(self):
        return self._hostCollapsed

    def _hostWriteCollapsed(self, collapsed):
        self.setChecked(not collapsed) if self.isCheckable() else self._hostCollapse(bool(collapsed))

    collapsed = QtCore.Property(bool, _hostReadCollapsed, _hostWriteCollapsed, notify=contentsCollapsed)

    def _hostCollapse(self, collapsed):
        if collapsed == self._hostCollapsed:
            return
        self._hostCollapsed = collapsed
        self.setMaximumHeight(self._hostHeaderSize().height() + self.collapsedHeight if collapsed else 16777215)
        self._hostFoldAll()
        self.updateGeometry()
        self.contentsCollapsed.emit(collapsed)

    def _hostIsClosed(self):
        return self._hostCollapsed

    def _hostHeaderSize(self):
        metrics = self.fontMetrics()
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        indicator = self.style().pixelMetric(QtWidgets.QStyle.PM_IndicatorHeight, option, self)
        contents = QtCore.QSize(
            metrics.horizontalAdvance(QtWidgets.QAbstractButton.text(self) or "XXXX") + 2 * indicator,
            max(metrics.height(), indicator),
        )
        return self.style().sizeFromContents(QtWidgets.QStyle.CT_PushButton, option, contents, self)

    def sizeHint(self):
        header = self._hostHeaderSize()
        if self._hostCollapsed:
            return header + QtCore.QSize(0, self.collapsedHeight)
        inside = self.layout().totalSizeHint() if self.layout() is not None else QtCore.QSize()
        return inside.expandedTo(header + QtCore.QSize(0, self.collapsedHeight))

    def minimumSizeHint(self):
        header = self._hostHeaderSize()
        if self._hostCollapsed:
            return header + QtCore.QSize(0, self.collapsedHeight)
        return self.layout().totalMinimumSize().expandedTo(header) if self.layout() is not None else header

    def hitButton(self, position):
        return position.y() < self._hostHeaderSize().height()

    def paintEvent(self, event):
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        option.rect.setHeight(self._hostHeaderSize().height())
        option.state |= QtWidgets.QStyle.State_Sunken if self.isDown() else QtWidgets.QStyle.State_Raised
        painter.drawControl(QtWidgets.QStyle.CE_PushButtonBevel, option)
        side = self.style().pixelMetric(QtWidgets.QStyle.PM_IndicatorHeight, option, self)
        margin = (option.rect.height() - side) // 2
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(margin, margin, side, side)
        painter.drawPrimitive(
            QtWidgets.QStyle.PE_IndicatorArrowRight if self._hostCollapsed else QtWidgets.QStyle.PE_IndicatorArrowDown,
            arrow,
        )
        rect = option.rect.adjusted(2 * margin + side, 0, 0, 0)
        painter.drawItemText(
            rect,
            int(QtCore.Qt.AlignLeft.value | QtCore.Qt.AlignVCenter.value | QtCore.Qt.TextShowMnemonic.value),
            option.palette,
            self.isEnabled(),
            QtWidgets.QAbstractButton.text(self),
            QtGui.QPalette.ButtonText,
        )
        painter.end()


@standIn
class ctkCollapsibleGroupBox(Folding, native(QtWidgets.QGroupBox)):
    """A group box that folds its contents away when unchecked."""

    collapsedHeight = hostProperty("collapsedHeight", int, 14)

    def __init__(self, text="", parent=None):
        if isinstance(text, QtWidgets.QWidget):
            text, parent = "", text
        super().__init__(text, parent)
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self._hostExpand)

    def _hostReadCollapsed(self):
        return not self.isChecked()

    def _hostWriteCollapsed(self, collapsed):
        self.setChecked(not collapsed)

    collapsed = QtCore.Property(bool, _hostReadCollapsed, _hostWriteCollapsed)

    def _hostExpand(self, isOpen):
        self._hostFoldAll()
        self.setMaximumHeight(16777215 if isOpen else self.fontMetrics().height() + self.collapsedHeight)

    def _hostIsClosed(self):
        return not self.isChecked()


@standIn
class ctkComboBox(native(QtWidgets.QComboBox)):
    """A combo box with a text for "nothing chosen"."""

    defaultText = hostProperty("defaultText", str, "", "update")
    forceDefault = hostProperty("forceDefault", bool, False, "update")
    elideMode = hostProperty("elideMode", "QVariant")
    scrollWheelEffect = hostProperty("scrollWheelEffect", "QVariant")

    def paintEvent(self, event):
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionComboBox()
        self.initStyleOption(option)
        if self.defaultText and (self.forceDefault or QtWidgets.QComboBox.currentIndex(self) < 0):
            option.currentText = self.defaultText
        painter.drawComplexControl(QtWidgets.QStyle.CC_ComboBox, option)
        painter.drawControl(QtWidgets.QStyle.CE_ComboBoxLabel, option)
        painter.end()


@standIn
class ctkCheckBox(native(QtWidgets.QCheckBox)):
    """A check box (its own icons are not drawn)."""

    indicatorIcon = hostProperty("indicatorIcon", "QIcon")
    indicatorIconSize = hostProperty("indicatorIconSize", "QSize")


@standIn
class ctkPushButton(native(QtWidgets.QPushButton)):
    """A push button (its text alignment is not drawn)."""

    buttonTextAlignment = hostProperty("buttonTextAlignment", "QVariant")
    iconAlignment = hostProperty("iconAlignment", "QVariant")
    elideMode = hostProperty("elideMode", "QVariant")


@standIn
class ctkFittedTextBrowser(native(QtWidgets.QTextBrowser)):
    """A text browser as tall as its text."""

    disableMouseScroll = hostProperty("disableMouseScroll", bool, False)
    collapsed = hostProperty("collapsed", bool, True)
    showDetailsText = hostProperty("showDetailsText", str, "Show details...")
    hideDetailsText = hostProperty("hideDetailsText", str, "Hide details.")

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setVerticalScrollBarPolicy(QtCore.Qt.ScrollBarAlwaysOff)
        self.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Fixed)
        self.textChanged.connect(self.updateGeometry)

    def sizeHint(self):
        width = max(self.viewport().width(), 50)
        document = QtWidgets.QTextEdit.document(self).clone()
        document.setTextWidth(width)
        return QtCore.QSize(width, int(document.size().height()) + 2 * self.frameWidth)

    def minimumSizeHint(self):
        return QtCore.QSize(50, self.sizeHint().height())

    def resizeEvent(self, event):
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.updateGeometry()
