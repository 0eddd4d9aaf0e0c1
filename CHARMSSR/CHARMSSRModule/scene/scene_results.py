"""A finished result becomes a volume node: complete, or not at all."""

import json

import slicer
from slicer.i18n import tr as _

from .free_name import freeName
from .geometry import ijkToRasFromGrid, matrixFromArray

CHECKPOINT, SHA256, VERSION = "CHARMSSR.Checkpoint", "CHARMSSR.CheckpointSHA256", "CHARMSSR.Version"
REPORT = "CHARMSSR.Report"
SOURCE_ROLE = "CHARMSSR.Source"


def resultName(inputNode, scale):
    """Name of a new result: "<input> CHARMS x2", numbered if it is taken."""
    return freeName(f"{inputNode.GetName()} CHARMS x{scale}")


def addResult(inputNode, voxels, grid, report, version, scale, outputNode=None):
    """Put voxels on a grid into the scene, beside their source; the node.

    All that can fail is done on a node of its own before the scene is touched.

    Args:
        inputNode: the scan.
        voxels: (k, j, i).
        grid: as in ``geometry.gridFromIjkToRas``.
        report: of the enhancement.
        version: of the library.
        scale: of the checkpoint, for the name.
        outputNode: to fill; None for a new one.
    """
    finished = slicer.vtkMRMLScalarVolumeNode()
    slicer.util.updateVolumeFromArray(finished, voxels)
    finished.SetIJKToRASMatrix(matrixFromArray(ijkToRasFromGrid(grid)))
    checkpoint = report.get("checkpoint", {})
    attributes = {
        CHECKPOINT: checkpoint.get("name", ""),
        SHA256: checkpoint.get("sha256", ""),
        VERSION: version,
        REPORT: json.dumps(report),
    }
    if outputNode is None:
        finished.SetName(resultName(inputNode, scale))
        node = slicer.mrmlScene.AddNode(finished)
        placeBeside(node, inputNode)
        _fill(node, inputNode, attributes)
    else:
        node = outputNode
        with slicer.util.NodeModify(node):
            node.SetAndObserveImageData(finished.GetImageData())
            node.CopyOrientation(finished)
            _fill(node, inputNode, attributes)
    return node


def _fill(node, inputNode, attributes):
    with slicer.util.NodeModify(node):
        transform = inputNode.GetParentTransformNode()
        node.SetAndObserveTransformNodeID(transform.GetID() if transform is not None else None)
        for name, value in attributes.items():
            node.SetAttribute(name, value)
        node.SetNodeReferenceID(SOURCE_ROLE, inputNode.GetID())
        if node.GetDisplayNode() is None:
            node.CreateDefaultDisplayNodes()
        copyWindowLevel(inputNode, node)


def copyWindowLevel(sourceNode, targetNode):
    """Show one volume in the grey levels and colours of another, and hide what the other hides by a threshold."""
    source, target = sourceNode.GetDisplayNode(), targetNode.GetDisplayNode()
    if source is None or target is None:
        return
    with slicer.util.NodeModify(target):
        target.SetAutoWindowLevel(False)
        target.SetWindowLevel(source.GetWindow(), source.GetLevel())
        target.SetInterpolate(source.GetInterpolate())
        target.SetAutoThreshold(False)
        target.SetThreshold(source.GetLowerThreshold(), source.GetUpperThreshold())
        target.SetApplyThreshold(source.GetApplyThreshold())
        target.SetAndObserveColorNodeID(source.GetColorNodeID())


def placeBeside(node, inputNode):
    """Give a new node its source's place in the subject hierarchy (folder, study, patient)."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    sourceItem = hierarchy.GetItemByDataNode(inputNode)
    parentItem = hierarchy.GetItemParent(sourceItem) if sourceItem else hierarchy.GetSceneItemID()
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.SetItemParent(item, parentItem)
    else:
        item = hierarchy.CreateItem(parentItem, node)
    if sourceItem and node.IsA("vtkMRMLScalarVolumeNode"):
        _describeForExport(hierarchy, sourceItem, item, node)


def _describeForExport(hierarchy, sourceItem, item, node):
    """What Slicer's own DICOM export asks of a series; without these it writes a CT without a description.

    Patient and study it takes from the items above.
    """
    prefix = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMAttributePrefix()
    if not hierarchy.HasItemAttribute(sourceItem, f"{prefix}Modality"):
        return  # not from DICOM
    for name in ("Modality", "FrameOfReferenceUID", "Manufacturer", "Model"):
        hierarchy.SetItemAttribute(item, prefix + name, hierarchy.GetItemAttribute(sourceItem, prefix + name))
    hierarchy.SetItemAttribute(item, f"{prefix}SeriesDescription", f"{node.GetName()}, research only")
    number = hierarchy.GetItemAttribute(sourceItem, f"{prefix}SeriesNumber")
    hierarchy.SetItemAttribute(item, f"{prefix}SeriesNumber", str((int(number) if number.isdigit() else 0) + 9000))


def sourceOf(node):
    """The input of a result node, or None."""
    return node.GetNodeReference(SOURCE_ROLE) if node is not None else None


def pastSentence(node):
    """What is to be said of an input that is a result itself; "" of any other."""
    if not node.GetAttribute(CHECKPOINT):
        return ""
    return _("{name} is a result itself: enhancing it again adds detail to detail.").format(name=node.GetName())


def reportOf(node):
    """The report that a result node carries, or {}."""
    text = node.GetAttribute(REPORT) if node is not None else None
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return {}
