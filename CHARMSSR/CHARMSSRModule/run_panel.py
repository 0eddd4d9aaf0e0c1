"""The button and what happens under it: progress, outcome, errors, and the notice about missing packages."""

import slicer
from slicer.i18n import tr as _

from . import torch_installation
from .errors import JobCancelled, MissingPackage
from .report_text import durationText, remainingTime
from .worker_environment import usesOwnPython

ENHANCE_TEXT = _("Enhance to 7T-like")


class RunPanel:
    """Shows one of: ready, not possible (and why), running, cancelling, done, failed."""

    def __init__(self, ui):
        self._ui = ui
        self._details = ""
        self._progressScale = ui.progressBar.maximum
        ui.detailsButton.connect("clicked(bool)", self._onDetails)
        self.clear()

    def clear(self):
        """Forget the outcome of the last run."""
        self._ui.progressBar.visible = False
        self._showStatus("")
        self._showMessage("")

    def showReady(self, reason):
        """The button enhances, or says why it can't."""
        self._ui.enhanceButton.text = ENHANCE_TEXT
        self._ui.enhanceButton.enabled = not reason
        self._ui.enhanceButton.toolTip = reason or _("Enhance the volume; the result is added when it is complete")

    def showRunning(self, job, cancelling):
        """The button cancels; the bar shows how far the job is."""
        self._ui.enhanceButton.text = _("Cancelling\u2026") if cancelling else _("Cancel")
        self._ui.enhanceButton.enabled = not cancelling
        self._ui.enhanceButton.toolTip = (
            _("Waiting for the worker process to let go, a few seconds at most")
            if cancelling
            else _("Stop; the scene stays as it is")
        )
        self._ui.progressBar.visible = True
        self._ui.progressBar.value = round(job.fraction * self._progressScale)
        parts = [job.message, "" if cancelling else remainingTime(job.remainingSeconds)]
        self._showStatus(" \u00b7 ".join(part for part in parts if part))

    def showOutcome(self, job):
        """How it ended."""
        self._ui.progressBar.visible = False
        if job.exception is None:
            self._showStatus(_("Done in {time}.").format(time=durationText(job.seconds)))
        elif isinstance(job.exception, JobCancelled):
            self._showStatus(job.error)
        else:
            self.showError(job.exception)

    def showError(self, exception):
        """A sentence in the panel, with details behind a button where there are any."""
        self._ui.progressBar.visible = False
        self._showStatus("")
        if not isinstance(exception, MissingPackage):  # the notice tells that
            self._showMessage(str(exception), getattr(exception, "details", ""))

    def showNotice(self, startError):
        """What keeps the worker from starting, above everything else; None hides it. True if it is shown."""
        missing = isinstance(startError, MissingPackage)
        self._ui.noticeFrame.visible = missing
        if missing:
            own = usesOwnPython()
            sentence = torch_installation.missingSentence(startError.package, own)
            canInstall = own and torch_installation.hasTorchExtension()
            self._ui.noticeLabel.text = sentence
            self._ui.installButton.enabled = canInstall
            self._ui.installButton.toolTip = (
                _("Download PyTorch and safetensors into Slicer's Python, after one question")
                if canInstall
                else sentence
            )
        return missing

    def _showStatus(self, text):
        self._ui.statusLabel.text = text
        self._ui.statusLabel.visible = bool(text)

    def _showMessage(self, text, details=""):
        self._details = details
        self._ui.messageLabel.text = text
        self._ui.messageFrame.visible = bool(text)
        self._ui.detailsButton.visible = bool(details)

    def _onDetails(self, checked=False):
        slicer.util.errorDisplay(
            self._ui.messageLabel.text, windowTitle=_("CHARMSSR"), detailedText=self._details
        )
