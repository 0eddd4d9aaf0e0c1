"""A segmentation or a label map as the worker's mask."""

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from .geometry import arrayFromMatrix, gridFromIjkToRas, ijkToRasOfNode, isSheared
from .input_checks import reasonAgainstTransform


def maskVoxelsAndGrid(maskNode, inputNode):
    """Mask as (UInt8 array (k, j, i), grid in the input's own coordinates); ValueError if it can't serve.

    The worker brings it to the input's grid and refuses it when they don't overlap.
    """
    reason = reasonAgainstTransform(maskNode)
    if reason:
        raise ValueError(reason)
    if maskNode.IsA("vtkMRMLSegmentationNode"):
        voxels = _segmentationVoxels(maskNode, inputNode)
        ijkToLocal = ijkToRasOfNode(inputNode)
    elif maskNode.IsA("vtkMRMLLabelMapVolumeNode"):
        if maskNode.GetImageData() is None:
            raise ValueError(_("The mask {name} holds no image: load it again.").format(name=maskNode.GetName()))
        voxels = slicer.util.arrayFromVolume(maskNode)
        ijkToLocal = _localFromLocal(maskNode, inputNode) @ ijkToRasOfNode(maskNode)
    else:
        raise ValueError(
            _("{name} cannot be the mask: choose a segmentation or a label map.").format(name=maskNode.GetName())
        )
    if isSheared(ijkToLocal):
        raise ValueError(
            _("The mask {name} is sheared against the input: harden its transform first.").format(
                name=maskNode.GetName()
            )
        )
    if not np.any(voxels):
        raise ValueError(
            _("The mask {name} is empty: paint it, or choose another one.").format(name=maskNode.GetName())
        )
    return np.ascontiguousarray(voxels != 0, dtype=np.uint8), gridFromIjkToRas(ijkToLocal)


def _segmentationVoxels(segmentationNode, inputNode):
    """Union of the visible segments on the input's grid."""
    segmentIds = vtk.vtkStringArray()
    displayNode = segmentationNode.GetDisplayNode()
    segmentation = segmentationNode.GetSegmentation()
    for index in range(segmentation.GetNumberOfSegments()):
        segmentId = segmentation.GetNthSegmentID(index)
        if displayNode is None or displayNode.GetSegmentVisibility(segmentId):
            segmentIds.InsertNextValue(segmentId)
    if segmentIds.GetNumberOfValues() == 0:
        raise ValueError(
            _("The segmentation {name} has no visible segment: show the one that is the mask.").format(
                name=segmentationNode.GetName()
            )
        )
    # The export needs a label-map node in the scene and makes others for its colours: all go again at once.
    before = _nodeIds()
    labelMap = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "CHARMSSR mask")
    try:
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        if not logic.ExportSegmentsToLabelmapNode(segmentationNode, segmentIds, labelMap, inputNode):
            raise ValueError(
                _("The segmentation {name} cannot be made a label map: check its segments.").format(
                    name=segmentationNode.GetName()
                )
            )
        return np.array(slicer.util.arrayFromVolume(labelMap))
    finally:
        for nodeId in _nodeIds() - before:
            slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetNodeByID(nodeId))


def _nodeIds():
    scene = slicer.mrmlScene
    return {scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())}


def _localFromLocal(sourceNode, targetNode):
    """4x4: coordinates under the source's parent transform -> under the target's."""
    matrix = vtk.vtkMatrix4x4()
    slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(
        sourceNode.GetParentTransformNode(), targetNode.GetParentTransformNode(), matrix
    )
    return arrayFromMatrix(matrix)
