"""The MRML scene with what the application's C++ modules would add to it."""

import slicer
import vtk

# Node classes that get a place in the subject hierarchy: those with data that a user sees.
_DATA_NODES = ("vtkMRMLVolumeNode", "vtkMRMLModelNode", "vtkMRMLSegmentationNode", "vtkMRMLTransformNode",
               "vtkMRMLMarkupsNode", "vtkMRMLTableNode", "vtkMRMLTextNode", "vtkMRMLPlotChartNode",
               "vtkMRMLPlotSeriesNode", "vtkMRMLSequenceNode")


class SceneKeeper:
    """Makes a scene and keeps colours, subject hierarchy and views in it, also after it was cleared."""

    def __init__(self):
        self.scene = slicer.vtkMRMLScene()
        self.applicationLogic = slicer.vtkSlicerApplicationLogic()
        self.applicationLogic.SetMRMLScene(self.scene)
        self.colorLogic = slicer.vtkMRMLColorLogic()
        self.colorLogic.SetMRMLApplicationLogic(self.applicationLogic)
        self.colorLogic.SetMRMLScene(self.scene)
        self.applicationLogic.SetColorLogic(self.colorLogic)
        self.volumesLogic = slicer.vtkSlicerVolumesLogic()
        self.volumesLogic.SetMRMLApplicationLogic(self.applicationLogic)
        self.volumesLogic.SetMRMLScene(self.scene)
        self.applicationLogic.SetModuleLogic("Volumes", self.volumesLogic)
        self.afterClose = []
        self.scene.AddObserver(self.scene.NodeAddedEvent, self._onNodeAdded)
        self.scene.AddObserver(self.scene.NodeAboutToBeRemovedEvent, self._onNodeAboutToBeRemoved)
        self.scene.AddObserver(self.scene.EndCloseEvent, self._onClosed)
        self.restore()

    def restore(self):
        """Adds the nodes that the application always has."""
        if self.scene.GetNodeByID(self.colorLogic.GetDefaultVolumeColorNodeID()) is None:
            self.colorLogic.AddDefaultColorNodes()
        slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)
        # Asked for, the logic makes them again.
        self.applicationLogic.GetSelectionNode()
        self.applicationLogic.GetInteractionNode()
        for function in self.afterClose:
            function()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAdded(self, caller, event, node):
        if any(node.IsA(cls) for cls in _DATA_NODES) and not node.GetHideFromEditors():
            hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)
            if hierarchy is not None and not hierarchy.GetItemByDataNode(node):
                hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAboutToBeRemoved(self, caller, event, node):
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene) \
            if not self.scene.IsClosing() else None
        item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
        if item:
            hierarchy.RemoveItem(item, False, False)

    def _onClosed(self, caller, event):
        self.restore()
