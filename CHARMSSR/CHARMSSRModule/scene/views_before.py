"""The slice views as they were before scan and result were put side by side."""

import slicer

from .compare_views import compareLayoutIsShown
from .geometry import arrayFromMatrix, matrixFromArray
from .shown_layers import composites, idInScene


class ViewsBefore:
    """Keeps layout, planes, zoom, volumes and links of the slice views, and brings them back.

    Attributes:
        known: whether there is anything to go back to.
    """

    def __init__(self):
        self.forget()

    def remember(self, resultNode):
        """Keep the present views, unless they are those of a comparison already."""
        if self.known and compareLayoutIsShown():
            return
        self._resultId = resultNode.GetID()
        layoutManager = slicer.app.layoutManager()
        self._layout = layoutManager.layout if layoutManager is not None else None
        self._planes = {node.GetID(): (arrayFromMatrix(node.GetSliceToRAS()), node.GetFieldOfView())
                        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode")}  # fmt: skip
        self._layers = {each.GetID(): _layersOf(each) for each in composites()}
        self.known = True

    def restore(self, resultNode):
        """Show the views as they were, with a newer result if there is one; what has left the scene stays away."""
        for composite in composites():
            composite.SetLinkedControl(False)  # else each step would be copied to the other views
            composite.SetHotLinkedControl(False)
        if self._layout is not None:
            slicer.app.layoutManager().setLayout(self._layout)
            slicer.app.processEvents()  # the views take their sizes
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            if node.GetID() in self._planes:
                plane, view = self._planes[node.GetID()]
                node.GetSliceToRAS().DeepCopy(matrixFromArray(plane))
                node.UpdateMatrices()
                node.SetFieldOfView(*view)
        for composite in composites():
            if composite.GetID() in self._layers:
                background, foreground, label, opacity, *_links = self._layers[composite.GetID()]
                if resultNode.GetID() != self._resultId:
                    background, foreground, opacity = resultNode.GetID(), None, 0.0
                with slicer.util.NodeModify(composite):
                    composite.SetBackgroundVolumeID(idInScene(background))
                    composite.SetForegroundVolumeID(idInScene(foreground))
                    composite.SetLabelVolumeID(idInScene(label))
                    composite.SetForegroundOpacity(opacity)
        for composite in composites():
            if composite.GetID() in self._layers:
                composite.SetLinkedControl(self._layers[composite.GetID()][4])
                composite.SetHotLinkedControl(self._layers[composite.GetID()][5])
        self.forget()

    def forget(self):
        """There is nothing to go back to."""
        self.known, self._resultId, self._layout, self._planes, self._layers = False, None, None, {}, {}


def _layersOf(composite):
    return (
        composite.GetBackgroundVolumeID(),
        composite.GetForegroundVolumeID(),
        composite.GetLabelVolumeID(),
        composite.GetForegroundOpacity(),
        composite.GetLinkedControl(),
        composite.GetHotLinkedControl(),
    )
