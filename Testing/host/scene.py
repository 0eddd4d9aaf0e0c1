"""The MRML scene with what the application's C++ modules would add to it."""

import colorsys
import os

import slicer
import vtk

# Node classes that get a place in the subject hierarchy: those with data that a user sees.
_DATA_NODES = (
    "vtkMRMLVolumeNode",
    "vtkMRMLModelNode",
    "vtkMRMLSegmentationNode",
    "vtkMRMLTransformNode",
    "vtkMRMLMarkupsNode",
    "vtkMRMLTableNode",
    "vtkMRMLTextNode",
    "vtkMRMLPlotChartNode",
    "vtkMRMLPlotSeriesNode",
    "vtkMRMLSequenceNode",
)
# Logics of the C++ modules whose nodes a volume module meets.
_MODULE_LOGICS = {
    "Colors": "vtkSlicerColorLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Plots": "vtkSlicerPlotsLogic",
}


def _writeColors(folder):
    """Writes the colour table of label maps: the package slicer-core has the code that reads it, not the file."""
    os.makedirs(folder)
    with open(os.path.join(folder, "GenericColors.txt"), "w", encoding="utf-8") as file:
        file.write("0 background 0 0 0 0\n")
        for index in range(1, 256):
            # Neighbours get hues far apart: steps of the golden section.
            color = colorsys.hsv_to_rgb(index * 0.618034 % 1.0, 0.55, 0.85)
            file.write(f"{index} region_{index} {' '.join(str(round(255 * each)) for each in color)} 255\n")


class SceneKeeper:
    """Makes a scene and keeps colours, subject hierarchy and views in it, also after it was cleared."""

    def __init__(self, home, cacheFolder):
        self.scene = slicer.vtkMRMLScene()
        self.applicationLogic = slicer.vtkSlicerApplicationLogic()
        self.applicationLogic.SetHomeDirectory(home)
        self.applicationLogic.SetShareDirectory("share")
        _writeColors(os.path.join(home, "share", "ColorFiles"))
        self.applicationLogic.SetMRMLScene(self.scene)
        self.remoteLogic = slicer.vtkMRMLRemoteIOLogic()
        self.remoteLogic.SetMRMLScene(self.scene)
        self.remoteLogic.AddDataIOToScene()
        self.remoteLogic.GetCacheManager().CreateSentinelFileInDirectory(cacheFolder)
        self.remoteLogic.GetCacheManager().SetRemoteCacheDirectory(cacheFolder)
        self.moduleLogics = {}
        for name, className in _MODULE_LOGICS.items():
            logic = getattr(slicer, className)()
            logic.SetMRMLApplicationLogic(self.applicationLogic)
            self.moduleLogics[name] = logic
            self.applicationLogic.SetModuleLogic(name, logic)
        self.colorLogic = self.moduleLogics["Colors"]
        self.applicationLogic.SetColorLogic(self.colorLogic)
        for logic in self.moduleLogics.values():
            logic.SetMRMLScene(self.scene)
        for rule in (
            slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule,
            slicer.vtkClosedSurfaceToBinaryLabelmapConversionRule,
        ):
            slicer.vtkSegmentationConverterFactory.GetInstance().RegisterConverterRule(rule())
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
        hierarchy = (
            slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)
            if not self.scene.IsClosing()
            else None
        )
        item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
        if item:
            hierarchy.RemoveItem(item, False, False)

    def _onClosed(self, caller, event):
        self.restore()
