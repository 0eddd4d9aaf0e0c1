"""The class decorator ``@parameterNodeWrapper``."""

import typing

import qt
import slicer
import vtk

from .annotations import Default
from .connectors import createGuiConnector
from .gui_connector import GuiConnector
from .storage import storageOf

SlicerParameterNamePropertyName = "SlicerParameterName"


class _Parameter:
    """One annotated member: its type, where it is kept, its default."""

    def __init__(self, name, annotatedType, cls):
        self.name = name
        self.annotatedType = annotatedType
        self.storage, rest = storageOf(annotatedType)
        defaults = [each for each in rest if isinstance(each, Default)]
        if hasattr(cls, name):
            self.default = Default(getattr(cls, name))
        elif defaults:
            self.default = defaults[0]
        else:
            self.default = Default(self.storage.default)

    def accessor(self):
        """The property that stands for the member."""
        return property(
            lambda wrapper: wrapper.getValue(self.name), lambda wrapper, value: wrapper.setValue(self.name, value)
        )


def _initialize(self, parameterNode, prefix=None):
    self.parameterNode = parameterNode
    self._prefix = prefix or ""
    self._connected = {}
    self._nextTag = 0
    self._isShowing = False
    for parameter in self.allParameters.values():
        if not parameter.storage.isIn(parameterNode, self._prefix + parameter.name):
            parameter.storage.write(parameterNode, self._prefix + parameter.name, parameter.default.value)


class _Methods:
    """What every wrapped class gets."""

    def _known(self, name):
        if name not in self.allParameters:
            raise ValueError(
                f"Cannot find a param with the given name: {name}\n  Found parameters {list(self.allParameters)}"
            )
        return self.allParameters[name]

    def getValue(self, name):
        parameter = _Methods._known(self, name)
        return parameter.storage.read(self.parameterNode, self._prefix + name)

    def setValue(self, name, value):
        parameter = _Methods._known(self, name)
        with slicer.util.NodeModify(self.parameterNode):
            parameter.storage.write(self.parameterNode, self._prefix + name, value)

    def default(self, name):
        return _Methods._known(self, name).default

    def isCached(self, name):
        _Methods._known(self, name)
        return False

    def dataType(self, name):
        return _Methods._known(self, name).annotatedType

    def connectGui(self, gui):
        """Connects the widgets that carry the dynamic property SlicerParameterName; returns a tag."""
        isWidget = getattr(gui, "isWidgetType", lambda: False)()
        widgets = gui.findChildren(qt.QWidget) if isWidget else list(vars(gui).values())
        named = {widget.property(SlicerParameterNamePropertyName): widget for widget in widgets}
        named.pop(None, None)
        return self.connectParametersToGui(named)

    def connectParametersToGui(self, mapping):
        """Connects given widgets by parameter name; returns a tag."""
        for name in mapping:
            _Methods._known(self, name)
        connectors = {
            name: widget if isinstance(widget, GuiConnector) else createGuiConnector(widget, self.dataType(name))
            for name, widget in mapping.items()
        }
        tag = self._nextTag
        self._nextTag += 1
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.onChanged(_fromGui(self, name, connector))
        observer = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: _toGui(self))
        self._connected[tag] = (connectors, observer)
        return tag

    def disconnectGui(self, tag):
        connectors, observer = self._connected.pop(tag, ({}, None))
        for connector in connectors.values():
            connector.onChanged(None)
        if observer is not None:
            self.RemoveObserver(observer)

    def StartModify(self):
        return self.parameterNode.StartModify()

    def EndModify(self, wasModified):
        return self.parameterNode.EndModify(wasModified)

    def AddObserver(self, event, callback, priority=0.0):
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag):
        return self.parameterNode.RemoveObserver(tag)

    def Modified(self):
        return self.parameterNode.Modified()


def _fromGui(wrapper, name, connector):
    def callback():
        if not wrapper._isShowing:
            wrapper.setValue(name, connector.read())

    return callback


def _toGui(wrapper):
    if wrapper._isShowing:
        return
    wrapper._isShowing = True
    try:
        with slicer.util.NodeModify(wrapper):
            for connectors, _ in list(wrapper._connected.values()):
                for name, connector in connectors.items():
                    connector.write(wrapper.getValue(name))
    finally:
        wrapper._isShowing = False


def parameterNodeWrapper(cls=None):
    """Class decorator: every annotated member becomes a parameter of the node given to the constructor."""
    if cls is None:
        return parameterNodeWrapper
    cls.allParameters = {
        name: _Parameter(name, annotatedType, cls)
        for name, annotatedType in typing.get_type_hints(cls, include_extras=True).items()
    }
    for name, parameter in cls.allParameters.items():
        setattr(cls, name, parameter.accessor())
    for name, method in vars(_Methods).items():
        if not name.startswith("_"):
            if hasattr(cls, name):
                raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
            setattr(cls, name, method)
    cls.__init__ = _initialize
    cls._is_parameter_node_wrapper = True
    return cls


def isParameterNodeWrapper(classOrObject):
    """Whether a class or object was made by :func:`parameterNodeWrapper`."""
    return getattr(classOrObject, "_is_parameter_node_wrapper", False)
