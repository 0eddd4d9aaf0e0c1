"""Stand-ins of the other qMRML and qSlicer widgets."""

from PySide6 import QtCore, QtWidgets

from .ctk_number_widgets import ctkDoubleSpinBox, ctkSliderWidget
from .ctk_widgets import ctkCollapsibleButton
from .pythonqt import native, standIn

Signal = QtCore.Signal
_SCENE_SIGNAL = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged"}


@standIn
class qMRMLWidget(native(QtWidgets.QWidget)):
    """A widget that passes the scene on to those connected to it."""

    _hostSignatures = _SCENE_SIGNAL
    mrmlSceneChanged = Signal(object)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._hostScene = None

    def mrmlScene(self):
        return self._hostScene

    def setMRMLScene(self, scene):
        if scene is not self._hostScene:
            self._hostScene = scene
            self.mrmlSceneChanged.emit(scene)


@standIn
class qSlicerWidget(qMRMLWidget):
    """A widget of the application that knows the scene."""

    _hostSignatures = _SCENE_SIGNAL


@standIn
class qMRMLCollapsibleButton(ctkCollapsibleButton):
    """A collapsible button that passes the scene on."""

    _hostSignatures = _SCENE_SIGNAL
    mrmlSceneChanged = Signal(object)

    def __init__(self, text="", parent=None):
        super().__init__(text, parent)
        self._hostScene = None

    def mrmlScene(self):
        return self._hostScene

    def setMRMLScene(self, scene):
        if scene is not self._hostScene:
            self._hostScene = scene
            self.mrmlSceneChanged.emit(scene)


@standIn
class qMRMLSliderWidget(ctkSliderWidget):
    """A slider (units of the scene are not applied)."""

    _hostSignatures = ctkSliderWidget._hostSignatures

    def setMRMLScene(self, scene):
        """Units are not applied, so the scene isn't needed."""


@standIn
class qMRMLSpinBox(ctkDoubleSpinBox):
    """A spin box (units of the scene are not applied)."""

    _hostSignatures = ctkDoubleSpinBox._hostSignatures

    def setMRMLScene(self, scene):
        """Units are not applied, so the scene isn't needed."""
