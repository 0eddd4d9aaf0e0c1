"""The panel: what the user chooses goes to the parameter node, the button starts a job of the logic."""

import sys

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from ..jobs import installation
from ..jobs.inspection import Inspection
from ..jobs.keywords import keywordsFromParameters
from ..jobs.worker_client import STOPPED
from ..logic import CHARMSSRLogic
from ..scene.input_checks import VoxelChecks
from .choice_texts import consistencyExplanation, resolutionExplanation
from .fine_tune_panel import FineTunePanel
from .fitted_texts import FittedTexts, toolTip
from .list_items import ItemDataConnector
from .machine_panel import MISSING_BACKEND, MachinePanel
from .model_panel import MISSING_TEXT, ModelPanel
from .noise_panel import NoisePanel
from .result_panel import ResultPanel
from .run_panel import RunPanel
from .scan_panel import ScanPanel
from .section_titles import advancedChoice, modelChoice, preprocessingChoice, slicesChoice


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
        self._observedInput = None
        self._chosenBefore = None
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
        self._fitted = FittedTexts()
        self._fitted.keepWhole(
            self.ui.noticeLabel,
            self.ui.gridLabel,
            self.ui.scanLabel,
            self.ui.scanWarningLabel,
            self.ui.modelDescriptionLabel,
            self.ui.deviceLabel,
        )
        self._fitted.keepElided(
            *(getattr(self.ui, name + "ComboBox") for name in ("checkpoint", "planes", "resolution", "skullStrip",
                                                               "dataConsistency", "engine", "device", "precision"))
        )  # fmt: skip
        self._modelPanel = ModelPanel(self.ui)
        self._noisePanel = NoisePanel(self.ui)
        self._scanPanel = ScanPanel(self.ui)
        self._inspection = Inspection(self.logic.worker, self._refresh)
        self._machinePanel = MachinePanel(self.ui, self.logic.worker, self._onModelsChanged)
        self._runPanel = RunPanel(self.ui)
        self._resultPanel = ResultPanel(self.ui)
        self.fineTunePanel = FineTunePanel(
            self.ui.fineTuneCollapsibleButton.layout(), lambda name: self.resourcePath("UI/" + name), self.logic,
            self._onModelsChanged, self._useModel,
        )  # fmt: skip
        self.ui.fineTuneCollapsibleButton.collapsed = True

        for event, method in (
            (slicer.mrmlScene.StartCloseEvent, self._onSceneStartClose),
            (slicer.mrmlScene.EndCloseEvent, self._onSceneIsThere),
            (slicer.mrmlScene.StartImportEvent, self._onSceneStartImport),
            (slicer.mrmlScene.EndImportEvent, self._onSceneIsThere),
            (slicer.mrmlScene.NodeAboutToBeRemovedEvent, self._onNodeAboutToBeRemoved),
            (slicer.mrmlScene.NodeRemovedEvent, self._onNodeRemoved),
        ):
            self.addObserver(slicer.mrmlScene, event, method)
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
        self._observeInput(None)
        node = self._parameterNode.parameterNode
        if self.hasObserver(node, vtk.vtkCommand.ModifiedEvent, self._refresh):
            self.removeObserver(node, vtk.vtkCommand.ModifiedEvent, self._refresh)

    def _observeInput(self, node):
        """Follow a volume whose image, geometry or transform may change after it was chosen."""
        if node is self._observedInput:
            return
        events = (
            vtk.vtkCommand.ModifiedEvent,
            slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent,
            slicer.vtkMRMLTransformableNode.TransformModifiedEvent,
        )
        for event in events:
            if self._observedInput is not None:
                self.removeObserver(self._observedInput, event, self._refresh)
            if node is not None:
                self.addObserver(node, event, self._refresh)
        self._observedInput = node

    def _onSceneStartClose(self, caller, event):
        self._resultPanel.forgetViews()
        self._runPanel.clear()  # a running job hears of it after this, and has something to say
        self.setParameterNode(None)

    def _onSceneStartImport(self, caller, event):
        # While a scene is read the selectors lose their nodes and take others, which would be written into the
        # parameter node that has just been read.
        self.setParameterNode(None)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAboutToBeRemoved(self, caller, event, node):
        """Let go of a node before a selector does: that would choose its neighbour in the list."""
        if self._parameterNode is None or slicer.mrmlScene.IsClosing():
            return
        for name in ("inputVolume", "outputVolume", "maskNode"):
            if getattr(self._parameterNode, name) is node:
                setattr(self._parameterNode, name, None)
        self.fineTunePanel.table.forget(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeRemoved(self, caller, event, node):
        if self._parameterNode is not None and node.IsA("vtkMRMLVolumeNode"):  # perhaps a map of the result
            self._resultPanel.refresh(self._parameterNode)

    def _onSceneIsThere(self, caller, event):
        if self.parent.isEntered and not slicer.mrmlScene.IsImporting():
            self.initializeParameterNode()

    # What the panel shows

    def _refresh(self, caller=None, event=None):
        """Bring the panel up to date with parameters, worker and job."""
        parameters = self._parameterNode
        if parameters is None:
            return
        self._observeInput(parameters.inputVolume)
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
        self.ui.dataConsistencyComboBox.toolTip = toolTip(
            _("What is done about the distance between result and scan."),
            consistencyExplanation(parameters.dataConsistency.value),
        )
        self.ui.resolutionComboBox.toolTip = toolTip(
            _("From which pixels the scan is enhanced."), resolutionExplanation(parameters.resolution.value)
        )
        self._noisePanel.refresh(parameters, self._modelPanel.card(parameters.checkpoint))
        self._machinePanel.refresh(parameters.skullStrip)
        self._showChoices()
        if parameters.inputVolume is not self._chosenBefore:
            self._chosenBefore = parameters.inputVolume
            self._runPanel.forgetDone()
        missing = self._runPanel.showNotice(self.logic.worker.startError)
        if self.job is not None:
            self._runPanel.showRunning(self.job, self._cancelling, parameters.inputVolume)
        else:
            self._runPanel.showReady(missing or self._reasonNotToStart())
        self._resultPanel.refresh(parameters)
        self.fineTunePanel.refresh()

    def _showChoices(self):
        """What is folded away is read in the sections' headers."""
        ui, parameters = self.ui, self._parameterNode
        for section, title, choice in (
            (ui.modelCollapsibleButton, _("Model"),
             modelChoice(lambda markDefault: self._modelPanel.choice(parameters.checkpoint, markDefault),
                         self._noisePanel.choice(), parameters.bestQuality)),
            (ui.slicesCollapsibleButton, _("Slices"),
             slicesChoice(parameters.planes, parameters.maps, parameters.resolution)),
            (ui.preprocessingCollapsibleButton, _("Preprocessing"),
             preprocessingChoice(parameters, self._machinePanel.backends())),
            (ui.advancedCollapsibleButton, _("Advanced"),
             advancedChoice(parameters, self._machinePanel.choices())),
        ):  # fmt: skip
            self._fitted.setHeader(section, title, choice)

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
        from CHARMSSRLib.settings import EnhancementSettings

        self._runPanel.clear()
        parameters = self._parameterNode
        try:
            job = self.logic.process(
                parameters.inputVolume,
                parameters.outputVolume,
                maskNode=parameters.maskNode,
                denoise=self._noisePanel.setting(),
                quality="best" if parameters.bestQuality else "plain",
                waitForCompletion=False,
                **keywordsFromParameters(EnhancementSettings, parameters),
            )
        except (ValueError, RuntimeError) as error:
            self._runPanel.showError(error)
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
