"""What every job of the worker has in common: progress, cancelling, one end."""

import logging
import time

import slicer
from slicer.i18n import tr as _

from ..errors import JobCancelled, JobError
from .exchange import JobFolder
from .worker_client import sharedWorker


class WorkerJob:
    """Writes files, submits them to the worker, and ends once, with or without an exception.

    A kind of job says what is sent (``_message``), what becomes of the answer (``_deliver``), and the sentences.

    Attributes:
        name: what the job is about, for sentences.
        error: one sentence once the job has failed or was cancelled, else None.
        exception: the exception behind ``error`` (``kind``, ``details``), else None.
        done: True when there is a result or an error; nothing changes after that.
        report: the worker's report, {} until then.
        fraction, message, remainingSeconds: how far it is.
        seconds: how long it took.
    """

    task = ""  # of the protocol
    # What can't be interrupted (N4, a skull-strip, a large batch of slices) is not waited for: the process is killed.
    # Nothing is lost by it: files are the job's own, and of a fine-tuning the best so far is on the disk.
    cancelGraceMs = 500

    def __init__(self, name, worker=None):
        self.name = name
        self.error = None
        self.exception = None
        self.done = False
        self.report = {}
        self.fraction = 0.0
        self.message = _("Starting")
        self.remainingSeconds = None
        self.seconds = 0.0
        self._worker = worker or sharedWorker()
        self._folder = None
        self._started = 0.0
        self._cancelling = False
        self._progressCallbacks = []
        self._endCallbacks = []

    # What the kinds of jobs differ in

    def runningSentence(self):
        """Why no other job can start while this one runs."""
        raise NotImplementedError

    def closedSentence(self):
        """What became of it when the module was closed."""
        raise NotImplementedError

    def _message(self):
        """Write files to ``self._folder``; the task's own fields of the run message."""
        raise NotImplementedError

    def _deliver(self, message):
        """Take over the result message and call ``_end``."""
        raise NotImplementedError

    def _undelivered(self, error):
        """Sentence for a result that could not be taken over."""
        raise NotImplementedError

    def _onEnd(self):
        """The job is done; called before anybody hears of it."""

    # Who wants to know

    def onProgressCall(self, function):
        """Call ``function(fraction, message)`` whenever the job has moved on."""
        self._progressCallbacks.append(function)

    def onEndCall(self, function):
        """Call ``function(job)`` once when the job is done, at once if it is."""
        if self.done:
            function(self)
        else:
            self._endCallbacks.append(function)

    # Commands

    def start(self):
        """Write the files and submit; raises ValueError or JobError, leaving nothing behind, if that fails."""
        self._started = time.monotonic()
        self._folder = JobFolder()
        try:
            fields = self._message()
        except Exception:
            self._folder.remove()
            raise
        self._worker.submit(self.task, self, folder=self._folder.path, **fields)

    def cancel(self):
        """Drop the job. Done as soon as the worker has let go or is gone: within a second."""
        if not self.done and not self._cancelling:
            self._cancelling = True
            self.message = _("Cancelling")
            self._tellProgress()
            self._worker.cancel()

    def abandon(self, sentence):
        """Done at once, whatever the worker still does; its answer will be ignored."""
        if not self.done:
            self._end(JobCancelled(sentence))
            if self._worker.job is self:
                self._worker.cancel()

    def waitForCompletion(self):
        """Process events until the job is done."""
        while not self.done:
            slicer.app.processEvents()
            time.sleep(0.01)

    # Called by the worker client

    def onProgress(self, message):
        """How far the worker is."""
        if self.done or self._cancelling:
            return
        self.fraction = float(message.get("fraction") or 0.0)
        self.message = message.get("message") or ""
        self.remainingSeconds = message.get("remaining_seconds")
        self._tellProgress()

    def onResult(self, message):
        """The worker has finished."""
        try:
            if not self.done:
                self._deliver(message)
        except Exception as error:
            logging.exception("CHARMSSR: a result could not be taken over")
            self._end(JobError(self._undelivered(error), kind="InternalError", details=repr(error)))
        finally:
            self._folder.remove()

    def onError(self, exception):
        """The worker has given up, was cancelled or died."""
        self._folder.remove()
        if not self.done:
            self._end(exception)

    # Inside

    def _end(self, exception=None):
        self.exception = exception
        self.error = str(exception) if exception is not None else None
        self.seconds = time.monotonic() - self._started
        self.done = True
        self._onEnd()
        callbacks, self._endCallbacks, self._progressCallbacks = self._endCallbacks, [], []
        for function in callbacks:
            function(self)

    def _tellProgress(self):
        for function in list(self._progressCallbacks):
            function(self.fraction, self.message)
