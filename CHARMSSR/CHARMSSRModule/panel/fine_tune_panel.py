"""The fine-tune section: table of pairs, settings, the button, plots, the result."""

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from ..errors import MissingPackage
from ..fine_tune_parameters import fineTuneParameters
from ..jobs import fine_tune_request as fine_tuning
from ..jobs import installation, models
from ..jobs.worker_environment import usesOwnPython
from ..scene.loss_plot import LOSS, PSNR, LossPlot
from ..scene.pair_input_checks import hintsAboutPair, reasonAgainstPair
from .fine_tune_results import pageOf, readResult, resultText, shortResult
from .fitted_texts import FittedTexts, showText
from .list_items import ItemDataConnector, selectItem
from .machine_panel import MISSING_BACKEND, fillBackendList
from .model_panel import MISSING_TEXT
from .pair_quality_text import qualityText
from .pair_table import READY, REFUSED, WARNED, PairTable
from .progress_panel import ProgressPanel

FINE_TUNE_TEXT = _("Fine-tune")
RATES = ("0", "1e-5", "3e-5", "1e-4", "3e-4", "1e-3")


class FineTunePanel(VTKObservationMixin):
    """The section's widgets in a layout, and the job that its button has started.

    ``uiPath(name)`` gives the path of a .ui file; ``onEnd()`` is called after a job, when there may be a new
    checkpoint, and brings the whole panel up to date; ``useModel(name)`` chooses a checkpoint in the Model section.
    """

    def __init__(self, layout, uiPath, logic, onEnd, useModel):
        VTKObservationMixin.__init__(self)
        self.job = None
        self._logic = logic
        self._onEnd = onEnd
        self._useModel = useModel
        self._cancelling = False
        self._node = self._parameters = self._plot = None
        self._guiTags = []
        self._shownHello = None
        self._observed = []
        self._submitted = []  # (key, pair) of the rows in the order of the job's pairs
        self._verdicts = {}  # key -> (pair, the worker's event)
        self._unseenResult = ""  # of a job that ended while no scene was bound
        self._curves = (None, [])  # parameter node of the scene with the plot, and the events to plot

        widget = slicer.util.loadUI(uiPath("FineTune.ui"))
        layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        self.table = PairTable(self._rowsLayout(widget.layout()), uiPath("FineTunePair.ui"), self.refresh)
        self._progress = ProgressPanel(self.ui)
        self._fillRates()
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
        self._observe([])
        self._node = node
        self._parameters = fineTuneParameters(node) if node is not None else None
        self._plot = LossPlot(node) if node is not None else None
        self.table.setNode(node)
        if node is None:
            return
        self._fillModels()
        self._fillBackends()
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
            self._fillModels()

    def _fillBackends(self):
        self._shownHello = self._logic.worker.hello or self._shownHello
        fillBackendList(self.ui.skullStripComboBox, self._shownHello, self._parameters.skullStrip)

    def _fillModels(self):
        comboBox = self.ui.checkpointComboBox
        wasBlocked = comboBox.blockSignals(True)
        comboBox.clear()
        for card in models.availableModels():
            comboBox.addItem(models.modelTitle(card, markDefault=False), card["name"])
            comboBox.setItemData(comboBox.count - 1, card.get("summary", ""), qt.Qt.ToolTipRole)
        name = self._parameters.checkpoint or models.defaultModel()
        if name:
            selectItem(comboBox, name, MISSING_TEXT)
        comboBox.blockSignals(wasBlocked)

    def _fillRates(self):
        for rate in RATES:
            self.ui.learningRateComboBox.addItem(_("Automatic") if rate == "0" else rate, rate)

    def _observe(self, nodes):
        """Follow scans whose image, geometry or transform may change after they were chosen."""
        if nodes == self._observed:
            return
        self.removeObservers(self._onNodeModified)
        for node in nodes:
            for event in (vtk.vtkCommand.ModifiedEvent, slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent,
                          slicer.vtkMRMLTransformableNode.TransformModifiedEvent):  # fmt: skip
                self.addObserver(node, event, self._onNodeModified)
        self._observed = nodes

    def _onNodeModified(self, caller, event):
        self.refresh()

    # What the section shows

    def refresh(self):
        """Bring the section up to date with scene, worker and job."""
        if self._node is None or slicer.mrmlScene.IsClosing():
            return
        if self._logic.worker.hello not in (None, self._shownHello):
            self._fillBackends()
        self.table.update()
        pairs = self.table.pairs()
        nodes = [node for pair in pairs.values() for node in pair[:3] if node is not None]
        self._observe(list(dict.fromkeys(nodes)))
        self._showStates(pairs)
        self._showHints(list(pairs.values()))
        self._showButton(list(pairs.values()))
        self._showResult()

    def _showStates(self, pairs):
        for key, pair in pairs.items():
            others = [other for otherKey, other in pairs.items() if int(otherKey) < int(key)]
            reason = reasonAgainstPair(pair, others)
            judged, verdict = self._verdicts.get(key, (None, {}))
            verdict = verdict if judged == pair else {}
            if reason:
                self.table.rows[key].showState(REFUSED, reason)
                continue
            hints = hintsAboutPair(pair)
            state = {"refused": REFUSED, "warned": WARNED}.get(verdict.get("status"), WARNED if hints else READY)
            text = " ".join(part for part in [verdict.get("reason", ""), *hints] if part)
            self.table.rows[key].showState(state, text, qualityText(verdict.get("quality") or {}))

    def _showHints(self, pairs):
        people = {pair.completed().subject for pair in pairs}
        hint = ""
        if pairs and len(people) == 1:
            hint = _("\u26a0 One person only: a block of slices is held out, which says little about other people.")
        showText(self.ui.pairsHintLabel, hint)
        self.ui.removeAllButton.enabled = bool(pairs)
        self.ui.removeAllButton.toolTip = (
            _("Empty the table; the volumes stay in the scene") if pairs else _("The table is empty")
        )
        name = self._parameters.name
        hint = fine_tuning.reasonAgainstName(name)
        if not hint and fine_tuning.canGoOn(name) and self.job is None:
            hint = _("An unfinished run of this name is there: with the same pairs and settings it goes on.")
        showText(self.ui.nameHintLabel, "" if self.job is not None else hint)

    def _showButton(self, pairs):
        button = self.ui.startButton
        if self.job is not None:
            button.text = _("Cancelling\u2026") if self._cancelling else _("Cancel")
            button.enabled = not self._cancelling
            button.toolTip = (
                _("Waiting for the worker process to let go, a second at most")
                if self._cancelling
                else _("Stop; the best model so far is kept")
            )
            self._progress.showProgress(self.job, self._cancelling)
        else:
            reason = self._reasonNotToStart(pairs)
            button.text = FINE_TUNE_TEXT
            button.enabled = not reason
            button.toolTip = reason or _(
                "Register the pairs, train, and score the new model on what was held out; on a CPU this takes minutes"
            )
        self._showPlotButtons()

    def _showPlotButtons(self):
        canPlot = self._plot.exists()
        for button, tip in (
            (self.ui.lossPlotButton, _("Show training and validation loss in a plot view")),
            (self.ui.psnrPlotButton, _("Show how near the held-out scans come to their 7T, beside the 3T itself")),
        ):
            button.enabled = canPlot
            button.toolTip = tip if canPlot else _("No validation has been made yet")

    def _reasonNotToStart(self, pairs):
        error = self._logic.worker.startError
        if isinstance(error, MissingPackage):
            return installation.missingSentence(error.package, usesOwnPython())
        if self._lacksTorch() and not (usesOwnPython() and installation.hasTorchExtension()):
            return installation.missingSentence("torch", usesOwnPython())
        reason = self._logic.reasonToWait() or self._logic.reasonNotToFineTune(pairs, self._parameters.name)
        if not reason and self._parameters.leaveOneOut and len({pair.completed().subject for pair in pairs}) < 2:
            reason = _("To leave each person out once, pairs of at least two people are needed.")
        return reason

    def _lacksTorch(self):
        """True if the worker has said that its Python has no torch, which only fine-tuning needs."""
        engines = (self._logic.worker.hello or {}).get("engines")
        return engines is not None and not engines.get("torch")

    def _installTorch(self):
        with slicer.util.tryWithErrorDisplay(_("PyTorch could not be installed."), waitCursor=True):
            if installation.installTorch():
                self._logic.worker.stop()  # the next one finds it
                self._logic.worker.start()

    def _showResult(self):
        result = readResult(self._parameters.result)
        showText(self.ui.resultLabel, resultText(result))
        shown = bool(result)
        canUse = bool(result.get("checkpointPath")) and result.get("name") in self._modelNames()
        self.ui.useButton.visible = self.ui.reportButton.visible = shown
        self.ui.useButton.enabled = canUse
        self.ui.useButton.toolTip = (
            _("Choose {name} in the section Model").format(name=result.get("name"))
            if canUse
            else _("The model is not on this computer")
            if result.get("checkpointPath")
            else _("No model was written")
        )
        page = pageOf(result)
        self.ui.reportButton.enabled = bool(page)
        self.ui.reportButton.toolTip = (
            _("Open {page} in the browser: all figures, curves and pictures").format(page=page)
            if page
            else _("There is no report on this computer")
        )

    def _modelNames(self):
        comboBox = self.ui.checkpointComboBox
        return [comboBox.itemData(index) for index in range(comboBox.count)]

    # Buttons

    def onStartButton(self):
        """Start, or cancel what runs."""
        if self.job is not None:
            self._cancelling = True
            self.job.cancel()
            self.refresh()
            return
        self._progress.clear()
        if self._lacksTorch():
            self._installTorch()
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
            self._progress.showError(error)
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
                self._showPlotButtons()

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
