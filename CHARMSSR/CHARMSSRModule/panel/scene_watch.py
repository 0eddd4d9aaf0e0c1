"""What a panel has to hear of the scene: it is closed, read, or loses a node."""

import slicer
import vtk
from slicer.util import VTKObservationMixin


class SceneWatch(VTKObservationMixin):
    """Tells its owner.

    It calls ``onSceneStartClose()``, ``onSceneStartImport()``, ``onSceneIsThere()`` after either,
    ``onNodeAboutToBeRemoved(node)`` and ``onNodeRemoved(node)``.
    """

    def __init__(self, owner):
        VTKObservationMixin.__init__(self)
        self._owner = owner
        scene = slicer.mrmlScene
        for event, method in (
            (scene.StartCloseEvent, self._onStartClose),
            (scene.EndCloseEvent, self._onSceneIsThere),
            (scene.StartImportEvent, self._onStartImport),
            (scene.EndImportEvent, self._onSceneIsThere),
            (scene.NodeAboutToBeRemovedEvent, self._onNodeAboutToBeRemoved),
            (scene.NodeRemovedEvent, self._onNodeRemoved),
        ):
            self.addObserver(scene, event, method)

    def stop(self):
        """Let go of the scene."""
        self.removeObservers()

    def _onStartClose(self, caller, event):
        self._owner.onSceneStartClose()

    def _onStartImport(self, caller, event):
        self._owner.onSceneStartImport()

    def _onSceneIsThere(self, caller, event):
        self._owner.onSceneIsThere()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAboutToBeRemoved(self, caller, event, node):
        self._owner.onNodeAboutToBeRemoved(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeRemoved(self, caller, event, node):
        self._owner.onNodeRemoved(node)
