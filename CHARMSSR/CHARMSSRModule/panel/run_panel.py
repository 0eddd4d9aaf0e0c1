"""The button and what happens under it: progress, outcome, errors, and the notice about missing packages."""

from html import escape

from slicer.i18n import tr as _

from ..errors import MissingPackage
from ..jobs import installation
from ..jobs.worker_environment import usesOwnPython
from .progress_panel import ProgressPanel

ENHANCE_TEXT = _("Enhance to 7T-like")


class RunPanel(ProgressPanel):
    """Shows one of: ready, not possible (and why), running, cancelling, done, failed."""

    def showReady(self, reason):
        """The button enhances, or says why it can't."""
        self._ui.enhanceButton.text = ENHANCE_TEXT
        self._ui.enhanceButton.enabled = not reason
        self._ui.enhanceButton.toolTip = reason or _("Enhance the volume; the result is added when it is complete")

    def showRunning(self, job, cancelling, chosen):
        """The button cancels; the bar shows how far the job is, and of what, if it isn't the chosen volume."""
        self._ui.enhanceButton.text = _("Cancelling\u2026") if cancelling else _("Cancel")
        self._ui.enhanceButton.enabled = not cancelling
        self._ui.enhanceButton.toolTip = (
            _("Waiting for the worker process to let go, a second at most")
            if cancelling
            else _("Stop; the scene stays as it is")
        )
        self.showProgress(job, cancelling, self._other(job, chosen))

    def showEnd(self, job, chosen):
        """How it ended, and of what, if it isn't the chosen volume."""
        self.showOutcome(job, self._other(job, chosen))

    @staticmethod
    def _other(job, chosen):
        return "" if job.isAbout(chosen) else job.name

    def showNotice(self, startError):
        """What keeps the worker from starting, above everything else; None hides it. The sentence that is shown."""
        missing = isinstance(startError, MissingPackage)
        self._ui.noticeFrame.visible = missing
        if not missing:
            return ""
        own = usesOwnPython()
        sentence = installation.missingSentence(startError.package, own)
        self._ui.noticeLabel.text = f"{escape(sentence)}<br>{installation.offlineLink()}"
        self._ui.installButton.enabled = own
        self._ui.installButton.toolTip = (
            _("Download ncnn and safetensors into Slicer's Python, after one question") if own else sentence
        )
        return sentence
