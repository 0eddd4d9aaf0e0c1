"""Stand-in of qMRMLNodeComboBox on a real MRML scene."""

import weakref

import shiboken6
from PySide6 import QtCore, QtWidgets

from .ctk_widgets import ctkComboBox
from .pythonqt import native, standIn
from .stand_in import hostProperty

Signal = QtCore.Signal
_ACTION = QtCore.Qt.UserRole + 1


def _nameWatcher(boxReference):
    """An observer of nodes that shows a new name."""
    def look(node, event):
        box = boxReference()
        if box is None or not shiboken6.isValid(box):
            return
        index = box._hostCombo.findData(node.GetID())
        if index >= 0 and box._hostCombo.itemText(index) != node.GetName():
            box._hostRefresh()

    return look


@standIn
class qMRMLNodeComboBox(native(QtWidgets.QWidget)):
    """Chooses a node of the scene.

    As in Slicer: disabled without a scene; the first node is chosen by itself only where neither "None" nor action
    items stand in the list; a removed current node is replaced by the last one, or by "None" where there is one;
    renaming the current node is announced like a change.
    """

    _hostSignatures = {"currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged",
                       "currentNodeChanged(bool)": "_hostCurrentNodeIsValid",
                       "currentNodeIDChanged(QString)": "currentNodeIDChanged",
                       "nodeActivated(vtkMRMLNode*)": "nodeActivated",
                       "nodeAdded(vtkMRMLNode*)": "nodeAdded",
                       "nodeAddedByUser(vtkMRMLNode*)": "nodeAddedByUser",
                       "nodeAddedByUserAction(vtkMRMLNode*)": "nodeAddedByUserAction",
                       "currentNodeRenamed(QString)": "currentNodeRenamed"}
    currentNodeChanged = Signal(object)
    _hostCurrentNodeIsValid = Signal(bool)
    currentNodeIDChanged = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAddedByUserAction = Signal(object)
    nodeAboutToBeRemoved = Signal(object)
    nodeAboutToBeEdited = Signal(object)
    currentNodeRenamed = Signal(str)

    nodeTypes = hostProperty("nodeTypes", "QStringList", [], "_hostRefresh")
    hideChildNodeTypes = hostProperty("hideChildNodeTypes", "QStringList", [], "_hostRefresh")
    showHidden = hostProperty("showHidden", bool, False, "_hostRefresh")
    showChildNodeTypes = hostProperty("showChildNodeTypes", bool, True, "_hostRefresh")
    baseName = hostProperty("baseName", str, "")
    noneEnabled = hostProperty("noneEnabled", bool, False, "_hostRefresh")
    addEnabled = hostProperty("addEnabled", bool, True, "_hostRefresh")
    removeEnabled = hostProperty("removeEnabled", bool, True, "_hostRefresh")
    editEnabled = hostProperty("editEnabled", bool, False, "_hostRefresh")
    renameEnabled = hostProperty("renameEnabled", bool, False, "_hostRefresh")
    interactionNodeSingletonTag = hostProperty("interactionNodeSingletonTag", str, "Singleton")
    selectNodeUponCreation = hostProperty("selectNodeUponCreation", bool, True)
    noneDisplay = hostProperty("noneDisplay", str, "None", "_hostRefresh")
    sizeAdjustPolicy = hostProperty("sizeAdjustPolicy", "QVariant")

    def __init__(self, parent=None):
        super().__init__(parent)
        self._hostScene = None
        self._hostTags = []
        self._hostCurrentID = ""
        self._hostShownText = ("", None)
        self._hostRequestedID = ""
        self._hostAttributes = []
        self._hostLabels = {}
        self._hostFilling = False
        self._hostCombo = ctkComboBox()
        self._hostCombo.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Expanding)
        self._hostCombo.currentIndexChanged.connect(self._hostIndexChanged)
        self._hostCombo.activated.connect(self._hostActivated)
        self.setSizePolicy(QtWidgets.QSizePolicy.Preferred, QtWidgets.QSizePolicy.Fixed)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._hostCombo)
        self.setEnabled(False)

    # --- what a module calls ------------------------------------------------------------------------------------
    def mrmlScene(self):
        return self._hostScene

    def setMRMLScene(self, scene):
        if scene is self._hostScene:
            return
        for tag in self._hostTags:
            self._hostScene.RemoveObserver(tag)
        self._hostScene = scene
        self._hostTags = []
        if scene is not None:
            self._hostObserve(scene)
        self._hostRefresh()
        if self._hostRequestedID:
            requested, self._hostRequestedID = self._hostRequestedID, ""
            self.setCurrentNodeID(requested)
        self.setEnabled(scene is not None)

    def currentNode(self):
        return self._hostScene.GetNodeByID(self._hostCurrentID) if self._hostScene and self._hostCurrentID else None

    def setCurrentNode(self, node):
        self.setCurrentNodeID((node.GetID() or "") if node is not None else "")

    def setCurrentNodeID(self, nodeID):
        nodeID = nodeID or ""
        if self._hostScene is None:
            self._hostRequestedID = nodeID
            return
        self._hostCurrentID = nodeID if nodeID in [node.GetID() for node in self._hostNodes()] else ""
        self._hostShow()

    def setCurrentNodeIndex(self, index):
        nodes = self._hostNodes()
        self.setCurrentNode(nodes[index] if 0 <= index < len(nodes) else None)

    def nodeCount(self):
        return len(self._hostNodes())

    def nodeFromIndex(self, index):
        nodes = self._hostNodes()
        return nodes[index] if 0 <= index < len(nodes) else None

    def addNode(self, nodeType=None):
        types = list(self.nodeTypes)
        nodeType = nodeType or (types[0] if types else None)
        if self._hostScene is None or nodeType not in types:
            return None
        node = self._hostScene.CreateNodeByClass(nodeType)
        node.UnRegister(None)
        baseName = self.baseName or node.GetNodeTagName()
        node.SetName(self._hostScene.GetUniqueNameByString(baseName))
        for name, value in [(name, value) for kind, name, value in self._hostAttributes if kind == nodeType]:
            node.SetAttribute(name, "" if value is None else str(value))
        node = self._hostScene.AddNode(node)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self):
        self._hostScene.RemoveNode(self.currentNode())

    def addAttribute(self, nodeType, name, value=None):
        self._hostAttributes.append((nodeType, name, value))
        self._hostRefresh()

    def removeAttribute(self, nodeType, name):
        self._hostAttributes = [each for each in self._hostAttributes if each[:2] != (nodeType, name)]
        self._hostRefresh()

    def setNodeTypeLabel(self, label, nodeType):
        self._hostLabels[nodeType] = label
        self._hostRefresh()

    def nodeTypeLabel(self, nodeType):
        label = self._hostLabels.get(nodeType)
        if not label and self._hostScene is not None and nodeType:
            label = self._hostScene.GetTypeDisplayNameByClassName(nodeType)
        return label or "node"

    currentNodeID = QtCore.Property(str, lambda self: self._hostCurrentID, setCurrentNodeID,
                                    notify=currentNodeIDChanged)

    # --- the host's own -----------------------------------------------------------------------------------------
    def _hostObserve(self, scene):
        mine = weakref.ref(self)

        def refresh(caller, event):
            box = mine()
            if box is not None and shiboken6.isValid(box):
                box._hostRefresh(event)

        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent, scene.EndImportEvent,
                      scene.EndBatchProcessEvent):
            self._hostTags.append(scene.AddObserver(event, refresh))
        self._hostObserved = set()
        self._hostNodeModified = _nameWatcher(mine)

    def _hostObserveName(self, node):
        if node.GetID() not in self._hostObserved:
            self._hostObserved.add(node.GetID())
            node.AddObserver("ModifiedEvent", self._hostNodeModified)

    def _hostFits(self, node):
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        kind = next((kind for kind in self.nodeTypes if node.GetClassName() == kind
                     or (self.showChildNodeTypes and node.IsA(kind))), None)
        if kind is None or any(node.IsA(hidden) for hidden in self.hideChildNodeTypes):
            return False
        return all(node.GetAttribute(name) is not None if value is None else node.GetAttribute(name) == str(value)
                   for each, name, value in self._hostAttributes if each == kind)

    def _hostNodes(self):
        if self._hostScene is None or self._hostScene.IsClosing():
            return []
        nodes = (self._hostScene.GetNthNode(index) for index in range(self._hostScene.GetNumberOfNodes()))
        return [node for node in nodes if self._hostFits(node)]

    def _hostActions(self):
        if self._hostScene is None:
            return []
        types = list(self.nodeTypes)
        one = self.nodeTypeLabel(types[0] if len(types) == 1 else "")
        actions = [(f"Rename current {one}", "rename")] if self.renameEnabled else []
        if self.addEnabled:
            actions += [(f"Create new {self.nodeTypeLabel(kind)}", "create " + kind) for kind in types]
        return actions + ([(f"Delete current {one}", "delete")] if self.removeEnabled else [])

    def _hostRefresh(self, event=None):
        """Fills the list again and chooses what Slicer would."""
        nodes = self._hostNodes()
        wasEmpty = self._hostCombo.count == 0
        if self._hostCurrentID and self._hostCurrentID not in [node.GetID() for node in nodes]:
            self._hostCurrentID = nodes[-1].GetID() if nodes and not self.noneEnabled else ""
        if not self._hostCurrentID and nodes and wasEmpty and not self.noneEnabled and not self._hostActions():
            self._hostCurrentID = nodes[0].GetID()
        self._hostFill(nodes)
        self._hostShow()

    def _hostFill(self, nodes):
        combo = self._hostCombo
        self._hostFilling = True
        combo.clear()
        if self.noneEnabled and self._hostScene is not None:
            combo.addItem(self.noneDisplay, "")
        for node in nodes:
            combo.addItem(node.GetName(), node.GetID())
            self._hostObserveName(node)
        if self._hostActions():
            combo.insertSeparator(combo.count)
        for text, action in self._hostActions():
            combo.addItem(text)
            combo.setItemData(combo.count - 1, action, _ACTION)
        self._hostFilling = False

    def _hostShow(self):
        """Shows the current node in the list and tells the world where it has changed."""
        combo = self._hostCombo
        self._hostFilling = True
        index = combo.findData(self._hostCurrentID) if self._hostCurrentID or self.noneEnabled else -1
        combo.setCurrentIndex(index)
        types = list(self.nodeTypes)
        combo.defaultText = f"Select a {self.nodeTypeLabel(types[0] if types else '')}"
        self._hostFilling = False
        node = self.currentNode()
        shown = (self._hostCurrentID, node.GetName() if node is not None else None)
        if shown != self._hostShownText:
            self._hostShownText = shown
            self.currentNodeChanged.emit(node)
            self._hostCurrentNodeIsValid.emit(node is not None)
            self.currentNodeIDChanged.emit(self._hostCurrentID)

    def _hostIndexChanged(self, index):
        if not self._hostFilling and self._hostCombo.itemData(index, _ACTION) is None:
            self._hostCurrentID = self._hostCombo.itemData(index) or ""
            self._hostShow()

    def _hostActivated(self, index):
        action = self._hostCombo.itemData(index, _ACTION)
        if action is None:
            self.nodeActivated.emit(self.currentNode())
        elif action.startswith("create "):
            node = self.addNode(action.partition(" ")[2])
            self.setCurrentNode(node)
            self.nodeAddedByUserAction.emit(node)
        elif action == "delete":
            self.removeCurrentNode()
        else:
            self._hostShow()
