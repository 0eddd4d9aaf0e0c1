"""A small scripted module that the tests of the host open."""

import enum
from typing import Annotated, Optional

import qt
import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import Choice, Default, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class Example(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Example")
        self.parent.categories = [_("Testing")]
        self.parent.dependencies = []
        self.parent.contributors = ["The project"]
        self.parent.helpText = _("Adds a number to every voxel.")
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="Example",
        sampleName="ExampleHead",
        uris="https://example.org/head.nrrd",
        fileNames="head.nrrd",
        nodeNames="Head",
        checksums="SHA256:0",
    )


class Direction(enum.Enum):
    UP = "up"
    DOWN = "down"

    def label(self):
        return {"up": _("Upwards"), "down": _("Downwards")}[self.value]


@parameterNodeWrapper
class ExampleParameterNode:
    inputVolume: vtkMRMLScalarVolumeNode
    outputVolume: Optional[vtkMRMLScalarVolumeNode]
    amount: Annotated[float, WithinRange(0, 100)] = 10
    direction: Direction = Direction.UP
    colour: Annotated[str, Choice(["red", "green"]), Default("green")]
    keepName: bool = True
    note: str = "nothing"


class ExampleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/Example.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = ExampleLogic()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.ui.applyButton.connect("clicked(bool)", self.onApplyButton)
        self.initializeParameterNode()

    def cleanup(self):
        self.removeObservers()

    def enter(self):
        self.initializeParameterNode()

    def exit(self):
        self.setParameterNode(None)

    def onSceneStartClose(self, caller, event):
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event):
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        self.setParameterNode(self.logic.getParameterNode())
        if not self._parameterNode.inputVolume:
            self._parameterNode.inputVolume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")

    def setParameterNode(self, parameterNode):
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.checkCanApply)
        self._parameterNode = parameterNode
        if self._parameterNode:
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.checkCanApply)
            self.checkCanApply()

    def checkCanApply(self, caller=None, event=None):
        self.ui.applyButton.enabled = bool(self._parameterNode and self._parameterNode.inputVolume)

    def onApplyButton(self):
        with slicer.util.tryWithErrorDisplay(_("Could not add."), waitCursor=True):
            node = self._parameterNode
            node.outputVolume = self.logic.process(node.inputVolume, node.amount, self.showProgress)
            slicer.util.showStatusMessage(_("Done"))

    def showProgress(self, percent):
        self.ui.progressBar.value = percent
        slicer.app.processEvents()


class ExampleLogic(ScriptedLoadableModuleLogic):
    def getParameterNode(self):
        return ExampleParameterNode(super().getParameterNode())

    def process(self, volume, amount, progress=None):
        if amount == 0:
            raise ValueError("The amount is zero: choose another one.")
        result = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, volume, volume.GetName() + " plus")
        array = slicer.util.arrayFromVolume(result)
        array += type(array.flat[0])(amount)
        slicer.util.arrayFromVolumeModified(result)
        if progress:
            progress(100)
        return result


class ExampleTest(ScriptedLoadableModuleTest):
    def setUp(self):
        slicer.mrmlScene.Clear()

    def test_amount_is_added(self):
        import numpy as np

        volume = slicer.util.addVolumeFromArray(np.zeros((4, 5, 6), np.float32))
        result = ExampleLogic().process(volume, 3.0)
        self.assertTrue((slicer.util.arrayFromVolume(result) == 3).all())
        self.delayDisplay("Added")

    def test_timer_fires(self):
        fired = []
        qt.QTimer.singleShot(1, lambda: fired.append(True))
        while not fired:
            slicer.app.processEvents()
