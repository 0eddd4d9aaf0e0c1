"""The module manager, and what the application makes of a scripted module: its description and its panel."""

import importlib.util
import os
import sys

import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from .mrml_widgets import qMRMLWidget
from .pythonqt import native, standIn
from .stand_in import hostProperty

Signal = QtCore.Signal


def _loadSource(name, path):
    """Loads a module's file as the application does: into sys.modules under its own name."""
    folder = os.path.dirname(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@standIn
class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """The widget in the module panel that a ScriptedLoadableModuleWidget fills."""

    def __init__(self, moduleName, path):
        super().__init__()
        self._hostName = moduleName
        self._hostPath = path
        self._hostPython = None
        self._hostIsEntered = False
        QtWidgets.QVBoxLayout(self)

    def _hostBuild(self):
        """Makes the Python object of the panel and has it set up."""
        cls = getattr(sys.modules[self._hostName], self._hostName + "Widget")
        self._hostPython = cls(self)
        setattr(slicer.modules, self._hostName + "Widget", self._hostPython)
        self._hostPython.setup()

    def reload(self):
        self._hostBuild()

    def self(self):
        return self._hostPython

    def enter(self):
        self._hostIsEntered = True
        _call(self._hostPython, "enter")

    def exit(self):
        self._hostIsEntered = False
        _call(self._hostPython, "exit")

    def setEditedNode(self, node, role="", context=""):
        return bool(_call(self._hostPython, "setEditedNode", node, role, context))

    isEntered = QtCore.Property(bool, lambda self: self._hostIsEntered)
    moduleName = QtCore.Property(str, lambda self: self._hostName)


def _call(instance, name, *arguments):
    method = getattr(instance, name, None)
    return method(*arguments) if method is not None else None


@standIn
class qSlicerScriptedLoadableModule(native(QtCore.QObject)):
    """What ``parent`` is to a ScriptedLoadableModule."""

    title = hostProperty("title", str, "")
    categories = hostProperty("categories", "QStringList", [])
    contributors = hostProperty("contributors", "QStringList", [])
    dependencies = hostProperty("dependencies", "QStringList", [])
    associatedNodeTypes = hostProperty("associatedNodeTypes", "QStringList", [])
    helpText = hostProperty("helpText", str, "")
    acknowledgementText = hostProperty("acknowledgementText", str, "")
    hidden = hostProperty("hidden", bool, False)
    index = hostProperty("index", int, -1)
    widgetRepresentationCreationEnabled = hostProperty("widgetRepresentationCreationEnabled", bool, True)

    def __init__(self, moduleName, path):
        super().__init__()
        self._hostName = moduleName
        self._hostPath = path
        self._hostIcon = QtGui.QIcon()
        self._hostWidget = None
        self._hostInstance = None

    def _hostLoad(self):
        source = _loadSource(self._hostName, self._hostPath)
        self._hostInstance = getattr(source, self._hostName)(self)
        setattr(slicer.modules, self._hostName + "Instance", self._hostInstance)
        setattr(slicer.modules, self._hostName.lower(), self)
        setattr(slicer.moduleNames, self._hostName, self._hostName)
        _call(self._hostInstance, "setup")

    def widgetRepresentation(self):
        if self._hostWidget is None:
            self._hostWidget = self.createNewWidgetRepresentation()
        return self._hostWidget

    def createNewWidgetRepresentation(self):
        widget = qSlicerScriptedLoadableModuleWidget(self._hostName, self._hostPath)
        widget._hostBuild()
        widget.setMRMLScene(slicer.mrmlScene)
        return widget

    def logic(self):
        return None

    def mrmlScene(self):
        return slicer.mrmlScene

    def _hostSetIcon(self, icon):
        self._hostIcon = icon

    icon = QtCore.Property(QtGui.QIcon, lambda self: self._hostIcon, _hostSetIcon)
    path = QtCore.Property(str, lambda self: self._hostPath)
    isInstalled = QtCore.Property(bool, lambda self: False)
    isBuiltIn = QtCore.Property(bool, lambda self: False)


class LoadableModule:
    """A C++ module of which only the logic is there (``slicer.modules.volumes.logic()``)."""

    def __init__(self, name, logic):
        self.name = name
        self._logic = logic

    def logic(self):
        return self._logic

    def widgetRepresentation(self):
        raise NotImplementedError(f"The host has no panel of the module {self.name}.")


@standIn
class qSlicerModuleManager(native(QtCore.QObject)):
    """Knows the modules that are loaded."""

    _hostSignatures = {
        "moduleAboutToBeUnloaded(QString)": "moduleAboutToBeUnloaded",
        "moduleLoaded(QString)": "moduleLoaded",
    }
    moduleAboutToBeUnloaded = Signal(str)
    moduleLoaded = Signal(str)

    def __init__(self):
        super().__init__()
        self._hostModules = {}

    def module(self, name):
        return self._hostModules.get(name)

    def factoryManager(self):
        return self

    def loadedModuleNames(self):
        return list(self._hostModules)

    def isLoaded(self, name):
        return name in self._hostModules

    def _hostAdd(self, name, path):
        module = qSlicerScriptedLoadableModule(name, path)
        # "name" is the module's name here, not only the object's.
        module.setObjectName(name)
        module._hostLoad()
        self._hostModules[name] = module
        self.moduleLoaded.emit(name)
        return module

    def _hostUnload(self, name):
        self.moduleAboutToBeUnloaded.emit(name)
        module = self._hostModules.pop(name)
        for attribute in (name + "Instance", name + "Widget", name.lower()):
            if hasattr(slicer.modules, attribute):
                delattr(slicer.modules, attribute)
        sys.modules.pop(name, None)
        if module._hostWidget is not None:
            module._hostWidget.close()
            module._hostWidget.deleteLater()
