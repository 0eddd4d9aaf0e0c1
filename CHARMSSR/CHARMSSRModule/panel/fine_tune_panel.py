"""The fine-tune section: table of pairs, settings, the button, plots, the result."""

import qt
import slicer

from ..fine_tune_parameters import fineTuneParameters
from ..scene.loss_plot import LOSS, PSNR, LossPlot
from .fine_tune_display import FineTuneDisplay
from .fine_tune_lists import FineTuneLists
from .fine_tune_readiness import installTorch, lacksTorch, reasonNotToFineTune
from .fine_tune_results import pageOf, readResult, shortResult
from .fitted_texts import FittedTexts
from .followed_volumes import FollowedVolumes
from .list_items import ItemDataConnector
from .machine_panel import MISSING_BACKEND
from .model_panel import MISSING_TEXT
from .pair_table import PairTable
from .progress_panel import ProgressPanel


class FineTunePanel:
    """The section's widgets in a layout, and the job that its button has started.

    ``uiPath(name)`` gives the path of a .ui file; ``onEnd()`` is called after a job, when there may be a new
    checkpoint, and brings the whole panel up to date; ``useModel(name)`` chooses a checkpoint in the Model section.
    """

    def __init__(self, layout, uiPath, logic, onEnd, useModel):
        self.job = None
        self._logic = logic
        self._onEnd = onEnd
        self._useModel = useModel
        self._cancelling = False
        self._node = self._parameters = self._plot = None
        self._guiTags = []
        self._stateBefore = None  # of the parameter node
        self._submitted = []  # (key, pair) of the rows in the order of the job's pairs
        self._verdicts = {}  # key -> (pair, the worker's event)
        self._unseenResult = ""  # of a job that ended while no scene was bound
        self._curves = (None, [])  # parameter node of the scene with the plot, and the events to plot

        widget = slicer.util.loadUI(uiPath("FineTune.ui"))
        layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        self.table = PairTable(self._rowsLayout(widget.layout()), uiPath("FineTunePair.ui"), self.refresh)
        self._progress = ProgressPanel(self.ui)
        self._display = FineTuneDisplay(self.ui, self.table)
        self._lists = FineTuneLists(self.ui)
        self._followed = FollowedVolumes(self.refresh)
        self.ui.moreCollapsibleButton.collapsed = True
        self._fitted = FittedTexts()
        self._fitted.keepWhole(self.ui.introLabel, self.ui.pairsHintLabel, self.ui.nameHintLabel, self.ui.resultLabel)
        self._fitted.keepElided(self.ui.checkpointComboBox, self.ui.skullStripComboBox, self.ui.learningRateComboBox)
        for button, function in (
            (self.ui.addPairButton, self.table.add),
            (self.ui.removeAllButton, self.table.clear),
            (self.ui.startButton, self.onStartButton),
            (self.ui.lossPlotButton, lambda: self._plot.show(LOSS)),
            (self.ui.psnrPlotButton, lambda: self._plot.show(PSNR)),
            (self.ui.useButton, self.onUseButton),
            (self.ui.reportButton, self.onReportButton),
        ):
            button.connect("clicked()", function)

    def _rowsLayout(self, layout):
        """Place for the rows, under the introduction.

        Not in the .ui file: PythonQt calls an empty layout false, so slicer.util.childWidgetVariables leaves it out.
        """
        rows = qt.QVBoxLayout()
        rows.setSpacing(4)
        layout.insertLayout(layout.indexOf(self.ui.introLabel) + 1, rows)
        return rows

    def cleanup(self):
        """Let go of scene and job; the logic ends the job."""
        self.job = None
        self.setParameterNode(None)

    # Parameter node

    def setParameterNode(self, node):
        """Bind to the module's vtkMRMLScriptedModuleNode; None unbinds."""
        for tag in self._guiTags:
            self._parameters.disconnectGui(tag)
        self._guiTags = []
        self._followed.follow([])
        self._node = node
        self._parameters = fineTuneParameters(node) if node is not None else None
        self._plot = LossPlot(node) if node is not None else None
        self.table.setNode(node)
        if node is None:
            return
        self._lists.fillModels(self._parameters)
        self._lists.fillBackends(self._logic.worker.hello, self._parameters)
        self._guiTags = [
            self._parameters.connectGui(self.ui),
            self._parameters.connectParametersToGui(
                {
                    "checkpoint": ItemDataConnector(self.ui.checkpointComboBox, MISSING_TEXT),
                    "learningRate": ItemDataConnector(self.ui.learningRateComboBox, "{name}"),
                    "skullStrip": ItemDataConnector(self.ui.skullStripComboBox, MISSING_BACKEND),
                }
            ),
        ]
        if self._unseenResult:
            self._parameters.result, self._unseenResult = self._unseenResult, ""
        if self._curves[0] is node:  # not another scene: its curves are those of another run
            self._plot.update(self._curves[1])

    def modelsChanged(self):
        """There are other checkpoints than before."""
        if self._node is not None:
            self._lists.fillModels(self._parameters)

    # What the section shows

    def refresh(self):
        """Bring the section up to date with scene, worker and job."""
        if self._node is None or slicer.mrmlScene.IsClosing():
            return
        self._lists.fillBackendsAnew(self._logic.worker.hello, self._parameters)
        self.table.update()
        pairs = self.table.pairs()
        nodes = [node for pair in pairs.values() for node in pair[:3] if node is not None]
        self._followed.follow(list(dict.fromkeys(nodes)))
        if self._node.GetMTime() != self._stateBefore:
            self._stateBefore = self._node.GetMTime()
            self._progress.forgetRefusal()
        name, running, display = self._parameters.name, self.job is not None, self._display
        display.showStates(pairs, self._verdicts)
        display.showHints(list(pairs.values()), name, running)
        if running:
            display.showRunning(self._cancelling)
            self._progress.showProgress(self.job, self._cancelling)
        else:
            display.showReady(reasonNotToFineTune(self._logic, list(pairs.values()), self._parameters))
        display.showPlotButtons(self._plot.exists())
        display.showResult(readResult(self._parameters.result), self._lists.modelNames())

    # Buttons

    def onStartButton(self):
        """Start, or cancel what runs."""
        if self.job is not None:
            self._cancelling = True
            self.job.cancel()
            self.refresh()
            return
        self._progress.clear()
        if lacksTorch(self._logic.worker):
            installTorch(self._logic.worker)
            return
        parameters, pairs = self._parameters, self.table.pairs()
        self._submitted, self._verdicts = list(pairs.items()), {}
        try:
            with slicer.util.WaitCursor():  # copies of all scans are written
                job = self._logic.fineTune(
                    list(pairs.values()),
                    name=parameters.name,
                    checkpoint=parameters.checkpoint or None,
                    learningRate=float(parameters.learningRate),
                    steps=parameters.steps,
                    batch=parameters.batch,
                    patch=parameters.patch,
                    validateEvery=parameters.validateEvery,
                    patience=parameters.patience,
                    holdOut=parameters.holdOut,
                    leaveOneOut=parameters.leaveOneOut,
                    biasCorrection=parameters.biasCorrection,
                    skullStrip=parameters.skullStrip,
                    seed=parameters.seed,
                    waitForCompletion=False,
                )
        except (ValueError, RuntimeError) as error:
            self._progress.showRefusal(error)
            return
        self.job, self._cancelling = job, False
        parameters.result = ""
        self._plot.start(job.name)
        self._curves = (self._node, [])
        job.onProgressCall(self._onProgress)
        job.onEventCall(self._onEvent)
        job.onEndCall(self._onJobEnd)
        self.refresh()

    def onUseButton(self):
        """Choose the new checkpoint in the Model section."""
        self._useModel(readResult(self._parameters.result)["name"])

    def onReportButton(self):
        """Show the report's page in the browser."""
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(pageOf(readResult(self._parameters.result))))

    # The job

    def _onProgress(self, fraction, message):
        if self.job is not None:
            self._progress.showProgress(self.job, self._cancelling)

    def _onEvent(self, event):
        if self.job is None:
            return
        if event.get("event") == "pair" and event.get("index") in range(len(self._submitted)):
            key, pair = self._submitted[event["index"]]
            self._verdicts[key] = (pair, event)
            self.refresh()
        elif event.get("event") == "validation":
            # Leaving each person out, one run follows the other: the plot shows the one that is on.
            run = [each for each in self.job.history if each.get("run") == event.get("run")]
            self._curves = (self._curves[0], run)
            if self._node is not None and self._node is self._curves[0]:
                self._plot.update(run)
                self._display.showPlotButtons(self._plot.exists())

    def _onJobEnd(self, job):
        if self.job is not job:  # the panel has let go of it
            return
        self.job, self._cancelling = None, False
        self._logic.startWorkerAgain(job)
        self._progress.showOutcome(job)
        result = shortResult(job)
        if self._parameters is None:
            self._unseenResult = result
        else:
            self._parameters.result = result
            if not job.history:
                self._plot.remove()
        self._onEnd()
