"""Stand-in of QUiLoader with the plugins of CTK and Slicer.

Qt reads the file; the host makes the widgets, and the connections too, because Qt can't see the C++ signatures of the
stand-ins. What Qt would only mutter about is an error here: an unknown class, a connection between things that do not
exist, a property that its widget lacks (unless the file marks it as dynamic).
"""

import functools
import xml.etree.ElementTree as ElementTree

from PySide6 import QtCore, QtUiTools, QtWidgets

from .pythonqt import ignoringUnknownAttributes, native
from .signals import findSignal, findSlot
from .translation import language, translated

# Properties that QFormBuilder treats itself, so they needn't be properties of the widget.
_FORM_PROPERTIES = {
    "buttonGroupId",
    "currentTabText",
    "currentTabIcon",
    "currentTabToolTip",
    "windowTitle",
    "leftMargin",
    "topMargin",
    "rightMargin",
    "bottomMargin",
    "horizontalSpacing",
    "verticalSpacing",
    "currentItemText",
    "currentItemName",
    "orientation",
    "geometry",
    "sizeHint",
}


class UiError(ValueError):
    """A .ui file asks for something that doesn't exist."""


class _Builder(QtUiTools.QUiLoader):
    """Makes the widgets that a .ui file names."""

    def createWidget(self, className, parent=None, name=""):
        widget = widgetClasses()[className](parent)
        widget.setObjectName(name)
        return widget


@functools.cache
def widgetClasses():
    """All classes that a .ui file can name, by name."""
    from . import ctk_module, mrml_widgets, node_combo_box

    classes = {"Line": native(QtWidgets.QFrame)}
    for name in dir(QtWidgets):
        cls = getattr(QtWidgets, name)
        if isinstance(cls, type) and issubclass(cls, QtWidgets.QWidget):
            classes[name] = native(cls)
    classes.update(ctk_module.widgets())
    for module in (mrml_widgets, node_combo_box):
        classes.update(
            {name: cls for name, cls in vars(module).items() if name.startswith("q") and isinstance(cls, type)}
        )
    return classes


class QUiLoader:
    """``qt.QUiLoader``: ``load(file)`` returns the widget."""

    def load(self, device, parent=None):
        """Loads an open QFile.

        Raises:
            UiError: the file names what does not exist.
        """
        text = bytes(device.readAll().data()).decode("utf-8")
        root, readable, enumerations, connections = _form(text, language())
        buffer = QtCore.QBuffer()
        buffer.setData(readable)
        buffer.open(QtCore.QIODevice.ReadOnly)
        builder = _Builder()
        with ignoringUnknownAttributes():
            widget = builder.load(buffer, parent)
        if widget is None:
            raise UiError(builder.errorString())
        named = {child.objectName: child for child in widget.findChildren(native(QtCore.QObject))}
        named[widget.objectName] = widget
        _checkProperties(root, named)
        for name, prop, text in enumerations:
            setattr(named[name], prop, _enumerationValue(type(named[name]), text))
        for connection in connections:
            _connect(connection, named)
        return widget


@functools.lru_cache
def _form(text, _language):
    """Of a file: (its form in the present language, what Qt reads of it, and the enumerations and connections)."""
    root = ElementTree.fromstring(text)
    connections = root.find("connections")
    if connections is not None:
        root.remove(connections)
    for element in root.iter("widget"):
        if element.get("class") not in widgetClasses():
            raise UiError(f"Unknown widget class {element.get('class')} (object {element.get('name')}).")
    _translate(root)
    enumerations = list(_takeEnumerations(root))
    return root, ElementTree.tostring(root), enumerations, list(connections if connections is not None else ())


def _translate(root):
    """As QUiLoader does: every text of every property, whatever it is for, unless the file says notr."""
    for prop in root.iter("property"):
        for strings in (prop, *prop.iter("stringlist")):
            if strings.get("notr") == "true":
                continue
            for string in strings.findall("string"):
                if string.get("notr") != "true" and (string.text or "").strip():
                    string.text = translated(string.text)


def _takeEnumerations(root):
    """Takes out of the form what Qt can't read: enumerations of the stand-ins, which aren't C++ ones."""
    for element in root.iter("widget"):
        if not element.get("class").startswith(("ctk", "qMRML", "qSlicer")):
            continue
        for prop in list(element.findall("property")):
            value = prop.find("enum") if prop.find("enum") is not None else prop.find("set")
            if value is not None and not hasattr(QtWidgets.QWidget, prop.get("name")):
                element.remove(prop)
                yield element.get("name"), prop.get("name"), value.text


def _enumerationValue(cls, text):
    """The value of ``Class::Name|Class::Name`` (Qt 6 files say ``Class::Enumeration::Name``)."""
    value = None
    for part in text.split("|"):
        owner, name = part.split("::")[0], part.split("::")[-1]
        found = [
            getattr(place, name)
            for place in (cls, getattr(QtWidgets, owner, None), getattr(QtCore, owner, None))
            if place is not None and hasattr(place, name)
        ]
        if not found:
            raise UiError(f"{cls.__name__} has no value {part}.")
        value = found[0] if value is None else value | found[0]
    return value


def _checkProperties(root, named):
    for element in root.iter("widget"):
        widget = named.get(element.get("name"))
        if widget is None:
            raise UiError(f"Widget {element.get('name')} was not made.")
        for prop in element.findall("property"):
            name = prop.get("name")
            isDynamic = prop.get("stdset") == "0"
            if not isDynamic and name not in _FORM_PROPERTIES and widget.metaObject().indexOfProperty(name) < 0:
                raise UiError(f"{element.get('class')} {element.get('name')} has no property {name}.")


def _connect(connection, named):
    sender, receiver = (connection.findtext(end) for end in ("sender", "receiver"))
    for name in (sender, receiver):
        if name not in named:
            raise UiError(f"Connection with the unknown object {name}.")
    signal = findSignal(named[sender], connection.findtext("signal"))
    signal.connect(findSlot(named[receiver], connection.findtext("slot")))
