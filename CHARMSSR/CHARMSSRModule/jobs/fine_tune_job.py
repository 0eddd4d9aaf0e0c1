"""One fine-tuning that runs, has run, or was dropped."""

import logging
from collections import namedtuple

import slicer
from slicer.i18n import tr as _

from ..errors import JobCancelled, JobError
from ..scene.geometry import gridFromIjkToRas, ijkToRasFromGrid, ijkToWorldOfNode, worldFromLocalOfNode
from .worker_job import WorkerJob

FineTuneResult = namedtuple("FineTuneResult", "checkpointPath name report")


class FineTuneJob(WorkerJob):
    """Hands copies of all pairs to the worker; the new checkpoint appears in the folder that the settings name.

    The scene isn't needed after the start: it may be changed or closed meanwhile.

    Attributes beside those of every job:
        checkpointPath: weights of the new checkpoint, also after a cancelled run that had found something; else None,
            also after a run that found nothing better than its start.
        verdicts: {index of the pair: the worker's event about its registration}.
        history: the worker's events about its validations, oldest first.
    """

    task = "fine-tune"

    def __init__(self, pairs, settings, worker=None):
        super().__init__(settings["name"], worker)
        self.checkpointPath = None
        self.verdicts = {}
        self.history = []
        self._pairs = list(pairs)
        self._settings = settings
        self._eventCallbacks = []

    @property
    def result(self):
        """What a script gets: path, name and report of the checkpoint."""
        return FineTuneResult(self.checkpointPath, self.name, self.report)

    def onEventCall(self, function):
        """Call ``function(event)`` with every event of the worker (a pair was registered, a validation was made)."""
        self._eventCallbacks.append(function)

    def runningSentence(self):
        return _("The model {name} is still being fine-tuned: wait for it, or cancel it first.").format(name=self.name)

    def closedSentence(self):
        return _(
            "The module was closed while {name} was being fine-tuned: with the same name, pairs and settings it goes "
            "on from where it was."
        ).format(name=self.name)

    def onProgress(self, message):
        event = message.get("event")
        if event and not self.done:
            self._onEvent(event)
        super().onProgress(message)

    def onError(self, exception):
        """Whatever ended it, what was done is on the disk: say what became of it."""
        if not self.done:
            if isinstance(exception, JobCancelled):
                exception = JobCancelled(self._cancelledSentence(self._kept()))
            elif isinstance(exception, JobError) and self._workFolder().is_dir():
                sentence = _("{reason} With the same name, pairs and settings it goes on from where it was.")
                exception = JobError(sentence.format(reason=exception), exception.kind, exception.details)
        super().onError(exception)

    # Inside

    def _message(self):
        return {"pairs": [self._written(index, pair) for index, pair in enumerate(self._pairs)],
                "settings": self._settings}  # fmt: skip

    def _written(self, index, pair):
        from ..scene.masks import maskVoxelsAndGrid

        mask = None
        if pair.mask3T is not None:
            voxels, grid = maskVoxelsAndGrid(pair.mask3T, pair.image3T)
            ijkToWorld = worldFromLocalOfNode(pair.image3T) @ ijkToRasFromGrid(grid)
            mask = self._folder.writeArray(voxels, gridFromIjkToRas(ijkToWorld), f"pair{index}_mask.npy")
        return {
            "subject": pair.subject,
            "contrast": pair.contrast,
            "image_3t": self._writtenVolume(pair.image3T, f"pair{index}_3t.npy"),
            "image_7t": self._writtenVolume(pair.image7T, f"pair{index}_7t.npy"),
            "mask_3t": mask,
        }

    def _writtenVolume(self, node, fileName):
        """The volume as it stands in the scene: parent transforms go into the geometry, the node stays as it is."""
        grid = gridFromIjkToRas(ijkToWorldOfNode(node))
        return self._folder.writeArray(slicer.util.arrayFromVolume(node), grid, fileName)

    def _onEvent(self, event):
        if event.get("event") == "pair":
            self.verdicts[event.get("index")] = event
        elif event.get("event") == "validation":
            self.history.append(event)
        for function in list(self._eventCallbacks):
            function(event)

    def _deliver(self, message):
        self.checkpointPath = message.get("checkpoint")
        self.name = message.get("name") or self.name
        self.report = message.get("report") or {}
        self._end(JobCancelled(self._cancelledSentence(self.checkpointPath)) if self._cancelling else None)

    def _undelivered(self, error):
        return _("The answer of the worker process can't be read: {reason}").format(reason=error)

    def _workFolder(self):
        from CHARMSSRLib.fine_tuning.work_folder import work_folder_of

        return work_folder_of(self.name, self._settings["folder"])

    def _kept(self):
        """Weights of the best so far: the worker puts them into their place whenever there are better ones."""
        from CHARMSSRLib.fine_tuning.work_folder import discard_work, result_files

        weights = result_files(self.name, self._settings["folder"])[0]
        if weights.is_file() and weights.with_suffix(".json").is_file():
            self.checkpointPath = str(weights)
        discard_work(self.name, self._settings["folder"])  # where the worker had to be killed it is still there
        return self.checkpointPath

    def _cancelledSentence(self, kept):
        if kept is None:
            return _("Cancelled. No model was written: nothing better than the start had been found yet.")
        return _("Cancelled. The best so far is kept as {name}{figures}.").format(
            name=self.name, figures=self._bestFigures()
        )

    def _bestFigures(self):
        best = next((event for event in reversed(self.history) if event.get("best")), None)
        if best is None:
            return ""
        return _(" (step {step}, {psnr:.2f} dB)").format(step=best["step"], psnr=best["validation_psnr"])

    def _onEnd(self):
        self._pairs = []
        self._eventCallbacks = []
        if self.exception is None:
            logging.info("CHARMSSR: %s fine-tuned in %.0f s: %s", self.name, self.seconds, self.checkpointPath)
        else:
            logging.info("CHARMSSR: %s not fine-tuned to the end: %s", self.name, self.error)
