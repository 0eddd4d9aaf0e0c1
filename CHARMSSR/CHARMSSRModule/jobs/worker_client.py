"""The worker process as seen from Slicer: started when needed, kept warm, one job at a time."""

import logging

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import JobCancelled, JobError, exceptionFor
from .worker_environment import workerCommand
from .worker_failures import deathSentence, foreignProtocol, notRunnable, startFailure, startTimeout
from .worker_process import STOP_TIMEOUT_MS, WorkerProcess, encodeMessage

STOPPED, STARTING, READY, BUSY = "stopped", "starting", "ready", "busy"

# Importing torch or ITK from a cold, scanned disk takes tens of seconds.
START_TIMEOUT_MS = 180000


class WorkerClient:
    """Starts the worker (``CHARMSSRLib.worker``), sends it jobs and hands its messages on.

    A job is any object with ``onProgress(message)``, ``onResult(message)`` and ``onError(exception)``;
    exactly one of the last two is called, once, when the worker has let go of the job's files. A cancelled job that
    the worker doesn't let go of within the job's ``cancelGraceMs`` is killed; the next job starts a new process.

    Attributes:
        state: STOPPED, STARTING, READY or BUSY.
        hello: the worker's first message (devices, versions, backends) or None.
        startError: exception of the last start that failed, else None.
    """

    def __init__(self, findCommand=workerCommand):
        self.state = STOPPED
        self.hello = None
        self.startError = None
        self._findCommand = findCommand
        self._process = None
        self._job = None
        self._jobId = ""
        self._jobCount = 0
        self._waiting = None  # the run message of a job that was submitted before hello
        self._cancelled = False
        self._questions = {}  # id -> who wants the answer
        self._questionCount = 0
        self._listeners = []
        self._startTimer = self._makeTimer(START_TIMEOUT_MS, self._onStartTimeout)
        self._killTimer = self._makeTimer(STOP_TIMEOUT_MS, self._kill)
        slicer.app.connect("aboutToQuit()", self.stop)

    # Who wants to know

    def addListener(self, listener):
        """Call ``listener()`` after every change of state."""
        self._listeners.append(listener)

    def removeListener(self, listener):
        """Undo addListener; unknown listeners are ignored."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    @property
    def job(self):
        """The job that the worker has, or None."""
        return self._job

    @property
    def processId(self):
        """Id of the running process, or 0."""
        return self._process.processId if self._process is not None else 0

    # Commands

    def start(self):
        """Start the process unless it runs; a failure is kept in ``startError`` and told to the listeners."""
        if self._process is not None:
            return
        self.startError = None
        try:
            command = self._findCommand()
        except JobError as error:
            self._fail(error)
            return
        self._process = process = WorkerProcess(command, self)
        self._setState(STARTING)
        self._startTimer.start()
        process.start()
        logging.info("CHARMSSR: starting the worker with %s", command.program)

    def submit(self, task, job, **fields):
        """Give the worker a job, starting it if need be."""
        if self._job is not None:
            raise RuntimeError("The worker has a job already.")
        self._jobCount += 1
        self._job, self._jobId, self._cancelled = job, f"job-{self._jobCount}", False
        message = encodeMessage("run", self._jobId, task=task, **fields)
        if self.state == READY:
            self._setState(BUSY)
            self._process.send(message)
        else:
            self._waiting = message
            self.start()

    def cancel(self):
        """Ask the worker to drop its job; it is killed if it doesn't within the grace time."""
        if self._job is None or self._cancelled:
            return
        self._cancelled = True
        if self._waiting is not None:  # not sent yet: nothing to wait for
            self._endJob(JobCancelled(_("Cancelled: nothing was added.")))
        else:
            self._process.send(encodeMessage("cancel", self._jobId))
            self._killTimer.start(self._job.cancelGraceMs)

    def ask(self, task, callback, **fields):
        """Have the worker answer a question beside its job, if it is READY or BUSY.

        ``callback(message)`` is called once: with the result, with an error message, or with None if the process
        ends before it has answered.
        """
        if self.hello is None:
            callback(None)
            return
        self._questionCount += 1
        identifier = f"question-{self._questionCount}"
        self._questions[identifier] = callback
        self._process.send(encodeMessage("run", identifier, task=task, **fields))

    def stop(self):
        """End the process and its job; waits at most about a second."""
        process = self._forgetProcess()
        if process is not None:
            # A busy worker finishes its batch before it looks: nobody waits for that result, so kill it.
            process.shutDown(atOnce=self.state == BUSY)
        self._setState(STOPPED)
        self._endJob(JobCancelled(_("The worker was stopped.")))

    # What the process says

    def onMessage(self, message):
        """Of the process."""
        kind = message["type"]
        if kind == "hello":
            self._onHello(message)
        elif kind == "error" and not message.get("id"):
            self._onProcessComplaint(message)
        elif message.get("id") in self._questions:
            if kind in ("result", "error"):
                self._questions.pop(message["id"])(message)
        elif self._job is not None and message.get("id") == self._jobId:
            if kind == "progress":
                self._job.onProgress(message)
            elif kind == "result":
                self._endJob(message)
            elif kind == "error":
                self._endJob(
                    exceptionFor(
                        message.get("kind", "InternalError"), message.get("message", ""), message.get("details") or ""
                    )
                )

    def _onHello(self, message):
        self._startTimer.stop()
        if message.get("version") != 1:
            self._giveUp(foreignProtocol())
            return
        self.hello = message
        logging.info("CHARMSSR: worker ready, device %s", message.get("device"))
        if self._waiting is None:
            self._setState(READY)
        else:
            waiting, self._waiting = self._waiting, None
            self._setState(BUSY)
            self._process.send(waiting)

    def _onProcessComplaint(self, message):
        """An error about the process itself; before hello it is why there will be none."""
        if self.state == STARTING:
            self._giveUp(
                exceptionFor(
                    message.get("kind", "WorkerError"), message.get("message", ""), message.get("details") or ""
                )
            )
        else:
            self._process.keepLog([message.get("message", "")])

    # How it ends

    def onFailedToStart(self, details):
        """Of the process."""
        self._giveUp(notRunnable(self._process.program, details))

    def onFinished(self, exitCode, crashed):
        """Of the process."""
        wasStarting, process = self.state == STARTING, self._forgetProcess()
        details = "\n".join(process.log)
        if wasStarting:
            self._fail(startFailure(exitCode, details))
            return
        if self._cancelled:
            outcome = JobCancelled(_("Cancelled: nothing was added."))
        else:
            outcome = JobError(deathSentence(exitCode, crashed), details=details)
        self._setState(STOPPED)
        self._endJob(outcome)

    def _onStartTimeout(self):
        if self.state == STARTING:
            self._giveUp(startTimeout(START_TIMEOUT_MS // 1000, "\n".join(self._process.log)))

    def _giveUp(self, error):
        """Drop a process that can't become ready."""
        process = self._forgetProcess()
        if process is not None:
            process.killIfRunning()
        self._fail(error)

    def _fail(self, error):
        self.startError = error
        logging.error("CHARMSSR: %s", error)
        self._setState(STOPPED)
        self._endJob(error)

    def _kill(self):
        if self._process is not None and self._cancelled:
            self._process.kill()  # onFinished does the rest

    def _forgetProcess(self):
        """Detach from the process, so that nothing it still says arrives, and return it (or None)."""
        self._startTimer.stop()
        self._killTimer.stop()
        process, self._process = self._process, None
        self.hello = None if process is not None else self.hello
        questions, self._questions = self._questions, {}
        for callback in questions.values():
            callback(None)
        if process is not None:
            process.letGo()
        return process

    def _endJob(self, outcome):
        """Take the job off the worker, then tell it its outcome: a result message or an exception."""
        job, self._job, self._jobId, self._waiting = self._job, None, "", None
        self._killTimer.stop()
        if self.state == BUSY:
            self._setState(READY)
        if job is None:
            return
        if isinstance(outcome, Exception):
            job.onError(outcome)
        else:
            job.onResult(outcome)

    def _setState(self, state):
        self.state = state
        for listener in list(self._listeners):
            listener()

    @staticmethod
    def _makeTimer(milliseconds, function):
        timer = qt.QTimer()
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.connect("timeout()", function)
        return timer


_shared = None


def sharedWorker():
    """The one worker of this Slicer, made on first use and shared by the panel and the Python console."""
    global _shared
    if _shared is None:
        _shared = WorkerClient()
    return _shared
