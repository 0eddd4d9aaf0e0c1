"""Input and result side by side, in two linked slice views with the same grey levels."""

import slicer

from .geometry import axisNearest, ijkToRasOfNode, sliceAxis
from .scene_results import copyWindowLevel

LEFT, RIGHT = "Red", "Yellow"  # the views of Slicer's side-by-side layout
ORIENTATIONS = ("Sagittal", "Coronal", "Axial")  # by the patient axis that they cut


def showSideBySide(inputNode, resultNode):
    """Two views: input left, result right, in the plane of the slices, linked."""
    layoutManager = slicer.app.layoutManager()
    if layoutManager is not None:
        layoutManager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
    copyWindowLevel(inputNode, resultNode)
    orientation = _acquiredOrientation(inputNode)
    linkViews(False)  # else each step below would be copied to the other view
    for viewName, volumeNode in ((LEFT, inputNode), (RIGHT, resultNode)):
        composite = _compositeNode(viewName)
        composite.SetBackgroundVolumeID(volumeNode.GetID())
        composite.SetForegroundVolumeID(None)
        composite.SetLabelVolumeID(None)
        sliceNode = _sliceNode(viewName)
        sliceNode.SetOrientation(orientation)
        sliceNode.RotateToVolumePlane(inputNode)  # so that a view shows one slice, not a mixture of neighbours
    if layoutManager is not None:
        layoutManager.sliceWidget(LEFT).sliceLogic().FitSliceToBackground()
    left, right = _sliceNode(LEFT), _sliceNode(RIGHT)
    right.GetSliceToRAS().DeepCopy(left.GetSliceToRAS())
    right.UpdateMatrices()
    width, height, depth = left.GetFieldOfView()
    right.SetFieldOfView(width, height, depth)
    linkViews(True)


def linkViews(linked):
    """Link or unlink all slice views (position and zoom; scrolling follows while it happens)."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetLinkedControl(linked)
        composite.SetHotLinkedControl(linked)


def viewsAreLinked():
    """True if there are slice views and all are linked."""
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return bool(composites) and all(composite.GetLinkedControl() for composite in composites)


def _acquiredOrientation(volumeNode):
    """Name of the standard plane nearest to the plane of a volume's slices."""
    ijkToRas = ijkToRasOfNode(volumeNode)
    axis = sliceAxis(ijkToRas)
    for rasAxis, name in enumerate(ORIENTATIONS):
        if axisNearest(ijkToRas, rasAxis) == axis:
            return name
    return "Axial"


def _compositeNode(viewName):
    return _viewNode("vtkMRMLSliceCompositeNode", viewName)


def _sliceNode(viewName):
    return _viewNode("vtkMRMLSliceNode", viewName)


def _viewNode(className, viewName):
    for node in slicer.util.getNodesByClass(className):
        if node.GetLayoutName() == viewName:
            return node
    raise RuntimeError(f"There is no slice view {viewName}.")
