"""Reading and writing nodes: ``slicer.util.loadVolume``, ``saveNode`` and the like on real storage nodes."""

import os

import slicer

_STORAGE = {
    "VolumeFile": ("vtkMRMLVolumeArchetypeStorageNode", "vtkMRMLScalarVolumeNode"),
    "TransformFile": ("vtkMRMLTransformStorageNode", "vtkMRMLLinearTransformNode"),
}
_VOLUME_ENDINGS = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd", ".mgz", ".mgh")


class IOManager:
    """``slicer.app.coreIOManager()``: volumes and linear transforms only."""

    def fileType(self, filename):
        return "VolumeFile" if str(filename).lower().endswith(_VOLUME_ENDINGS) else "TransformFile"

    def fileWriterFileType(self, node):
        return "VolumeFile" if node.IsA("vtkMRMLVolumeNode") else "TransformFile"

    def loadNodes(self, fileType, properties, loadedNodes, userMessages=None):
        """Reads a file into a new node of the scene; returns whether that worked."""
        if fileType not in _STORAGE:
            raise NotImplementedError(f"The host can't load files of the type {fileType}.")
        path = properties["fileName"]
        if not os.path.exists(path):
            return False
        storageClass, nodeClass = _STORAGE[fileType]
        if properties.get("labelmap"):
            nodeClass = "vtkMRMLLabelMapVolumeNode"
        if fileType == "VolumeFile":
            node = _readVolume(path, nodeClass, properties)
        else:
            node = slicer.mrmlScene.AddNewNodeByClass(nodeClass, _baseName(path))
            node = node if _storage(storageClass, path).ReadData(node) else None
        if node is None:
            return False
        loadedNodes.AddItem(node)
        return True

    def saveNodes(self, fileType, properties, userMessages=None):
        """Writes a node; returns whether that worked."""
        node = slicer.mrmlScene.GetNodeByID(properties["nodeID"])
        storage = node.GetStorageNode() or _storage(_STORAGE[fileType][0], properties["fileName"])
        storage.SetFileName(properties["fileName"])
        return bool(storage.WriteData(node))


def _baseName(path):
    name = os.path.basename(path)
    for ending in sorted(_VOLUME_ENDINGS, key=len, reverse=True):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return os.path.splitext(name)[0]


def _storage(className, path):
    # A used storage node refuses to read the same file again, so each file gets a fresh one.
    storage = slicer.mrmlScene.AddNewNodeByClass(className)
    storage.SetFileName(path)
    return storage


def _readVolume(path, nodeClass, properties):
    logic = slicer.modules.volumes.logic()
    options = 1 if nodeClass == "vtkMRMLLabelMapVolumeNode" else 0
    # singleFile: what a file beside it looks like must not decide what is read.
    options |= 8 if properties.get("singleFile", True) else 0
    node = logic.AddArchetypeVolume(path, properties.get("name") or _baseName(path), options)
    if node is not None and properties.get("show", True):
        selection = slicer.app.applicationLogic().GetSelectionNode()
        selection.SetReferenceActiveVolumeID(node.GetID())
        slicer.app.applicationLogic().PropagateVolumeSelection()
    return node
