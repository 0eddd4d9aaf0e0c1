"""Enhancement from a script or from the panel: checks, then a job for the worker."""

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .errors import JobCancelled
from .jobs import fine_tune_request as fine_tuning
from .jobs import models
from .jobs.enhancement_job import EnhancementJob
from .jobs.fine_tune_job import FineTuneJob
from .jobs.keywords import settingsFromKeywords
from .jobs.machine_settings import machineSetting
from .jobs.worker_client import STOPPED, sharedWorker
from .scene.dicom_export import exportSeries, reasonNotToExport
from .scene.input_checks import reasonAgainstFile, reasonAgainstNode, reasonAgainstOutput, reasonAgainstVoxels
from .scene.result_maps import mapNodes
from .scene.scan_pairs import asPair


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
        planes=None,
        *,
        maskNode=None,
        settings=None,
        waitForCompletion=True,
        progressCallback=None,
        **more,
    ):
        """Enhance a volume.

        Args:
            inputVolume: scalar volume node of a head or brain.
            outputVolume: scalar volume node that is overwritten once the result is complete; None for a new one.
            checkpoint: name of a checkpoint or path of a weights file; None for the default.
            planes: "acquisition", "axial", "coronal", "sagittal" or "three".
            maskNode: segmentation or label map that replaces the computed mask.
            settings: ``CHARMSSRLib.EnhancementSettings`` with all of them; what else is named here comes on top.
            more: any further setting of ``EnhancementSettings`` in Slicer's spelling, among them biasCorrection,
                restoreBias, skullStrip, keepSkull, dataConsistency ("none", "report" or "project"), maps (``mapNodes``
                finds them), resolution, denoise, quality; engine, device, precision and batch are else this computer's
                settings.
            waitForCompletion: return the output node when it is complete (events are processed meanwhile),
                or at once a job with ``.node``, ``.error``, ``.done`` and ``.cancel()``.
            progressCallback: called with (fraction, message).

        Raises:
            ValueError: if an input or a setting can't be used; the message says why.
            RuntimeError: if the worker fails, is cancelled, or has a job already.
        """
        from CHARMSSRLib.settings import EnhancementSettings

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
        defaults = {
            "checkpoint": models.defaultModel(),
            "engine": machineSetting("Engine"),
            "device": machineSetting("Device"),
            "precision": machineSetting("Precision"),
            "batch": machineSetting("Batch"),
        }
        more.update(checkpoint=checkpoint or None, planes=planes)
        settings = settingsFromKeywords(EnhancementSettings, more, settings, defaults)
        job = self._makeJob(inputVolume, outputVolume, maskNode, settings)
        self._run(job, waitForCompletion, progressCallback)
        return job.node if waitForCompletion else job

    def exportDICOM(self, node, folder=None, seriesOffset=None, mark=False):
        """Write a result as a DICOM series under the patient and study of its source.

        Args:
            node: result of ``process`` whose source came from DICOM.
            folder: new or empty folder; None for Slicer's DICOM database.
            seriesOffset: added to the number of the source's series; None for 9000.
            mark: draw "research only" into a corner of each image.

        Returns:
            paths of the written images.

        Raises:
            ValueError: if it can't be written; the message says why (``reasonNotToExportDICOM`` asks before).
        """
        return exportSeries(node, folder, seriesOffset, mark)

    def reasonNotToExportDICOM(self, node):
        """Sentence why ``exportDICOM`` would refuse a node, "" if it wouldn't."""
        return reasonNotToExport(node)

    def reasonNotToFineTune(self, pairs, name):
        """Sentence why ``fineTune`` would refuse these pairs or this name, "" if it wouldn't."""
        pairs = [asPair(pair) for pair in pairs]
        return (
            fine_tuning.reasonAgainstList(pairs)
            or fine_tuning.reasonAgainstName(name)
            or fine_tuning.reasonAgainstFolder()
        )

    def fineTune(
        self,
        pairs,
        name="charms-7t",
        checkpoint=None,
        *,
        settings=None,
        waitForCompletion=True,
        progressCallback=None,
        **more,
    ):
        """Make a checkpoint of one's own from pairs of 3T and 7T scans.

        What is None is left to the library (``FineTuningSettings``), device and precision to the settings of this
        computer. Nodes stay as they are; their parent transforms (linear ones) count.

        Args:
            pairs: for each pair (3T volume node, 7T volume node) or (3T, 7T, mask node on the 3T scan), or a
                ``scan_pairs.ScanPair`` that names subject and contrast, too.
            name: of the new checkpoint; an existing one is not overwritten.
            checkpoint: name of the checkpoint that it starts from, or path of a weights file.
            settings: ``CHARMSSRLib.FineTuningSettings`` with all of them (name and folder apart); what else is
                named here comes on top.
            more: any further setting of ``FineTuningSettings`` in Slicer's spelling: learningRate, steps, batch,
                patch, validateEvery, patience, holdOut, leaveOneOut, biasCorrection, skullStrip, device, precision,
                seed.
            waitForCompletion: return (checkpointPath, name, report) when it is done (events are processed
                meanwhile), or at once a job with these, ``.error``, ``.done`` and ``.cancel()``.
            progressCallback: called with (fraction, message).

        Raises:
            ValueError: if a pair, the name or a setting can't be used; the message says why.
            RuntimeError: if the worker fails, is cancelled, or has a job already. The best that was found until
                then is kept; the message says under which name.
        """
        reason = self.reasonToWait()
        if reason:
            raise RuntimeError(reason)
        pairs = [asPair(pair) for pair in pairs]
        reason = self.reasonNotToFineTune(pairs, name) or fine_tuning.reasonAgainstContents(pairs)
        if reason:
            raise ValueError(reason)
        settings = fine_tuning.settingsForWorker(name, checkpoint, more, settings)
        job = FineTuneJob([pair.completed() for pair in pairs], settings, self.worker)
        self._run(job, waitForCompletion, progressCallback)
        return job.result if waitForCompletion else job

    @staticmethod
    def mapNodes(outputNode):
        """Maps of a result that ``process(..., maps=True)`` has made.

        Returns:
            volume nodes by name: "detail" (signed: what is finer than the scan could show), "variability" (SD
            over mirrored and turned slices; not with planes="three") and "disagreement" (SD between the directions;
            only with planes="three" and about cubic voxels), the last two as means over 3 x 3 x 3 voxels; {} for a
            result without maps. The result refers to each by the node reference role "CHARMSSR.Map." + name, a map
            to its result by "CHARMSSR.Result".
        """
        return mapNodes(outputNode)

    def currentJob(self):
        """The job that the worker has, or None."""
        return self.worker.job

    def startWorkerAgain(self, job):
        """Get a new process ready after a cancelled job whose process had to be killed."""
        if isinstance(job.exception, JobCancelled) and self.worker.state == STOPPED and not self.worker.startError:
            self.worker.start()

    def stopEverything(self):
        """Drop a running job without a trace and end the worker process."""
        job = self.currentJob()
        if job is not None:
            job.abandon(job.closedSentence())
        self.worker.stop()

    @staticmethod
    def _run(job, waitForCompletion, progressCallback):
        """Start a job and, where asked, wait for its end; what ended it badly is raised."""
        if progressCallback is not None:
            job.onProgressCall(progressCallback)
        job.start()
        if waitForCompletion:
            job.waitForCompletion()
            if job.exception is not None:
                raise job.exception

    def _makeJob(self, inputVolume, outputVolume, maskNode, settings):
        from CHARMSSRLib import __version__

        card = models.modelCard(settings["checkpoint"])
        return EnhancementJob(
            inputVolume, outputVolume, settings, card.get("scale", 2), __version__, maskNode, self.worker
        )

    @staticmethod
    def show(volumeNode):
        """Make a volume the background of all slice views, where they are."""
        slicer.util.setSliceViewerLayers(background=volumeNode)
