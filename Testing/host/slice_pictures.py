"""Pictures of slices as the scene displays them (window, level, colours), without OpenGL."""

import numpy as np
import slicer
import vtk
from vtk.util import numpy_support

_ORIENTATIONS = ("Axial", "Sagittal", "Coronal")


def picture(volumeNode, orientation="Axial", offset=None, size=(256, 256), zoomTo=None):
    """Reslices a volume as a slice view does.

    Args:
        volumeNode: scalar or label-map volume node with a display node; its parent transform is applied.
        orientation: "Axial", "Sagittal" or "Coronal".
        offset: position of the slice along its normal in mm (RAS); the volume's centre if None.
        size: width and height in pixels.
        zoomTo: another volume node whose extent the view fits, for pictures that can be compared.

    Returns:
        Array of shape (height, width, 3), uint8, seen as on the screen (top row first).

    Raises:
        ValueError: unknown orientation, or nothing to show.
    """
    if orientation not in _ORIENTATIONS:
        raise ValueError(f"Unknown orientation {orientation}: use one of {_ORIENTATIONS}.")
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLApplicationLogic(slicer.app.applicationLogic())
    logic.SetMRMLScene(slicer.mrmlScene)
    node = logic.AddSliceNode("Host")
    try:
        node.SetOrientation(orientation)
        node.SetDimensions(size[0], size[1], 1)
        composite = logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID((zoomTo or volumeNode).GetID())
        logic.FitSliceToBackground(size[0], size[1])
        composite.SetBackgroundVolumeID(volumeNode.GetID())
        logic.SetSliceOffset(_center(volumeNode, node) if offset is None else offset)
        image = _rendered(logic)
    finally:
        for each in (logic.GetSliceModelNode(), logic.GetSliceCompositeNode(), node):
            if each is not None:
                slicer.mrmlScene.RemoveNode(each)
    return image


def viewPicture(viewName, size=(256, 256)):
    """What a slice view of the layout shows: background, foreground and label, as they are blended.

    Args:
        viewName: "Red", "Yellow" or "Green".
        size: width and height in pixels; the view keeps its zoom in mm per pixel.

    Returns:
        Array of shape (height, width, 3), uint8, top row first.

    Raises:
        ValueError: the view shows nothing.
    """
    logic = slicer.app.layoutManager().sliceWidget(viewName).sliceLogic()
    node = logic.GetSliceNode()
    before, field = node.GetDimensions(), node.GetFieldOfView()
    node.SetDimensions(size[0], size[1], 1)
    node.SetFieldOfView(field[0] * size[0] / before[0], field[1] * size[1] / before[1], field[2])
    node.UpdateMatrices()
    try:
        return _rendered(logic)
    finally:
        node.SetDimensions(*before)
        node.SetFieldOfView(*field)
        node.UpdateMatrices()


def _center(volumeNode, sliceNode):
    bounds = [0.0] * 6
    volumeNode.GetRASBounds(bounds)
    center = [(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)]
    normal = [sliceNode.GetSliceToRAS().GetElement(axis, 2) for axis in range(3)]
    return float(np.dot(center, normal))


def _rendered(logic):
    connection = logic.GetImageDataConnection()
    if connection is None:
        raise ValueError("The slice shows nothing: has the volume node a display node?")
    opaque = vtk.vtkImageExtractComponents()
    opaque.SetInputConnection(connection)
    opaque.SetComponents(0, 1, 2)
    opaque.Update()
    data = opaque.GetOutput()
    width, height, _ = data.GetDimensions()
    array = numpy_support.vtk_to_numpy(data.GetPointData().GetScalars()).reshape(height, width, 3)
    return np.ascontiguousarray(array[::-1]).astype(np.uint8)
