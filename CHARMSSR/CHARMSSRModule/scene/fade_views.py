"""Scan and result in the same slice views, one fading into the other: the scan behind, the result before it."""

import slicer

from .compare_views import RIGHT, compositeNode, sideBySideAreShown
from .shown_layers import composites, isSeen


def fade(inputNode, resultNode, share):
    """Show the result in front of the scan, as opaque as ``share`` (0 to 1) says.

    In the views that show either, or else in all. Side by side, the scan stays beside what fades.
    """
    for composite in _views(inputNode, resultNode):
        with slicer.util.NodeModify(composite):
            composite.SetBackgroundVolumeID(inputNode.GetID())
            composite.SetForegroundVolumeID(resultNode.GetID())
            composite.SetForegroundOpacity(share)


def shownShare(inputNode, resultNode):
    """How much of the result is seen: its opacity where it fades, else 1 where it is shown, 0 where it isn't."""
    views = [each for each in _views(inputNode, resultNode) if isSeen(each)]
    for composite in views:
        if _fades(composite, inputNode, resultNode):
            return composite.GetForegroundOpacity()
    return float(any(each.GetBackgroundVolumeID() == resultNode.GetID() for each in views))


def stopFading(inputNode, resultNode):
    """Take a fading result from the views and leave the scan."""
    for composite in composites():
        if _fades(composite, inputNode, resultNode):
            with slicer.util.NodeModify(composite):
                composite.SetForegroundVolumeID(None)
                composite.SetForegroundOpacity(0.0)


def showInstead(inputNode, resultNode):
    """Show the scan, or nothing where there is none, in every view that shows the result."""
    identifier = inputNode.GetID() if inputNode is not None else None
    for composite in composites():
        if composite.GetForegroundVolumeID() == resultNode.GetID():
            composite.SetForegroundVolumeID(None)
        if composite.GetBackgroundVolumeID() == resultNode.GetID():
            composite.SetBackgroundVolumeID(identifier)


def _views(inputNode, resultNode):
    if sideBySideAreShown(inputNode):
        return [compositeNode(RIGHT)]
    either = (inputNode.GetID(), resultNode.GetID())
    every = composites()
    return [each for each in every if each.GetBackgroundVolumeID() in either] or every


def _fades(composite, inputNode, resultNode):
    shown = composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID()
    return shown == (inputNode.GetID(), resultNode.GetID())
