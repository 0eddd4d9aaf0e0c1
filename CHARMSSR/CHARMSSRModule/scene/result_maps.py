"""The maps of a result as volume nodes: beside it in the scene, and tied to it by node references.

A result refers to its maps by the roles "CHARMSSR.Map.detail", "CHARMSSR.Map.disagreement" and
"CHARMSSR.Map.variability"; a map refers to its result by the role "CHARMSSR.Result".
"""

import re

import slicer

from .free_name import freeName
from .geometry import ijkToRasFromGrid, matrixFromArray
from .map_colors import styleMap
from .map_texts import KNOWN

MAP = "CHARMSSR.Map"  # attribute of a map node: which map it is
MAP_ROLE = "CHARMSSR.Map."  # followed by the map's name
RESULT_ROLE = "CHARMSSR.Result"


def mapNodes(resultNode):
    """Map nodes of a result node by name ("detail", "removed", "disagreement", "variability"), {} if there are none."""
    found = {}
    if resultNode is not None:
        for index in range(resultNode.GetNumberOfNodeReferenceRoles()):
            role = resultNode.GetNthNodeReferenceRole(index)
            node = resultNode.GetNodeReference(role) if role.startswith(MAP_ROLE) else None
            if node is not None and isMap(node):
                found[role[len(MAP_ROLE) :]] = node
    known = [name for name in KNOWN if name in found]
    return {name: found[name] for name in known + sorted(set(found) - set(known))}


def resultOf(mapNode):
    """The result that a map belongs to, or None."""
    return mapNode.GetNodeReference(RESULT_ROLE)


def isMap(node):
    """True for a node that this module has made as a map."""
    return bool(node.GetAttribute(MAP))


def unfinishedMaps(images, readArray):
    """Volume nodes outside the scene, by name: what can fail, fails here.

    Args:
        images: the maps of a result message, by name.
        readArray: function(image) that gives the voxels (k, j, i).
    """
    finished = {}
    for name, image in images.items():
        node = slicer.vtkMRMLScalarVolumeNode()
        slicer.util.updateVolumeFromArray(node, readArray(image))
        node.SetIJKToRASMatrix(matrixFromArray(ijkToRasFromGrid(image)))
        # A role must hold no blank, colon or semicolon: a scene file keeps it between those.
        finished[re.sub(r"[^\w-]", "_", name)] = node
    return finished


def attachMaps(resultNode, finished, placeBeside):
    """Bring maps into the scene.

    A result that was overwritten has its own maps overwritten, too; those that the new run did not make stay in
    the scene as plain volumes, because they no longer belong to this result.

    Args:
        resultNode: the result, in the scene.
        finished: nodes of unfinishedMaps.
        placeBeside: function(node) that puts a new node into the subject hierarchy.
    """
    if isMap(resultNode):  # the user has chosen it as the output: it is one no longer
        resultNode.RemoveAttribute(MAP)
        resultNode.RemoveNodeReferenceIDs(RESULT_ROLE)
        resultNode.GetDisplayNode().SetApplyThreshold(False)
    former = mapNodes(resultNode)
    for name, node in former.items():
        if name not in finished or not _belongsTo(node, name, resultNode):
            resultNode.RemoveNodeReferenceIDs(MAP_ROLE + name)
            if _belongsTo(node, name, resultNode):
                node.RemoveNodeReferenceIDs(RESULT_ROLE)
    for name, made in finished.items():
        node = former.get(name)
        if node is not None and _belongsTo(node, name, resultNode):
            with slicer.util.NodeModify(node):
                node.SetAndObserveImageData(made.GetImageData())
                node.CopyOrientation(made)
        else:
            made.SetName(freeName(f"{resultNode.GetName()} {name}"))
            node = slicer.mrmlScene.AddNode(made)
            placeBeside(node)
        _tie(node, name, resultNode)
        styleMap(node, name, slicer.util.arrayFromVolume(node))


def _tie(node, name, resultNode):
    with slicer.util.NodeModify(node):
        transform = resultNode.GetParentTransformNode()
        node.SetAndObserveTransformNodeID(transform.GetID() if transform is not None else None)
        node.SetAttribute(MAP, name)
        node.SetNodeReferenceID(RESULT_ROLE, resultNode.GetID())
    resultNode.SetNodeReferenceID(MAP_ROLE + name, node.GetID())


def _belongsTo(node, name, resultNode):
    """True for the map that was made for this result; a copy of either by the user is the user's."""
    return node.GetAttribute(MAP) == name and resultOf(node) is resultNode
