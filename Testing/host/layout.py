"""Stand-in of the layout manager: slice logics of the three standard views, no rendering.

Layouts are real (vtkMRMLLayoutLogic and its node), but live in a scene of their own: the views that a layout asks for
are known, not made.
"""

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

from .pythonqt import native, standIn

_VIEWS = (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal"))


class SliceLogicKeeper:
    """Keeps a slice logic with its nodes for every view, also after the scene was cleared."""

    def __init__(self, scene, applicationLogic):
        self.scene = scene
        self.applicationLogic = applicationLogic
        self.logics = {}
        self.restore()

    def restore(self):
        """Makes the views' nodes and logics that the scene lacks."""
        collection = vtk.vtkCollection()
        for name, orientation in _VIEWS:
            if self.scene.GetSingletonNode(name, "vtkMRMLSliceNode") is None:
                # A logic doesn't let go of a node that has left the scene, so it gets a successor.
                logic = slicer.vtkMRMLSliceLogic()
                logic.SetMRMLApplicationLogic(self.applicationLogic)
                logic.SetMRMLScene(self.scene)
                logic.AddSliceNode(name).SetOrientation(orientation)
                self.logics[name] = logic
            collection.AddItem(self.logics[name])
        self.applicationLogic.SetSliceLogics(collection)


@standIn
class qMRMLSliceWidget(native(QtWidgets.QWidget)):
    """A slice view that isn't drawn; its nodes and logic are real."""

    def __init__(self, name, keeper):
        super().__init__()
        self._hostName = name
        self._hostKeeper = keeper
        self.setObjectName(f"qMRMLSliceWidget{name}")

    def sliceLogic(self):
        return self._hostKeeper.logics[self._hostName]

    def mrmlSliceNode(self):
        return self.sliceLogic().GetSliceNode()

    def mrmlSliceCompositeNode(self):
        return self.sliceLogic().GetSliceCompositeNode()

    def fitSliceToBackground(self):
        self.sliceLogic().FitSliceToBackground()


@standIn
class qSlicerLayoutManager(native(QtCore.QObject)):
    """``slicer.app.layoutManager()``: layouts are remembered, and the three standard slice views are always there."""

    layoutChanged = QtCore.Signal(int)

    def __init__(self, keeper):
        super().__init__()
        self._hostKeeper = keeper
        self._hostWidgets = {}
        self._hostScene = slicer.vtkMRMLScene()
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self._hostScene)
        self._hostLogic = slicer.vtkMRMLLayoutLogic()
        self._hostLogic.SetMRMLScene(self._hostScene)
        self._hostNode.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        self._hostMapViews()

    @property
    def _hostNode(self):
        return self._hostLogic.GetLayoutNode()

    def sliceViewNames(self):
        return list(self._hostKeeper.logics)

    def sliceWidget(self, name):
        if name not in self._hostKeeper.logics:
            return None
        if name not in self._hostWidgets:
            self._hostWidgets[name] = qMRMLSliceWidget(name, self._hostKeeper)
        return self._hostWidgets[name]

    def mrmlSliceLogics(self):
        return self._hostKeeper.applicationLogic.GetSliceLogics()

    def layoutLogic(self):
        return self._hostLogic

    def setLayout(self, layout):
        """A number that no layout is registered under becomes the conventional layout, as in Slicer."""
        if layout == self.layout:
            return
        if not self._hostNode.IsLayoutDescription(layout):
            layout = slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView
        self._hostNode.SetViewArrangement(layout)
        self._hostMapViews()
        self.layoutChanged.emit(self.layout)

    def _hostShownViews(self):
        """Names of the views that the layout shows, from the first to the last."""
        return _viewNames(self._hostNode.GetLayoutRootElement())

    def _hostMapViews(self):
        for name, logic in self._hostKeeper.logics.items():
            logic.GetSliceNode().SetMappedInLayout(name in self._hostShownViews())

    def resetSliceViews(self):
        for logic in self._hostKeeper.logics.values():
            logic.FitSliceToBackground()

    def resetThreeDViews(self):
        """There are no 3D views."""

    def setRenderPaused(self, paused):
        """Nothing is rendered."""

    layout = QtCore.Property(int, lambda self: self._hostNode.GetViewArrangement(), setLayout)
    threeDViewCount = QtCore.Property(int, lambda self: 0)
    tableViewCount = QtCore.Property(int, lambda self: 0)
    plotViewCount = QtCore.Property(int, lambda self: 0)


def _viewNames(element):
    if element.GetName() == "view":
        return [element.GetAttribute("singletontag")]
    nested = [element.GetNestedElement(index) for index in range(element.GetNumberOfNestedElements())]
    return [name for each in nested for name in _viewNames(each)]
