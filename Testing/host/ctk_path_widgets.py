"""Stand-ins of the CTK widgets that choose files and folders. Their dialogs never open; a test sets the path."""

from PySide6 import QtCore, QtWidgets

from .pythonqt import native, standIn
from .stand_in import hostProperty

Signal = QtCore.Signal
_QWidget = native(QtWidgets.QWidget)


@standIn
class ctkPathLineEdit(_QWidget):
    """An editable path with a history and a browse button."""

    Dirs, Files, Drives, Readable, Writable, Executable = 1, 2, 4, 16, 32, 64

    _hostSignatures = {"currentPathChanged(QString)": "currentPathChanged"}
    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)
    label = hostProperty("label", str, "")
    filters = hostProperty("filters", "QVariant", Files)
    nameFilters = hostProperty("nameFilters", "QStringList", [])
    settingKey = hostProperty("settingKey", str, "")
    minimumContentsLength = hostProperty("minimumContentsLength", int, 0)
    sizeAdjustPolicy = hostProperty("sizeAdjustPolicy", "QVariant")
    options = hostProperty("options", "QVariant")
    showHistoryButton = hostProperty("showHistoryButton", bool, True)
    showBrowseButton = hostProperty("showBrowseButton", bool, True, "_hostShowBrowse")

    def __init__(self, parent=None):
        super().__init__(parent)
        self._hostCombo = native(QtWidgets.QComboBox)()
        self._hostCombo.setEditable(True)
        self._hostCombo.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Fixed)
        self._hostCombo.editTextChanged.connect(self.currentPathChanged)
        self._hostBrowse = QtWidgets.QToolButton()
        self._hostBrowse.setText("…")
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._hostCombo)
        row.addWidget(self._hostBrowse)

    def _hostShowBrowse(self):
        self._hostBrowse.setVisible(self.showBrowseButton)

    def comboBox(self):
        return self._hostCombo

    def setCurrentPath(self, path):
        self._hostCombo.setEditText(str(path))

    def addCurrentPathToHistory(self):
        """Puts the path on top of the history."""
        self._hostCombo.insertItem(0, self.currentPath)

    def retrieveHistory(self):
        """The history of a stand-in is empty."""

    currentPath = QtCore.Property(
        str, lambda self: self._hostCombo.property("currentText"), setCurrentPath, notify=currentPathChanged
    )


@standIn
class ctkDirectoryButton(_QWidget):
    """A button that shows a folder."""

    _hostSignatures = {
        "directoryChanged(QString)": "directoryChanged",
        "directorySelected(QString)": "directorySelected",
    }
    directoryChanged = Signal(str)
    directorySelected = Signal(str)
    directory = hostProperty("directory", str, "", "_hostChanged")
    caption = hostProperty("caption", str, "")
    text = hostProperty("text", str, "", "_hostShow")
    acceptMode = hostProperty("acceptMode", "QVariant")
    elideMode = hostProperty("elideMode", "QVariant")
    options = hostProperty("options", "QVariant")

    def __init__(self, parent=None):
        super().__init__(parent)
        self._hostButton = QtWidgets.QPushButton()
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._hostButton)

    def _hostShow(self):
        self._hostButton.setText(self.text or self.directory)

    def _hostChanged(self):
        self._hostShow()
        self.directoryChanged.emit(self.directory)
