"""What the fine-tune section shows of pairs, button, curves and result."""

from slicer.i18n import tr as _

from ..jobs import fine_tune_request as fine_tuning
from ..scene.pair_input_checks import hintsAboutPair, reasonAgainstPair
from .fine_tune_results import pageOf, resultText
from .fitted_texts import showText
from .pair_quality_text import qualityText
from .pair_table import READY, REFUSED, WARNED

FINE_TUNE_TEXT = _("Fine-tune")


class FineTuneDisplay:
    """The widgets of the section that tell something; it changes nothing but them."""

    def __init__(self, ui, table):
        self._ui = ui
        self._table = table

    def showStates(self, pairs, verdicts):
        """What is to be said of each pair.

        Args:
            pairs: {key: ScanPair}.
            verdicts: {key: (ScanPair, the worker's event about it)}.
        """
        for key, pair in pairs.items():
            others = [other for otherKey, other in pairs.items() if int(otherKey) < int(key)]
            reason = reasonAgainstPair(pair, others)
            judged, verdict = verdicts.get(key, (None, {}))
            verdict = verdict if judged == pair else {}
            if reason:
                self._table.rows[key].showState(REFUSED, reason)
                continue
            hints = hintsAboutPair(pair)
            state = {"refused": REFUSED, "warned": WARNED}.get(verdict.get("status"), WARNED if hints else READY)
            text = " ".join(part for part in [verdict.get("reason", ""), *hints] if part)
            self._table.rows[key].showState(state, text, qualityText(verdict.get("quality") or {}))

    def showHints(self, pairs, name, running):
        """What is to be said of the table as a whole, and of the new model's name."""
        people = {pair.completed().subject for pair in pairs if None not in (pair.image3T, pair.image7T)}
        hint = ""
        if len(people) == 1:
            hint = _("\u26a0 One person only: a block of slices is held out, which says little about other people.")
        showText(self._ui.pairsHintLabel, hint)
        self._ui.removeAllButton.enabled = bool(pairs)
        self._ui.removeAllButton.toolTip = (
            _("Empty the table; the volumes stay in the scene") if pairs else _("The table is empty")
        )
        hint = fine_tuning.reasonAgainstName(name)
        if not hint and fine_tuning.canGoOn(name) and not running:
            hint = _("An unfinished run of this name is there: with the same pairs and settings it goes on.")
        showText(self._ui.nameHintLabel, "" if running else hint)

    def showRunning(self, cancelling):
        """The button cancels."""
        button = self._ui.startButton
        button.text = _("Cancelling\u2026") if cancelling else _("Cancel")
        button.enabled = not cancelling
        button.toolTip = (
            _("Waiting for the worker process to let go, a second at most")
            if cancelling
            else _("Stop; the best model so far is kept")
        )

    def showReady(self, reason):
        """The button starts, or says why it can't."""
        button = self._ui.startButton
        button.text = FINE_TUNE_TEXT
        button.enabled = not reason
        button.toolTip = reason or _(
            "Register the pairs, train, and score the new model on what was held out; on a CPU this takes minutes"
        )

    def showPlotButtons(self, canPlot):
        """Whether there are curves to show."""
        for button, tip in (
            (self._ui.lossPlotButton, _("Show training and validation loss in a plot view")),
            (self._ui.psnrPlotButton, _("Show how near the held-out scans come to their 7T, beside the 3T itself")),
        ):
            button.enabled = canPlot
            button.toolTip = tip if canPlot else _("No validation has been made yet")

    def showResult(self, result, modelNames):
        """What came of the last fine-tuning, and what can be done with it."""
        showText(self._ui.resultLabel, resultText(result))
        shown = bool(result)
        canUse = bool(result.get("checkpointPath")) and result.get("name") in modelNames
        self._ui.useButton.visible = self._ui.reportButton.visible = shown
        self._ui.useButton.enabled = canUse
        self._ui.useButton.toolTip = (
            _("Choose {name} in the section Model").format(name=result.get("name"))
            if canUse
            else _("The model is not on this computer")
            if result.get("checkpointPath")
            else _("No model was written")
        )
        page = pageOf(result)
        self._ui.reportButton.enabled = bool(page)
        self._ui.reportButton.toolTip = (
            _("Open {page} in the browser: all figures, curves and pictures").format(page=page)
            if page
            else _("There is no report on this computer")
        )
