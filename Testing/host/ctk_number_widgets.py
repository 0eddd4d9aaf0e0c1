"""Stand-ins of the CTK widgets that show a number."""

from PySide6 import QtCore, QtWidgets

from .pythonqt import native, standIn
from .stand_in import forwardedProperty, hostProperty

Signal = QtCore.Signal
_UNBOUNDED = 1e300


class _Number(native(QtWidgets.QWidget)):
    """What the widgets around a double spin box share."""

    valueChanged = Signal(float)
    decimalsChanged = Signal(int)
    decimals = forwardedProperty("decimals", int, "_hostSpinBox")
    singleStep = forwardedProperty("singleStep", float, "_hostSpinBox")
    prefix = forwardedProperty("prefix", str, "_hostSpinBox")
    suffix = forwardedProperty("suffix", str, "_hostSpinBox")

    def __init__(self, parent=None):
        super().__init__(parent)
        self._hostSpinBox = QtWidgets.QDoubleSpinBox()
        self._hostSpinBox.valueChanged.connect(self._hostSpinBoxChanged)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._hostFill(row)

    def _hostFill(self, row):
        row.addWidget(self._hostSpinBox)

    def _hostSpinBoxChanged(self, value):
        self.valueChanged.emit(value)

    def _hostReadMinimum(self):
        return self._hostSpinBox.property("minimum")

    def _hostWriteMinimum(self, value):
        self._hostSpinBox.setMinimum(max(value, -_UNBOUNDED))

    def _hostReadMaximum(self):
        return self._hostSpinBox.property("maximum")

    def _hostWriteMaximum(self, value):
        self._hostSpinBox.setMaximum(min(value, _UNBOUNDED))

    def _hostReadValue(self):
        return self._hostSpinBox.property("value")

    def setValue(self, value):
        self._hostSpinBox.setValue(float(value))

    def setDecimals(self, decimals):
        self._hostSpinBox.setDecimals(decimals)

    minimum = QtCore.Property(float, _hostReadMinimum, _hostWriteMinimum)
    maximum = QtCore.Property(float, _hostReadMaximum, _hostWriteMaximum)
    value = QtCore.Property(float, _hostReadValue, setValue, notify=valueChanged)


@standIn
class ctkDoubleSpinBox(_Number):
    """A double spin box that is a QWidget."""

    _hostSignatures = {"valueChanged(double)": "valueChanged"}
    editingFinished = Signal()
    readOnly = forwardedProperty("readOnly", bool, "_hostSpinBox")
    cleanText = forwardedProperty("cleanText", str, "_hostSpinBox")

    def __init__(self, parent=None):
        super().__init__(parent)
        self._hostSpinBox.editingFinished.connect(self.editingFinished)


@standIn
class ctkSliderWidget(_Number):
    """A slider and a spin box that show one number."""

    _hostSignatures = {"valueChanged(double)": "valueChanged", "valueIsChanging(double)": "valueIsChanging"}
    valueIsChanging = Signal(float)
    pageStep = hostProperty("pageStep", float, 10.0)
    tracking = hostProperty("tracking", bool, True)
    tickInterval = hostProperty("tickInterval", float, 0.0)
    popupSlider = hostProperty("popupSlider", bool, False)

    def _hostFill(self, row):
        self._hostSlider = QtWidgets.QSlider(QtCore.Qt.Horizontal)
        self._hostSlider.setRange(0, 1000)
        self._hostSlider.sliderMoved.connect(self._hostSliderMoved)
        row.addWidget(self._hostSlider, 1)
        row.addWidget(self._hostSpinBox)

    def _hostSliderMoved(self, position):
        low, high = self.minimum, self.maximum
        self.valueIsChanging.emit(low + (high - low) * position / 1000)
        self.setValue(low + (high - low) * position / 1000)

    def _hostSpinBoxChanged(self, value):
        low, high = self.minimum, self.maximum
        self._hostSlider.setValue(round(1000 * (value - low) / (high - low)) if high > low else 0)
        super()._hostSpinBoxChanged(value)

    def reset(self):
        self.setValue(0.0)

    def setSpinBoxVisible(self, visible):
        self._hostSpinBox.setVisible(visible)

    spinBoxVisible = QtCore.Property(bool, lambda self: not self._hostSpinBox.isHidden(), setSpinBoxVisible)
