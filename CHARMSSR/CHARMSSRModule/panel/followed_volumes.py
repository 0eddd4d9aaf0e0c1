"""Follows volumes whose image, geometry or transform may change after they were chosen."""

import slicer
import vtk
from slicer.util import VTKObservationMixin


class FollowedVolumes(VTKObservationMixin):
    """Calls ``onChange()`` whenever one of the volumes has changed."""

    def __init__(self, onChange):
        VTKObservationMixin.__init__(self)
        self._onChange = onChange
        self._nodes = []

    def follow(self, nodes):
        """Follow these volumes and no others any more."""
        if nodes == self._nodes:
            return
        self.removeObservers()
        for node in nodes:
            for event in (vtk.vtkCommand.ModifiedEvent, slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent,
                          slicer.vtkMRMLTransformableNode.TransformModifiedEvent):  # fmt: skip
                self.addObserver(node, event, self._onNodeModified)
        self._nodes = nodes

    def _onNodeModified(self, caller, event):
        self._onChange()
