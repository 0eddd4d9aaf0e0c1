"""Stand-ins of the other qMRML and qSlicer widgets."""

from PySide6 import QtCore, QtWidgets

from .ctk_number_widgets import ctkDoubleSpinBox, ctkSliderWidget
from .ctk_widgets import ctkCollapsibleButton
from .pythonqt import native, standIn

Signal = QtCore.Signal


class _KnowsTheScene:
    """What a widget with the signal ``mrmlSceneChanged`` needs to keep the scene and pass it on."""

    _hostSignatures = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged"}
    _hostScene = None

    def mrmlScene(self):
        return self._hostScene

    def setMRMLScene(self, scene):
        if scene is not self._hostScene:
            self._hostScene = scene
            self.mrmlSceneChanged.emit(scene)


@standIn
class qMRMLWidget(_KnowsTheScene, native(QtWidgets.QWidget)):
    """A widget that passes the scene on to those connected to it."""

    mrmlSceneChanged = Signal(object)


@standIn
class qSlicerWidget(qMRMLWidget):
    """A widget of the application that knows the scene."""


@standIn
class qMRMLCollapsibleButton(_KnowsTheScene, ctkCollapsibleButton):
    """A collapsible button that passes the scene on."""

    mrmlSceneChanged = Signal(object)


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
