"""What the slice views show, whether the layout has them, and how large they are."""

import slicer


def composites():
    """What each slice view shows: its layers."""
    return slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")


def sliceNodeOf(composite):
    """Plane and size of a slice view by its layers, or None."""
    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        if node.GetLayoutName() == composite.GetLayoutName():
            return node
    return None


def isSeen(composite):
    """Whether the layout has the view."""
    node = sliceNodeOf(composite)
    return node is not None and node.IsMappedInLayout()


def foreground(composite):
    """Volume in the foreground of a view, or None."""
    return _node(composite.GetForegroundVolumeID())


def nodesInView(composite):
    """Volumes that a view shows, the foremost first."""
    identifiers = (
        composite.GetLabelVolumeID(), composite.GetForegroundVolumeID(), composite.GetBackgroundVolumeID()
    )  # fmt: skip
    return [node for node in map(_node, identifiers) if node is not None]


def idInScene(identifier):
    """A node's ID, or None for a node that has left the scene."""
    return identifier if _node(identifier) is not None else None


def _node(identifier):
    return slicer.mrmlScene.GetNodeByID(identifier) if identifier else None
