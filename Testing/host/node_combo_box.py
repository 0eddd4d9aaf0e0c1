"""Stand-in of qMRMLNodeComboBox on a real MRML scene."""

import weakref

import shiboken6
import vtk
from PySide6 import QtCore, QtGui, QtWidgets

from .ctk_widgets import ctkComboBox
from .pythonqt import native, standIn
from .stand_in import hostProperty

Signal = QtCore.Signal
_UID = QtCore.Qt.UserRole
_ACTION = QtCore.Qt.UserRole + 1
_NONE = "preItem"


def _nameWatcher(boxReference):
    """An observer of nodes that shows a new name and looks whether the node still fits."""

    def look(node, event):
        box = boxReference()
        if box is None or not shiboken6.isValid(box):
            return
        row = box._hostCombo.findData(node.GetID(), _UID)
        if row >= 0 and box._hostCombo.itemText(row) != node.GetName():
            box._hostCombo.setItemText(row, node.GetName())
        box._hostRefilter()

    return look


@standIn
class qMRMLNodeComboBox(native(QtWidgets.QWidget)):
    """Chooses a node of the scene.

    As in Slicer the rows are those of a model that follows the scene, and Qt's own combo box decides what is current
    when rows come and go, which the selector announces like a choice of the user:

    - nodes that come while a scene is read are no rows; when the reading ends, all rows go and come anew, so that a
      selector with "None" falls back to it, and one without takes the first node;
    - a removed current node is replaced by its neighbour, "None" in the list or not, and by the last node where an
      action would be current;
    - renaming the current node is announced like a change; disabled without a scene.
    """

    _hostSignatures = {
        "currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged",
        "currentNodeChanged(bool)": "_hostCurrentNodeIsValid",
        "currentNodeIDChanged(QString)": "currentNodeIDChanged",
        "nodeActivated(vtkMRMLNode*)": "nodeActivated",
        "nodeAdded(vtkMRMLNode*)": "nodeAdded",
        "nodeAddedByUser(vtkMRMLNode*)": "nodeAddedByUser",
        "nodeAddedByUserAction(vtkMRMLNode*)": "nodeAddedByUserAction",
        "currentNodeRenamed(QString)": "currentNodeRenamed",
    }
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

    nodeTypes = hostProperty("nodeTypes", "QStringList", [], "_hostRefreshAll")
    hideChildNodeTypes = hostProperty("hideChildNodeTypes", "QStringList", [], "_hostRefilter")
    showHidden = hostProperty("showHidden", bool, False, "_hostRefilter")
    showChildNodeTypes = hostProperty("showChildNodeTypes", bool, True, "_hostRefilter")
    baseName = hostProperty("baseName", str, "")
    noneEnabled = hostProperty("noneEnabled", bool, False, "_hostRefreshExtras")
    addEnabled = hostProperty("addEnabled", bool, True, "_hostRefreshExtras")
    removeEnabled = hostProperty("removeEnabled", bool, True, "_hostRefreshExtras")
    editEnabled = hostProperty("editEnabled", bool, False, "_hostRefreshExtras")
    renameEnabled = hostProperty("renameEnabled", bool, False, "_hostRefreshExtras")
    interactionNodeSingletonTag = hostProperty("interactionNodeSingletonTag", str, "Singleton")
    selectNodeUponCreation = hostProperty("selectNodeUponCreation", bool, True)
    noneDisplay = hostProperty("noneDisplay", str, "None", "_hostRefreshExtras")
    sizeAdjustPolicy = hostProperty("sizeAdjustPolicy", "QVariant")

    def __init__(self, parent=None):
        super().__init__(parent)
        self._hostScene = None
        self._hostTags = []
        self._hostRequestedID = ""
        self._hostAttributes = []
        self._hostLabels = {}
        self._hostSwitching = False
        self._hostCombo = ctkComboBox()
        self._hostCombo.setSizePolicy(QtWidgets.QSizePolicy.Expanding, QtWidgets.QSizePolicy.Expanding)
        self._hostCombo.currentTextChanged.connect(self._hostEmit)
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
        oldID = self.currentNodeID if self.nodeCount() else None
        self._hostSwitching = True
        self._hostScene = scene
        self._hostTags = []
        self._hostClear()
        if scene is not None:
            self._hostObserve(scene)
            self._hostPopulate()
        self._hostSwitching = False
        self._hostRefreshExtras()
        requested, self._hostRequestedID = self._hostRequestedID, ""
        first = self.nodeFromIndex(0) if not self.noneEnabled else None
        self.setCurrentNodeID(oldID if oldID is not None else requested or (first.GetID() if first is not None else ""))
        self.setEnabled(scene is not None)

    def currentNode(self):
        nodeID = self._hostCombo.itemData(self._hostCombo.currentIndex, _UID)
        return self._hostScene.GetNodeByID(nodeID) if self._hostScene is not None and nodeID else None

    def setCurrentNode(self, node):
        self.setCurrentNodeID((node.GetID() or "") if node is not None else "")

    def setCurrentNodeID(self, nodeID):
        nodeID = nodeID or ""
        if self._hostScene is None:
            self._hostRequestedID = nodeID
        row = self._hostCombo.findData(nodeID, _UID) if nodeID else -1
        self._hostCombo.setCurrentIndex(row if row >= 0 else 0 if self._hostHasNone() else -1)

    def setCurrentNodeIndex(self, index):
        self.setCurrentNode(self.nodeFromIndex(index))

    def nodeCount(self):
        return len(self._hostRows())

    def nodeFromIndex(self, index):
        ids = self._hostRows()
        return self._hostScene.GetNodeByID(ids[index]) if 0 <= index < len(ids) else None

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
        self._hostRefilter()

    def removeAttribute(self, nodeType, name):
        self._hostAttributes = [each for each in self._hostAttributes if each[:2] != (nodeType, name)]
        self._hostRefilter()

    def setNodeTypeLabel(self, label, nodeType):
        self._hostLabels[nodeType] = label
        self._hostRefreshExtras()

    def nodeTypeLabel(self, nodeType):
        label = self._hostLabels.get(nodeType)
        if not label and self._hostScene is not None and nodeType:
            label = self._hostScene.GetTypeDisplayNameByClassName(nodeType)
        return label or "node"

    def _hostReadCurrentID(self):
        node = self.currentNode()
        return node.GetID() if node is not None else ""

    currentNodeID = QtCore.Property(str, _hostReadCurrentID, setCurrentNodeID, notify=currentNodeIDChanged)

    # --- the host's own -----------------------------------------------------------------------------------------
    def _hostObserve(self, scene):
        mine = weakref.ref(self)

        def observer(method):
            @vtk.calldata_type(vtk.VTK_OBJECT)
            def call(caller, event, node=None):
                box = mine()
                if box is not None and shiboken6.isValid(box):
                    getattr(box, method)(node)

            return call

        for event, method, priority in (
            (scene.NodeAddedEvent, "_hostOnAdded", 10.0),
            (scene.NodeAboutToBeRemovedEvent, "_hostOnRemoved", -10.0),
            (scene.EndCloseEvent, "_hostUpdateScene", 0.0),
            (scene.EndImportEvent, "_hostUpdateScene", 0.0),
        ):
            self._hostTags.append(scene.AddObserver(event, observer(method), priority))
        self._hostObserved = set()
        self._hostNodeModified = _nameWatcher(mine)

    def _hostOnAdded(self, node):
        if not self._hostScene.IsImporting() and self._hostFits(node):
            self._hostInsert(node)

    def _hostOnRemoved(self, node):
        if not self._hostScene.IsClosing():
            self._hostRemove(node.GetID())

    def _hostUpdateScene(self, node=None):
        self._hostClear()
        self._hostPopulate()

    def _hostFits(self, node):
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        kind = next(
            (
                kind
                for kind in self.nodeTypes
                if node.GetClassName() == kind or (self.showChildNodeTypes and node.IsA(kind))
            ),
            None,
        )
        if kind is None or any(node.IsA(hidden) for hidden in self.hideChildNodeTypes):
            return False
        return all(
            node.GetAttribute(name) is not None if value is None else node.GetAttribute(name) == str(value)
            for each, name, value in self._hostAttributes
            if each == kind
        )

    def _hostSceneNodes(self):
        nodes = (self._hostScene.GetNthNode(index) for index in range(self._hostScene.GetNumberOfNodes()))
        return [node for node in nodes if self._hostFits(node)]

    def _hostHasNone(self):
        return self._hostCombo.count > 0 and self._hostCombo.itemData(0, _ACTION) == _NONE

    def _hostRows(self):
        """IDs of the nodes in the list."""
        combo = self._hostCombo
        ids = [combo.itemData(row, _UID) for row in range(combo.count)]
        return [each for each in ids if each]

    def _hostInsert(self, node):
        """Adds a row at the node's place; Qt makes it current where it is the only row and none is current."""
        before = [each.GetID() for each in self._hostSceneNodes()]
        before = set(before[: before.index(node.GetID())]) if node.GetID() in before else set(before)
        row = len([each for each in self._hostRows() if each in before]) + (1 if self._hostHasNone() else 0)
        item = QtGui.QStandardItem(node.GetName())
        item.setData(node.GetID(), _UID)
        self._hostCombo.model().insertRow(row, item)
        if node.GetID() not in self._hostObserved:
            self._hostObserved.add(node.GetID())
            node.AddObserver("ModifiedEvent", self._hostNodeModified)

    def _hostRemove(self, nodeID):
        row = self._hostCombo.findData(nodeID, _UID)
        if row >= 0:
            self._hostCombo.model().removeRow(row)
            self._hostAfterRemoval()

    def _hostClear(self):
        count = len(self._hostRows())
        if count:
            self._hostCombo.model().removeRows(1 if self._hostHasNone() else 0, count)
            self._hostAfterRemoval()

    def _hostAfterRemoval(self):
        if self.currentNode() is None:
            self.setCurrentNode(None)

    def _hostPopulate(self):
        for node in self._hostSceneNodes():
            self._hostInsert(node)

    def _hostRefilter(self):
        """The filter or a node has changed: some rows go, others come."""
        if self._hostScene is None or self._hostScene.IsClosing() or self._hostScene.IsImporting():
            return
        nodes = self._hostSceneNodes()
        fitting = {node.GetID() for node in nodes}
        for nodeID in [each for each in self._hostRows() if each not in fitting]:
            self._hostRemove(nodeID)
        for node in [node for node in nodes if node.GetID() not in self._hostRows()]:
            self._hostInsert(node)

    def _hostRefreshAll(self):
        self._hostRefilter()
        self._hostRefreshExtras()

    def _hostActions(self):
        if self._hostScene is None:
            return []
        types = list(self.nodeTypes)
        one = self.nodeTypeLabel(types[0] if len(types) == 1 else "")
        actions = [(f"Rename current {one}", "rename")] if self.renameEnabled else []
        if self.addEnabled:
            actions += [(f"Create new {self.nodeTypeLabel(kind)}", "create " + kind) for kind in types]
        return actions + ([(f"Delete current {one}", "delete")] if self.removeEnabled else [])

    def _hostRefreshExtras(self):
        """Writes what stands before and after the nodes anew."""
        combo, model = self._hostCombo, self._hostCombo.model()
        if self._hostHasNone() and not self.noneEnabled:
            model.removeRow(0)
        elif self.noneEnabled and self._hostScene is not None:
            if not self._hostHasNone():
                item = QtGui.QStandardItem(self.noneDisplay)
                item.setData(_NONE, _ACTION)
                model.insertRow(0, item)
            combo.setItemText(0, self.noneDisplay)
        current = combo.currentIndex
        first = len(self._hostRows()) + (1 if self._hostHasNone() else 0)
        model.removeRows(first, model.rowCount() - first)
        if self._hostActions():
            combo.insertSeparator(combo.count)
        for text, action in self._hostActions():
            combo.addItem(text)
            combo.setItemData(combo.count - 1, action, _ACTION)
        combo.setCurrentIndex(current)
        types = list(self.nodeTypes)
        combo.defaultText = f"Select a {self.nodeTypeLabel(types[0] if types else '')}"

    def _hostEmit(self):
        """Tells the world which node is current, and leaves rows that are no node."""
        if self._hostSwitching:
            return
        node = self.currentNode()
        if node is None and self._hostCombo.currentIndex != (0 if self.noneEnabled else -1):
            last = self.nodeFromIndex(self.nodeCount() - 1)
            if last is not None:
                self.setCurrentNode(last)
            return
        self.currentNodeChanged.emit(node)
        self._hostCurrentNodeIsValid.emit(node is not None)
        self.currentNodeIDChanged.emit(node.GetID() if node is not None else "")

    def _hostActivated(self, index):
        action = self._hostCombo.itemData(index, _ACTION)
        if action in (None, _NONE):
            self.nodeActivated.emit(self.currentNode())
        elif action.startswith("create "):
            node = self.addNode(action.partition(" ")[2])
            self.setCurrentNode(node)
            self.nodeAddedByUserAction.emit(node)
        elif action == "delete":
            self.removeCurrentNode()
