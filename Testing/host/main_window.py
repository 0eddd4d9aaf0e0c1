"""Stand-ins of the main window and its module selector."""

import shiboken6
import slicer
from PySide6 import QtCore, QtWidgets

from .ctk_widgets import ctkCollapsibleButton
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


class ModulePanelScroll(QtWidgets.QScrollArea):
    """Slicer's panel of a module: help above, the module's widget below, never narrower than what they ask for."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarAlwaysOff)
        contents = QtWidgets.QFrame()
        column = QtWidgets.QVBoxLayout(contents)
        column.setContentsMargins(0, 0, 0, 0)
        self.help = ctkCollapsibleButton("Help && Acknowledgement")
        QtWidgets.QVBoxLayout(self.help).addWidget(QtWidgets.QLabel("Help"))
        self.help.collapsed = True
        column.addWidget(self.help)
        column.addStretch(0)
        self.setWidget(contents)
        contents.installEventFilter(self)
        self.panel = None

    def show_panel(self, panel):
        column = self._column()
        if self.panel is not None and self.panel is not panel and shiboken6.isValid(self.panel):
            column.removeWidget(self.panel)
            self.panel.setParent(None)
        self.panel = panel
        QtWidgets.QWidget.layout(panel).setContentsMargins(0, 0, 0, 0)
        column.insertWidget(1, panel, 1)
        # So the module is never narrower than the size that it would like to have.
        panel.setSizePolicy(
            QtWidgets.QSizePolicy(QtWidgets.QSizePolicy.Minimum, QtWidgets.QWidget.sizePolicy(panel).verticalPolicy())
        )
        panel.show()

    def eventFilter(self, watched, event):
        if event.type() in (QtCore.QEvent.LayoutRequest, QtCore.QEvent.Resize):
            # So the dock grows with a module that asks for more than it is wide.
            # The horizontal bar's length, of all things, is what Slicer adds.
            bar = QtWidgets.QScrollBar(QtCore.Qt.Horizontal).property("sizeHint")
            self.setMinimumWidth(self._column().totalMinimumSize().width() + bar.width())
        return super().eventFilter(watched, event)

    def _column(self):
        return QtWidgets.QWidget.layout(QtWidgets.QScrollArea.widget(self))


@standIn
class qSlicerMainWindow(native(QtWidgets.QMainWindow)):
    """A main window of 1280 x 900: tool bar, views (empty here), status bar, and on the left a dock of 299 points.

    The dock holds the module's panel with Slicer's help above it, and the open Data Probe below.
    """

    _hostDockWidth = 299

    def __init__(self):
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self._hostSelector = qSlicerModuleSelectorToolBar(self)
        self._hostSelector.setFixedHeight(40)
        self.addToolBar(self._hostSelector)
        self.menuBar().addMenu("File")
        views = QtWidgets.QFrame()
        views.setStyleSheet("background: black")
        self.setCentralWidget(views)
        self.statusBar().setFixedHeight(36)
        self._hostScroll = ModulePanelScroll()
        self._hostDock = QtWidgets.QDockWidget("3D Slicer", self)
        self._hostDock.setTitleBarWidget(_titleBar())
        contents = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(contents)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._hostScroll, 1)
        column.addWidget(_dataProbe())
        self._hostDock.setWidget(contents)
        self.addDockWidget(QtCore.Qt.LeftDockWidgetArea, self._hostDock)
        self._hostResize(self._hostDockWidth)

    def moduleSelector(self):
        return self._hostSelector

    def _hostResize(self, dockWidth, size=(1280, 900)):
        """Gives the window and its dock their sizes; a module that asks for more makes the dock wider."""
        self.resize(*size)
        self.resizeDocks([self._hostDock], [dockWidth], QtCore.Qt.Horizontal)

    def _hostShowPanel(self, widget):
        self._hostScroll.show_panel(widget)


def _titleBar():
    title = QtWidgets.QLabel("3D Slicer")
    title.setFixedHeight(40)
    return title


def _dataProbe():
    probe = ctkCollapsibleButton("Data Probe")
    column = QtWidgets.QVBoxLayout(probe)
    column.addWidget(QtWidgets.QCheckBox("Show Zoomed Slice"))
    letters = QtWidgets.QLabel("\nL\nF\nB")
    letters.setFixedHeight(110)
    column.addWidget(letters)
    probe.setSizePolicy(QtWidgets.QSizePolicy.Preferred, QtWidgets.QSizePolicy.Fixed)
    return probe
