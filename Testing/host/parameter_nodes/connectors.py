"""Which widget shows which type, and how."""

import enum
import pathlib

import ctk
import qt
import slicer

from .annotations import Choice, Decimals, first, split
from .gui_connector import SignalConnector
from .storage import nodeClasses

_registered = []


def parameterNodeGuiConnector(cls):
    """Class decorator: the connector is asked whenever a widget is connected."""
    _registered.append(cls)
    return cls


def createGuiConnector(widget, annotatedType):
    """The connector between a widget and a type.

    Raises:
        RuntimeError: no connector knows this pair, or the annotations lack what it needs.
    """
    for cls in _registered:
        if cls.canRepresent(widget, annotatedType):
            return cls.create(widget, annotatedType)
    raise RuntimeError(
        f"Unable to create GUI connector from datatype '{annotatedType}' to widget type '{type(widget)}'."
    )


def _property(name, signalName, kinds, widgets, before=None):
    """Registers a connector between a property of some widgets and some types."""

    class Connector(SignalConnector):
        signal = signalName

        @staticmethod
        def canRepresent(widget, annotatedType):
            return split(annotatedType)[0] in kinds and type(widget) in widgets

        def __init__(self, widget, annotatedType):
            super().__init__(widget, annotatedType)
            if before:
                before(self)

        def read(self):
            return self.kind(getattr(self._widget, name))

        def write(self, value):
            if value != getattr(self._widget, name):
                setattr(self._widget, name, value)

    return parameterNodeGuiConnector(Connector)


def _checkable(connector):
    connector.widget().checkable = True


def _integer(connector):
    low, high = connector.limits()
    if type(connector.widget()) is qt.QSlider and None in (low, high):
        raise RuntimeError("Cannot have a connection to QSlider where the int type is unbounded.")
    connector.widget().setRange(-(2**31) if low is None else low, 2**31 - 1 if high is None else high)
    connector.applyStep()


def _number(connector):
    widget = connector.widget()
    low, high = connector.limits()
    if isinstance(widget, ctk.ctkSliderWidget) and None in (low, high):
        raise RuntimeError("Cannot have a connection to ctkSliderWidget where the float types is unbounded.")
    decimals = first(connector.annotations, Decimals)
    if connector.kind is int:
        widget.decimals = 0
    elif decimals is not None:
        widget.decimals = decimals.value
    connector.applyStep()
    widget.minimum = float("-inf") if low is None else low
    widget.maximum = float("inf") if high is None else high


_NUMBERS = (qt.QDoubleSpinBox, ctk.ctkSliderWidget, ctk.ctkDoubleSpinBox, slicer.qMRMLSliderWidget, slicer.qMRMLSpinBox)
_property("checked", "stateChanged", (bool,), (qt.QCheckBox, ctk.ctkCheckBox))
_property("checked", "toggled", (bool,), (qt.QPushButton,), _checkable)
_property("value", "valueChanged", (int,), (qt.QSpinBox, qt.QSlider), _integer)
_property("value", "valueChanged", (int, float), _NUMBERS, _number)
_property("text", "textChanged", (str,), (qt.QLineEdit,))
_property("text", None, (str,), (qt.QLabel,))


class _Choices(SignalConnector):
    """A combo box filled with labels of choices."""

    signal = "currentIndexChanged"

    def fill(self, choices, labels):
        self.choices = list(choices)
        self._widget.clear()
        for label in labels:
            self._widget.addItem(label)

    def read(self):
        return self.choices[self._widget.currentIndex]

    def write(self, value):
        if value not in self.choices:
            raise ValueError(f"Unable to find value {value} in choices {self.choices}")
        self._widget.currentIndex = self.choices.index(value)


@parameterNodeGuiConnector
class ChoiceConnector(_Choices):
    """Numbers or texts with a Choice annotation."""

    @staticmethod
    def canRepresent(widget, annotatedType):
        return type(widget) in (qt.QComboBox, ctk.ctkComboBox) and split(annotatedType)[0] in (int, float, str, bool)

    def __init__(self, widget, annotatedType):
        super().__init__(widget, annotatedType)
        choice = first(self.annotations, Choice)
        if choice is None:
            raise RuntimeError("ComboBoxToStringableConnector requires the Choice annotation to be used.")
        self.fill(choice.choices, [str(each) for each in choice.choices])


@parameterNodeGuiConnector
class EnumConnector(_Choices):
    """Members of an enumeration, shown by its ``label()`` or their names."""

    @staticmethod
    def canRepresent(widget, annotatedType):
        kind = split(annotatedType)[0]
        return (
            type(widget) in (qt.QComboBox, ctk.ctkComboBox) and isinstance(kind, type) and issubclass(kind, enum.Enum)
        )

    def __init__(self, widget, annotatedType):
        super().__init__(widget, annotatedType)
        label = getattr(self.kind, "label", lambda member: member.name)
        saved = list(self.kind)[widget.currentIndex]
        self.fill(self.kind, [label(member) for member in self.kind])
        self.write(saved)


@parameterNodeGuiConnector
class TextEditConnector(SignalConnector):
    """Plain text of a text edit."""

    signal = "textChanged"

    @staticmethod
    def canRepresent(widget, annotatedType):
        return type(widget) is qt.QTextEdit and split(annotatedType)[0] is str

    def read(self):
        return self._widget.toPlainText()

    def write(self, value):
        self._widget.setPlainText(value)


class _Path(SignalConnector):
    """A path shown by a property."""

    @classmethod
    def canRepresent(cls, widget, annotatedType):
        kind = split(annotatedType)[0]
        return type(widget) is cls.widgetClass and isinstance(kind, type) and issubclass(kind, pathlib.PurePath)

    def read(self):
        return self.kind(getattr(self._widget, self.propertyName))

    def write(self, value):
        setattr(self._widget, self.propertyName, str(value))


@parameterNodeGuiConnector
class PathLineEditConnector(_Path):
    """A path in a ctkPathLineEdit."""

    signal, propertyName, widgetClass = "currentPathChanged", "currentPath", ctk.ctkPathLineEdit


@parameterNodeGuiConnector
class DirectoryButtonConnector(_Path):
    """A folder in a ctkDirectoryButton."""

    signal, propertyName, widgetClass = "directoryChanged", "directory", ctk.ctkDirectoryButton


@parameterNodeGuiConnector
class NodeConnector(SignalConnector):
    """A node in a qMRMLNodeComboBox, whose node types follow from the annotation."""

    signal = "currentNodeChanged"

    @staticmethod
    def canRepresent(widget, annotatedType):
        return type(widget) is slicer.qMRMLNodeComboBox and bool(nodeClasses(annotatedType))

    def __init__(self, widget, annotatedType):
        super().__init__(widget, annotatedType)
        widget.nodeTypes = [cls().GetClassName() for cls in nodeClasses(annotatedType)]

    def read(self):
        return self._widget.currentNode()

    def write(self, value):
        self._widget.setCurrentNode(value)
