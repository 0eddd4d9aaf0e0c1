"""The panel: what the user chooses goes to the parameter node, the button starts a job of the logic."""

import sys

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from ..jobs import installation
from ..jobs.inspection import Inspection
from ..jobs.worker_client import STOPPED
from ..logic import CHARMSSRLogic
from ..scene.input_checks import VoxelChecks
from .choice_texts import explainChoices
from .enhancement_start import startedJob
from .fine_tune_panel import FineTunePanel
from .fitted_widgets import fittedTextsOf
from .followed_volumes import FollowedVolumes
from .list_items import ItemDataConnector
from .machine_panel import MISSING_BACKEND, MachinePanel
from .model_panel import MISSING_TEXT, ModelPanel
from .noise_panel import NoisePanel
from .result_panel import ResultPanel
from .run_panel import RunPanel
from .scan_panel import ScanPanel
from .scene_watch import SceneWatch
from .section_headers import SectionHeaders


class CHARMSSRWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Panel of the module."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.job = None
        self._cancelling = False
        self._parameterNode = None
        self._guiTags = []
        self._followedInput = FollowedVolumes(self._refresh)
        self._chosenBefore = self._stateBefore = None
        self._voxelChecks = VoxelChecks()

    def setup(self):
        """Build the panel."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/CHARMSSR.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        self._uiWidget = uiWidget
        uiWidget.setMRMLScene(slicer.mrmlScene)

        self.logic = CHARMSSRLogic()
        self._fitted = fittedTextsOf(self.ui)
        self._modelPanel = ModelPanel(self.ui)
        self._noisePanel = NoisePanel(self.ui)
        self._scanPanel = ScanPanel(self.ui)
        self._inspection = Inspection(self.logic.worker, self._refresh)
        self._machinePanel = MachinePanel(self.ui, self.logic.worker, self._onModelsChanged)
        self._headers = SectionHeaders(self.ui, self._fitted, self._modelPanel, self._noisePanel, self._machinePanel)
        self._runPanel = RunPanel(self.ui)
        self._resultPanel = ResultPanel(self.ui)
        self.fineTunePanel = FineTunePanel(
            self.ui.fineTuneCollapsibleButton.layout(), lambda name: self.resourcePath("UI/" + name), self.logic,
            self._onModelsChanged, self._useModel,
        )  # fmt: skip
        self.ui.fineTuneCollapsibleButton.collapsed = True

        self._sceneWatch = SceneWatch(self)
        self.logic.worker.addListener(self._refresh)
        self.ui.enhanceButton.connect("clicked(bool)", self.onEnhanceButton)
        self.ui.installButton.connect("clicked(bool)", self.onInstallButton)
        self.initializeParameterNode()

    def cleanup(self):
        """The module is reloaded or the application ends: drop a running job, end the worker."""
        if self.logic is None:  # setup failed
            return
        self.logic.worker.removeListener(self._refresh)
        self.job = None
        self._inspection.stop()
        self.fineTunePanel.cleanup()
        self.setParameterNode(None)
        self._resultPanel.stop()
        self._sceneWatch.stop()
        self.removeObservers()
        self._uiWidget.setMRMLScene(None)  # a reload leaves the old widgets to Qt, which deletes them later
        self.logic.stopEverything()

    def enter(self):
        """The user opens the module: get the worker ready while they choose a volume."""
        self.initializeParameterNode()
        if self.logic.worker.state == STOPPED:
            self.logic.worker.start()

    def exit(self):
        """The user opens another module: the panel need not follow the parameter node."""
        self._disconnectGui()

    def onReload(self):
        """Developer's reload button: the files of the helper package are to be read again, too."""
        for name in list(sys.modules):
            if name.split(".")[0] in ("CHARMSSRModule", "CHARMSSRLib"):
                del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    # Parameter node

    def initializeParameterNode(self):
        """Take the scene's parameter node, and the first volume if none is chosen."""
        self.setParameterNode(self.logic.getParameterNode())
        if self._parameterNode.inputVolume is None:
            volume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
            if volume is not None and volume.GetClassName() == "vtkMRMLScalarVolumeNode":
                self._parameterNode.inputVolume = volume

    def setParameterNode(self, parameterNode):
        """Bind the panel to a parameter node; None unbinds it."""
        self._disconnectGui()
        self._parameterNode = parameterNode
        if parameterNode is None:
            self._resultPanel.refresh(None)
            return
        self._modelPanel.fill(parameterNode.checkpoint)
        self._machinePanel.fillBackends(parameterNode.skullStrip)
        self._guiTags = [
            parameterNode.connectGui(self.ui),
            parameterNode.connectParametersToGui(
                {
                    "checkpoint": ItemDataConnector(self.ui.checkpointComboBox, MISSING_TEXT),
                    "skullStrip": ItemDataConnector(self.ui.skullStripComboBox, MISSING_BACKEND),
                }
            ),
        ]
        self.fineTunePanel.setParameterNode(parameterNode.parameterNode)
        self.addObserver(parameterNode.parameterNode, vtk.vtkCommand.ModifiedEvent, self._refresh)
        self._refresh()

    def _disconnectGui(self):
        if self._parameterNode is None:
            return
        for tag in self._guiTags:
            self._parameterNode.disconnectGui(tag)
        self._guiTags = []
        self.fineTunePanel.setParameterNode(None)
        self._followedInput.follow([])
        node = self._parameterNode.parameterNode
        if self.hasObserver(node, vtk.vtkCommand.ModifiedEvent, self._refresh):
            self.removeObserver(node, vtk.vtkCommand.ModifiedEvent, self._refresh)

    # What happens to the scene

    def onSceneStartClose(self):
        """Of the scene watch."""
        self._resultPanel.forgetViews()
        self._runPanel.clear()  # a running job hears of it after this, and has something to say
        self.setParameterNode(None)

    def onSceneStartImport(self):
        """Of the scene watch."""
        # While a scene is read the selectors lose their nodes and take others, which would be written into the
        # parameter node that has just been read.
        self.setParameterNode(None)

    def onSceneIsThere(self):
        """Of the scene watch."""
        if self.parent.isEntered and not slicer.mrmlScene.IsImporting():
            self.initializeParameterNode()

    def onNodeAboutToBeRemoved(self, node):
        """Let go of a node before a selector does: that would choose its neighbour in the list."""
        if self._parameterNode is None or slicer.mrmlScene.IsClosing():
            return
        for name in ("inputVolume", "outputVolume", "maskNode"):
            if getattr(self._parameterNode, name) is node:
                setattr(self._parameterNode, name, None)
        self._resultPanel.beforeRemoval(node)
        self.fineTunePanel.table.forget(node)

    def onNodeRemoved(self, node):
        """Of the scene watch."""
        if self._parameterNode is not None and node.IsA("vtkMRMLVolumeNode"):  # perhaps a map of the result
            self._resultPanel.refresh(self._parameterNode)

    # What the panel shows

    def _refresh(self, caller=None, event=None):
        """Bring the panel up to date with parameters, worker and job."""
        parameters = self._parameterNode
        if parameters is None:
            return
        self._followedInput.follow([] if parameters.inputVolume is None else [parameters.inputVolume])
        reason = self._reasonAgainstInput()
        self._inspection.look(None if reason else parameters.inputVolume)
        self._modelPanel.describe(
            parameters.checkpoint,
            parameters.inputVolume,
            parameters.planes.value,
            reason,
            self._inspection.acquisition,
            parameters.resolution.value,
        )
        self._scanPanel.show(self._inspection, parameters.biasCorrection)
        explainChoices(self.ui, parameters)
        self._noisePanel.refresh(parameters, self._modelPanel.card(parameters.checkpoint))
        self._machinePanel.refresh(parameters.skullStrip)
        self._headers.show(parameters)
        if parameters.inputVolume is not self._chosenBefore:
            self._chosenBefore = parameters.inputVolume
            self._runPanel.forgetDone()
            if parameters.inputVolume is not None:  # the removal of a volume may be what there is to say
                self._runPanel.forgetOutcome()
        if parameters.parameterNode.GetMTime() != self._stateBefore:
            self._stateBefore = parameters.parameterNode.GetMTime()
            self._runPanel.forgetRefusal()
        missing = self._runPanel.showNotice(self.logic.worker.startError)
        if self.job is not None:
            self._runPanel.showRunning(self.job, self._cancelling, parameters.inputVolume)
        else:
            self._runPanel.showReady(missing or self._reasonNotToStart())
        self._resultPanel.refresh(parameters)
        self.fineTunePanel.refresh()

    def _reasonNotToStart(self):
        parameters = self._parameterNode
        reason = (
            self.logic.reasonToWait()
            or self._reasonAgainstInput()
            or self.logic.reasonNotToStart(parameters.inputVolume, parameters.outputVolume, parameters.maskNode)
        )
        return reason or self._modelPanel.reasonNotToUse(parameters.checkpoint)

    def _reasonAgainstInput(self):
        node = self._parameterNode.inputVolume
        return self.logic.reasonNotToStart(node) or self._voxelChecks.reason(node)

    # Buttons

    def onEnhanceButton(self, checked=False):
        """Start, or cancel what runs."""
        if self.job is not None:
            self._cancelling = True
            self.job.cancel()
            return
        self._runPanel.clear()
        try:
            job = startedJob(self.logic, self._parameterNode, self._noisePanel.setting())
        except (ValueError, RuntimeError) as error:
            self._runPanel.showRefusal(error)
            return
        self.job, self._cancelling = job, False
        job.onProgressCall(self._onProgress)
        job.onEndCall(self._onJobEnd)
        self._refresh()

    def onInstallButton(self, checked=False):
        """Install ncnn and safetensors after one question, then try the worker again."""
        with slicer.util.tryWithErrorDisplay(_("ncnn could not be installed."), waitCursor=True):
            if installation.install():
                self.logic.worker.start()

    # The job

    def _onProgress(self, fraction, message):
        if self.job is not None and self._parameterNode is not None:
            self._runPanel.showRunning(self.job, self._cancelling, self._parameterNode.inputVolume)

    def _onJobEnd(self, job):
        if self.job is not job:  # the panel has let go of it
            return
        self.job, self._cancelling = None, False
        self.logic.startWorkerAgain(job)
        chosen = self._parameterNode.inputVolume if self._parameterNode is not None else None
        self._runPanel.showEnd(job, chosen)
        if job.node is not None:
            self._resultPanel.beforeNewResult()
            if self._parameterNode is not None:
                self._parameterNode.resultVolume = job.node
            self.logic.show(job.node)
        self._refresh()

    def _onModelsChanged(self):
        if self._parameterNode is not None:
            self._modelPanel.fill(self._parameterNode.checkpoint)
            self.fineTunePanel.modelsChanged()
            self._refresh()

    def _useModel(self, name):
        self._parameterNode.checkpoint = name
