"""Stand-ins of the main window and its module selector."""

import slicer
from PySide6 import QtCore, QtWidgets

from .pythonqt import native, standIn


@standIn
class qSlicerModuleSelectorToolBar(native(QtWidgets.QToolBar)):
    """Switches between modules: leaves the old panel, enters the new one."""

    _hostSignatures = {"moduleSelected(QString)": "moduleSelected"}
    moduleSelected = QtCore.Signal(str)

    def __init__(self, window):
        super().__init__(window)
        self._hostWindow = window
        self._hostSelected = ""

    def selectModule(self, name):
        if name == self._hostSelected:
            return
        manager = slicer.app.moduleManager()
        module = manager.module(name)
        old = manager.module(self._hostSelected)
        if old is not None and old._hostWidget is not None:
            old._hostWidget.exit()
        self._hostSelected = name if module is not None else ""
        if module is not None:
            widget = module.widgetRepresentation()
            self._hostWindow._hostShowPanel(widget)
            widget.enter()
        self.moduleSelected.emit(name)

    selectedModule = QtCore.Property(str, lambda self: self._hostSelected, selectModule)


@standIn
class qSlicerMainWindow(native(QtWidgets.QMainWindow)):
    """A main window with a status bar, a module selector and a scrollable module panel."""

    def __init__(self):
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self._hostSelector = qSlicerModuleSelectorToolBar(self)
        self._hostScroll = QtWidgets.QScrollArea(self)
        self._hostScroll.setWidgetResizable(True)
        self.setCentralWidget(self._hostScroll)
        self.statusBar()

    def moduleSelector(self):
        return self._hostSelector

    def _hostShowPanel(self, widget):
        previous = self._hostScroll.takeWidget()
        if previous is not None and previous is not widget:
            previous.setParent(None)
        self._hostScroll.setWidget(widget)
        widget.show()
