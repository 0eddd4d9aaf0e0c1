"""One enhancement that runs, has run, or was dropped."""

import logging
import time

import slicer
from slicer.i18n import tr as _

from .errors import JobCancelled, JobError
from .exchange import JobFolder
from .scene_results import addResult
from .worker_client import sharedWorker


class EnhancementJob:
    """Hands one volume to the worker and the result to the scene.

    Attributes:
        node: the result node once it is in the scene, else None.
        error: one sentence once the job has failed or was cancelled, else None.
        exception: the exception behind ``error`` (``kind``, ``details``), else None.
        done: True when there is a node or an error; nothing changes after that.
        report: the worker's report, {} until then.
        fraction, message, remainingSeconds: how far it is.
        seconds: how long it took.
    """

    def __init__(self, inputNode, outputNode, settings, scale, version, maskNode=None, worker=None):
        self.node = None
        self.error = None
        self.exception = None
        self.done = False
        self.report = {}
        self.fraction = 0.0
        self.message = _("Starting")
        self.remainingSeconds = None
        self.seconds = 0.0
        self.inputName = inputNode.GetName()
        self._inputId = inputNode.GetID()
        self._outputId = outputNode.GetID() if outputNode is not None else None
        self._maskNode = maskNode
        self._settings = settings
        self._scale = scale
        self._version = version
        self._worker = worker or sharedWorker()
        self._folder = None
        self._sceneTag = None
        self._cancelling = False
        self._progressCallbacks = []
        self._endCallbacks = []

    def onProgressCall(self, function):
        """Call ``function(fraction, message)`` whenever the job has moved on."""
        self._progressCallbacks.append(function)

    def onEndCall(self, function):
        """Call ``function(job)`` once when the job is done, at once if it is."""
        if self.done:
            function(self)
        else:
            self._endCallbacks.append(function)

    def start(self):
        """Write the files and submit; raises ValueError or JobError, leaving nothing behind, if that fails."""
        from .masks import maskVoxelsAndGrid

        inputNode = slicer.mrmlScene.GetNodeByID(self._inputId)
        self._started = time.monotonic()
        self._folder = JobFolder()
        try:
            image = self._folder.writeVolume(inputNode, "input.npy")
            mask = None
            if self._maskNode is not None:
                voxels, grid = maskVoxelsAndGrid(self._maskNode, inputNode)
                mask = self._folder.writeArray(voxels, grid, "mask.npy")
        except Exception:
            self._folder.remove()
            raise
        self._sceneTag = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, self._onSceneCloses)
        logging.info("CHARMSSR: enhancing %s with %s", self.inputName, self._settings["checkpoint"])
        self._worker.submit(
            "enhance", self, folder=self._folder.path, image=image, mask=mask, settings=self._settings
        )

    def cancel(self):
        """Drop the job: the scene stays as it is. Done as soon as the worker has let go (seconds at most)."""
        if not self.done and not self._cancelling:
            self._cancelling = True
            self.message = _("Cancelling")
            self._tellProgress()
            self._worker.cancel()

    def abandon(self, sentence):
        """Done at once, whatever the worker still does; its answer will be ignored."""
        if not self.done:
            self._end(exception=JobCancelled(sentence))
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
        """The worker has finished: bring the result into the scene."""
        try:
            if not self.done:
                self._deliver(message)
        except Exception as error:
            logging.exception("CHARMSSR: the result could not be brought into the scene")
            self._end(
                exception=JobError(
                    _("The result could not be brought into the scene: {reason}").format(reason=error),
                    kind="InternalError",
                    details=repr(error),
                )
            )
        finally:
            self._folder.remove()

    def onError(self, exception):
        """The worker has given up, was cancelled or died."""
        self._folder.remove()
        if not self.done:
            self._end(exception=exception)

    # Inside

    def _deliver(self, message):
        inputNode = slicer.mrmlScene.GetNodeByID(self._inputId)
        if inputNode is None:
            self._end(
                exception=JobCancelled(
                    _("The input volume was removed while it was being enhanced: nothing was added.")
                )
            )
            return
        outputNode = slicer.mrmlScene.GetNodeByID(self._outputId) if self._outputId else None
        report = message.get("report") or {}
        voxels = self._folder.readArray(message["image"])
        node = addResult(inputNode, voxels, message["image"], report, self._version, self._scale, outputNode)
        del voxels  # an open memory map would keep Windows from deleting the folder
        self._end(node=node, report=report)

    def _onSceneCloses(self, caller, event):
        self.abandon(_("The scene was closed while the volume was being enhanced: nothing was added."))

    def _end(self, node=None, report=None, exception=None):
        self.node, self.report, self.exception = node, report or {}, exception
        self.error = str(exception) if exception is not None else None
        self.seconds = time.monotonic() - self._started
        self.done = True
        if self._sceneTag is not None:
            slicer.mrmlScene.RemoveObserver(self._sceneTag)
            self._sceneTag = None
        if node is not None:
            logging.info("CHARMSSR: %s done in %.1f s", node.GetName(), self.seconds)
        else:
            logging.info("CHARMSSR: %s not enhanced: %s", self.inputName, self.error)
        callbacks, self._endCallbacks, self._progressCallbacks = self._endCallbacks, [], []
        for function in callbacks:
            function(self)

    def _tellProgress(self):
        for function in list(self._progressCallbacks):
            function(self.fraction, self.message)
