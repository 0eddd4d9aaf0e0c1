"""Scan and result keep the same grey levels while they are compared, whichever of them is adjusted."""

import vtk
from slicer.util import VTKObservationMixin

from .scene_results import copyWindowLevel


class SharedGreyLevels(VTKObservationMixin):
    """Follows the window and level of two volumes."""

    def __init__(self):
        VTKObservationMixin.__init__(self)
        self._nodes = None

    def share(self, inputNode, resultNode):
        """Show the result in the grey levels of the scan, now and when either changes."""
        if self._nodes != (inputNode, resultNode):
            self.stop()
            self._nodes = inputNode, resultNode
            for node in self._nodes:
                if node.GetDisplayNode() is not None:
                    self.addObserver(node.GetDisplayNode(), vtk.vtkCommand.ModifiedEvent, self._onDisplayModified)
        copyWindowLevel(inputNode, resultNode)

    def stop(self):
        """Let go of both volumes."""
        self.removeObservers()
        self._nodes = None

    def _onDisplayModified(self, display, event):
        first, second = self._nodes
        source, target = (first, second) if first.GetDisplayNode() is display else (second, first)
        if source.GetDisplayNode() is display and _greyLevels(source) != _greyLevels(target):
            copyWindowLevel(source, target)


def _greyLevels(node):
    display = node.GetDisplayNode()
    return (display.GetWindow(), display.GetLevel()) if display is not None else None
