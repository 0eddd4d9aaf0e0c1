"""One enhancement that runs, has run, or was dropped."""

import logging
from dataclasses import asdict

import slicer
import vtk
from slicer.i18n import tr as _

from ..errors import JobCancelled
from ..scene.result_maps import attachMaps, unfinishedMaps
from ..scene.scan_files import fileOf
from ..scene.scene_results import addResult, placeBeside
from ..scene.source_voxels import SOURCE_VOXELS, fingerprint
from .worker_job import WorkerJob


class EnhancementJob(WorkerJob):
    """Hands one volume to the worker and the result to the scene.

    Attributes beside those of every job:
        node: the result node once it is in the scene, else None.
    """

    task = "enhance"

    def __init__(self, inputNode, outputNode, settings, scale, version, maskNode=None, worker=None):
        super().__init__(inputNode.GetName(), worker)
        self.node = None
        self._inputId = inputNode.GetID()
        self._outputId = outputNode.GetID() if outputNode is not None else None
        self._maskNode = maskNode
        self._settings = settings
        self._scale = scale
        self._version = version
        self._fingerprint = ""
        self._sceneTags = []

    def isAbout(self, node):
        """Whether this volume is the one that is enhanced."""
        return node is not None and node.GetID() == self._inputId

    def runningSentence(self):
        return _("{name} is still being enhanced: wait for it, or cancel it first.").format(name=self.name)

    def closedSentence(self):
        return _("The module was closed while a volume was being enhanced: nothing was added.")

    def start(self):
        super().start()
        if not self.done:
            scene = slicer.mrmlScene
            self._sceneTags = [scene.AddObserver(scene.StartCloseEvent, self._onSceneCloses),
                               scene.AddObserver(scene.NodeAboutToBeRemovedEvent, self._onNodeGoes)]  # fmt: skip
        logging.info("CHARMSSR: enhancing %s with %s", self.name, self._settings["checkpoint"])

    def _message(self):
        from ..scene.masks import maskVoxelsAndGrid

        inputNode = slicer.mrmlScene.GetNodeByID(self._inputId)
        self._fingerprint = fingerprint(inputNode)
        image = self._folder.writeVolume(inputNode, "input.npy")
        mask = None
        if self._maskNode is not None:
            voxels, grid = maskVoxelsAndGrid(self._maskNode, inputNode)
            mask = self._folder.writeArray(voxels, grid, "mask.npy")
        # What the worker knows from the command line by itself: the tags beside the voxels, and the scan's name.
        return {
            "image": image, "mask": mask, "settings": self._settings,
            "file": fileOf(inputNode) or None, "name": inputNode.GetName() or "",
        }  # fmt: skip

    def _deliver(self, message):
        inputNode = slicer.mrmlScene.GetNodeByID(self._inputId)
        if inputNode is None:
            self._end(JobCancelled(_removedSentence()))
            return
        outputNode = slicer.mrmlScene.GetNodeByID(self._outputId) if self._outputId else None
        report = {**(message.get("report") or {}), "settings": self._allSettings()}
        maps = unfinishedMaps(message.get("maps") or {}, self._folder.readArray)
        voxels = self._folder.readArray(message["image"])
        node = addResult(inputNode, voxels, message["image"], report, self._version, self._scale, outputNode)
        node.SetAttribute(SOURCE_VOXELS, self._fingerprint)
        del voxels  # an open memory map would keep Windows from deleting the folder
        attachMaps(node, maps, lambda mapNode: placeBeside(mapNode, inputNode))
        self.node, self.report = node, report
        self._end()

    def _allSettings(self):
        """Every setting, also those that were left to the library: a DICOM series of the result names them."""
        from CHARMSSRLib.settings import EnhancementSettings

        return asdict(EnhancementSettings.from_dict(self._settings))

    def _undelivered(self, error):
        return _("The result could not be brought into the scene: {reason}").format(reason=error)

    def _onSceneCloses(self, caller, event):
        self.abandon(_("The scene was closed while the volume was being enhanced: nothing was added."))

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeGoes(self, caller, event, node):
        if node.GetID() == self._inputId:
            self.abandon(_removedSentence())

    def _onEnd(self):
        for tag in self._sceneTags:
            slicer.mrmlScene.RemoveObserver(tag)
        self._sceneTags = []
        if self.node is not None:
            logging.info("CHARMSSR: %s done in %.1f s", self.node.GetName(), self.seconds)
        else:
            logging.info("CHARMSSR: %s not enhanced: %s", self.name, self.error)


def _removedSentence():
    return _("The input volume was removed while it was being enhanced: nothing was added.")
