"""What stands under a button that starts a job: how far it is, how it ended, what went wrong."""

import slicer
from slicer.i18n import tr as _

from ..errors import JobCancelled, MissingPackage
from .fitted_texts import FittedTexts, showText
from .report_text import durationText, remainingTime


class ProgressPanel:
    """Shows one of: nothing, running, cancelling, done, failed.

    ``ui`` has progressBar, statusLabel, messageFrame with messageLabel and detailsButton.
    """

    def __init__(self, ui):
        self._ui = ui
        self._details = ""
        self._isDone = self._isOutcome = self._isRefusal = False
        self._progressScale = ui.progressBar.maximum
        self._fitted = FittedTexts()
        self._fitted.keepWhole(ui.statusLabel, ui.messageLabel)
        ui.detailsButton.connect("clicked(bool)", self._onDetails)
        self.clear()

    def clear(self):
        """Forget the outcome of the last run."""
        self._ui.progressBar.visible = False
        self._showStatus("")
        self._showMessage("")

    def forgetDone(self):
        """The volume is not chosen any more: that the last run went well says nothing about the next."""
        if self._isDone:
            self.clear()

    def forgetOutcome(self):
        """Another volume is chosen: what became of the last one, good or bad, says nothing about it."""
        if self._isOutcome:
            self.clear()

    def forgetRefusal(self):
        """Something was chosen anew: it need not be refused."""
        if self._isRefusal:
            self.clear()

    def showProgress(self, job, cancelling, name=""):
        """The bar shows how far the job is; a name says what it is about."""
        self._ui.progressBar.visible = True
        self._ui.progressBar.value = round(job.fraction * self._progressScale)
        parts = [job.message, "" if cancelling else remainingTime(job.remainingSeconds)]
        self._showStatus(_named(name, " \u00b7 ".join(part for part in parts if part)))

    def showOutcome(self, job, name=""):
        """How it ended; a name says what it was about."""
        self._showOutcome(job, name)
        self._isOutcome = True

    def _showOutcome(self, job, name):
        self._ui.progressBar.visible = False
        if job.exception is None:
            self._showStatus(_named(name, _("Done in {time}.").format(time=durationText(job.seconds))))
            self._isDone = True
        elif isinstance(job.exception, JobCancelled):
            self._showStatus(_named(name, job.error))
        else:
            self.showError(job.exception, name)

    def showRefusal(self, exception):
        """Why no job was started, until something else is chosen."""
        self.showError(exception)
        self._isRefusal = self._isOutcome = True

    def showError(self, exception, name=""):
        """A sentence in the panel, with details behind a button where there are any."""
        self._ui.progressBar.visible = False
        self._showStatus("")
        if not isinstance(exception, MissingPackage):  # the notice tells that
            self._showMessage(_named(name, str(exception)), getattr(exception, "details", ""))

    def _showStatus(self, text):
        self._isDone = self._isOutcome = False
        showText(self._ui.statusLabel, text)

    def _showMessage(self, text, details=""):
        self._isRefusal = False
        self._details = details
        self._ui.messageLabel.text = text
        self._ui.messageFrame.visible = bool(text)
        self._ui.detailsButton.visible = bool(details)

    def _onDetails(self, checked=False):
        slicer.util.errorDisplay(self._ui.messageLabel.text, windowTitle=_("CHARMSSR"), detailedText=self._details)


def _named(name, text):
    return _("{name}: {text}").format(name=name, text=text) if name else text
