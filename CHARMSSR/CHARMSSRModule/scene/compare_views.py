"""Input, result and map side by side, in linked slice views with the same grey levels."""

import slicer

from .geometry import axisNearest, ijkToRasOfNode, sliceAxis
from .scene_results import copyWindowLevel

LEFT, RIGHT, THIRD = "Red", "Yellow", "Green"  # the first two are those of Slicer's side-by-side layout
ORIENTATIONS = ("Sagittal", "Coronal", "Axial")  # by the patient axis that they cut

# Slicer has no layout of three slice views in a row. Its own layouts have numbers below 100.
THREE_VIEWS_LAYOUT = 5402
_VIEW = (
    '<item><view class="vtkMRMLSliceNode" singletontag="{name}">'
    '<property name="orientation" action="default">{orientation}</property>'
    '<property name="viewlabel" action="default">{label}</property>'
    '<property name="viewcolor" action="default">{color}</property>'
    "</view></item>"
)
_VIEWS = (  # as Slicer labels and colours them
    (LEFT, "Axial", "R", "#F34A33"),
    (RIGHT, "Sagittal", "Y", "#EDD54C"),
    (THIRD, "Coronal", "G", "#6EB04B"),
)


def showSideBySide(inputNode, resultNode, withThirdView=False):
    """Input left, result right, in the plane of the slices, linked; a third view shows the result once more."""
    views = ((LEFT, inputNode), (RIGHT, resultNode)) + (((THIRD, resultNode),) if withThirdView else ())
    layoutManager = slicer.app.layoutManager()
    if layoutManager is not None:
        layoutManager.setLayout(
            _threeViews(layoutManager) if withThirdView else slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView
        )
        slicer.app.processEvents()  # the views take their new sizes, by which they are zoomed below
    copyWindowLevel(inputNode, resultNode)
    orientation = _acquiredOrientation(inputNode)
    linkViews(False)  # else each step below would be copied to the other views
    for viewName, volumeNode in views:
        composite = compositeNode(viewName)
        composite.SetBackgroundVolumeID(volumeNode.GetID())
        composite.SetForegroundVolumeID(None)
        composite.SetForegroundOpacity(0.0)
        composite.SetLabelVolumeID(None)
        sliceNode = _sliceNode(viewName)
        sliceNode.SetOrientation(orientation)
        sliceNode.RotateToVolumePlane(inputNode)  # so that a view shows one slice, not a mixture of neighbours
    if layoutManager is not None:
        layoutManager.sliceWidget(LEFT).sliceLogic().FitSliceToBackground()
    left = _sliceNode(LEFT)
    for viewName, _volume in views[1:]:
        other = _sliceNode(viewName)
        other.GetSliceToRAS().DeepCopy(left.GetSliceToRAS())
        other.UpdateMatrices()
        other.SetFieldOfView(*left.GetFieldOfView())
    linkViews(True)


def threeViewsAreShown():
    """True in the layout of input, result and map."""
    layoutManager = slicer.app.layoutManager()
    return layoutManager is not None and layoutManager.layout == THREE_VIEWS_LAYOUT


def compareLayoutIsShown():
    """True in the layouts of ``showSideBySide``, whatever the views show."""
    layoutManager = slicer.app.layoutManager()
    layouts = (slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView, THREE_VIEWS_LAYOUT)
    return layoutManager is not None and layoutManager.layout in layouts


def sideBySideAreShown(inputNode):
    """True in a layout of ``showSideBySide`` whose left view shows this scan alone."""
    if not compareLayoutIsShown():
        return False
    left = compositeNode(LEFT)
    return left.GetBackgroundVolumeID() == inputNode.GetID() and not left.GetForegroundVolumeID()


def linkViews(linked):
    """Link or unlink all slice views (position and zoom; scrolling follows while it happens)."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetLinkedControl(linked)
        composite.SetHotLinkedControl(linked)


def viewsAreLinked():
    """True if there are slice views and all are linked."""
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return bool(composites) and all(composite.GetLinkedControl() for composite in composites)


def compositeNode(viewName):
    """What a slice view shows."""
    return _viewNode("vtkMRMLSliceCompositeNode", viewName)


def registerLayout():
    """Make the layout of three views known, so that a scene that was saved in it comes back in it."""
    layoutManager = slicer.app.layoutManager()
    if layoutManager is not None:
        _threeViews(layoutManager)


def _threeViews(layoutManager):
    """Number of the layout, which is made known first: a closed scene may have forgotten it."""
    description = "".join(
        _VIEW.format(name=name, orientation=orientation, label=label, color=color)
        for name, orientation, label, color in _VIEWS
    )
    description = f'<layout type="horizontal">{description}</layout>'
    layoutNode = layoutManager.layoutLogic().GetLayoutNode()
    if not layoutNode.SetLayoutDescription(THREE_VIEWS_LAYOUT, description):
        layoutNode.AddLayoutDescription(THREE_VIEWS_LAYOUT, description)
    return THREE_VIEWS_LAYOUT


def _acquiredOrientation(volumeNode):
    """Name of the standard plane nearest to the plane of a volume's slices."""
    ijkToRas = ijkToRasOfNode(volumeNode)
    axis = sliceAxis(ijkToRas)
    for rasAxis, name in enumerate(ORIENTATIONS):
        if axisNearest(ijkToRas, rasAxis) == axis:
            return name
    return "Axial"


def _sliceNode(viewName):
    return _viewNode("vtkMRMLSliceNode", viewName)


def _viewNode(className, viewName):
    for node in slicer.util.getNodesByClass(className):
        if node.GetLayoutName() == viewName:
            return node
    raise RuntimeError(f"There is no slice view {viewName}.")
