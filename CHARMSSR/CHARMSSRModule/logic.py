"""Enhancement from a script or from the panel: checks, then a job for the worker."""

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from . import models
from .input_checks import reasonAgainstFile, reasonAgainstNode, reasonAgainstOutput, reasonAgainstVoxels
from .job import EnhancementJob
from .machine_settings import machineSetting
from .worker_client import sharedWorker


class CHARMSSRLogic(ScriptedLoadableModuleLogic):
    """Enhances brain volumes::

        node = CHARMSSRLogic().process(inputVolume)

    All instances share one worker process; it has one job at a time.
    """

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self.worker = sharedWorker()

    def getParameterNode(self):
        """The module's parameters in the scene, with their types."""
        from .parameter_node import CHARMSSRParameterNode

        return CHARMSSRParameterNode(super().getParameterNode())

    def reasonNotToStart(self, inputVolume, outputVolume=None, maskNode=None):
        """Sentence why ``process`` would refuse these nodes, "" if it wouldn't. Looks at no voxel."""
        reason = reasonAgainstNode(inputVolume) or reasonAgainstOutput(outputVolume, inputVolume)
        if not reason and maskNode is not None and maskNode is inputVolume:
            reason = _("The mask is the input volume: choose another one, or none.")
        return reason

    def reasonToWait(self):
        """Sentence why no job can start now, whatever the nodes; "" if one can."""
        job = self.currentJob()
        if job is None:
            return ""
        if job.done:
            return _("The worker process is still letting go of {name}: try again in a few seconds.").format(
                name=job.name
            )
        return job.runningSentence()

    def process(
        self,
        inputVolume,
        outputVolume=None,
        checkpoint=None,
        planes="acquisition",
        biasCorrection=True,
        restoreBias=False,
        skullStrip="auto",
        keepSkull=False,
        maskNode=None,
        dataConsistency="report",
        device=None,
        precision=None,
        batch=None,
        waitForCompletion=True,
        progressCallback=None,
    ):
        """Enhance a volume.

        :param inputVolume: scalar volume node of a head or brain.
        :param outputVolume: scalar volume node that is overwritten once the result is complete; None for a new one.
        :param checkpoint: name of a checkpoint or path of a weights file; None for the default.
        :param planes: "acquisition", "axial", "coronal", "sagittal" or "three".
        :param biasCorrection: correct the bias field first.
        :param restoreBias: multiply the corrected field back into the result.
        :param skullStrip: "auto", "none" or the name of a backend.
        :param keepSkull: enhance and keep everything inside the head.
        :param maskNode: segmentation or label map that replaces the computed mask.
        :param dataConsistency: "none", "report" or "project".
        :param device: "auto", "cpu", "cuda", "cuda:N" or "mps"; None for the setting of this computer.
        :param precision: "auto", "float32", "float16" or "bfloat16"; None likewise.
        :param batch: slices per batch, 0 for automatic; None likewise.
        :param waitForCompletion: return the output node when it is complete (events are processed meanwhile),
            or at once a job with ``.node``, ``.error``, ``.done`` and ``.cancel()``.
        :param progressCallback: called with (fraction, message).
        :raises ValueError: if an input or a setting can't be used; the message says why.
        :raises RuntimeError: if the worker fails, is cancelled, or has a job already.
        """
        reason = self.reasonToWait()
        if reason:
            raise RuntimeError(reason)
        reason = (
            self.reasonNotToStart(inputVolume, outputVolume, maskNode)
            or reasonAgainstFile(inputVolume)
            or reasonAgainstVoxels(inputVolume)
        )
        if reason:
            raise ValueError(reason)
        settings = {
            "checkpoint": checkpoint or models.defaultModel(),
            "planes": planes,
            "bias_correction": biasCorrection,
            "restore_bias": restoreBias,
            "skull_strip": skullStrip,
            "keep_skull": keepSkull,
            "data_consistency": dataConsistency,
            "device": machineSetting("Device") if device is None else device,
            "precision": machineSetting("Precision") if precision is None else precision,
            "batch": machineSetting("Batch") if batch is None else batch,
        }
        job = self._makeJob(inputVolume, outputVolume, maskNode, settings)
        if progressCallback is not None:
            job.onProgressCall(progressCallback)
        job.start()
        if not waitForCompletion:
            return job
        job.waitForCompletion()
        if job.exception is not None:
            raise job.exception
        return job.node

    def currentJob(self):
        """The job that the worker has, or None."""
        return self.worker.job

    def stopEverything(self):
        """Drop a running job without a trace and end the worker process."""
        job = self.currentJob()
        if job is not None:
            job.abandon(job.closedSentence())
        self.worker.stop()

    def _makeJob(self, inputVolume, outputVolume, maskNode, settings):
        from CHARMSSRLib import __version__
        from CHARMSSRLib.errors import CHARMSSRError
        from CHARMSSRLib.settings import EnhancementSettings

        try:
            EnhancementSettings(**settings)
        except CHARMSSRError as error:
            raise ValueError(str(error)) from error
        card = models.modelCard(settings["checkpoint"])
        return EnhancementJob(
            inputVolume, outputVolume, settings, card.get("scale", 2), __version__, maskNode, self.worker
        )

    @staticmethod
    def show(volumeNode):
        """Make a volume the background of all slice views, where they are."""
        slicer.util.setSliceViewerLayers(background=volumeNode)
