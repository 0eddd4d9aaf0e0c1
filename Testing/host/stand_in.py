"""What the host's own ctk and qMRML classes are made of.

Of a C++ class that PythonQt has no generated wrapper for, a module sees the properties, signals, slots and invokable
methods only: ``selector.nodeTypes = [...]`` works where ``selector.setNodeTypes([...])`` does not. The stand-ins
offer exactly that; everything of their own is called ``_host...``.
"""

from PySide6 import QtCore

from .pythonqt import MetaProperty

_KINDS = {bool: "bool", int: "int", float: "double", str: "QString"}


def hostProperty(name, kind, default=None, changed=None, writable=True):
    """A Qt property of a stand-in whose value is kept in the object.

    Args:
        name: name of the property.
        kind: bool, int, float, str, or the name of a C++ type such as ``"QStringList"``.
        default: value before anybody sets one.
        changed: name of a method called after the value has changed.
        writable: whether it can be set.
    """
    checker = MetaProperty(name, _KINDS.get(kind, str(kind)), writable, None)

    def read(self):
        return self.__dict__.setdefault("_hostValues", {}).get(name, default)

    def write(self, value):
        value = checker.accepted(value)
        values = self.__dict__.setdefault("_hostValues", {})
        if values.get(name, default) == value:
            return
        values[name] = value
        if changed:
            getattr(self, changed)()

    return QtCore.Property(kind, read, write) if writable else QtCore.Property(kind, read)


def forwardedProperty(name, kind, inner, innerName=None):
    """A Qt property of a stand-in that is a property of a widget inside it.

    Args:
        name: name of the property.
        kind: bool, int, float or str.
        inner: attribute of the stand-in that holds the inner widget.
        innerName: name of the inner widget's property where it differs.
    """
    checker = MetaProperty(name, _KINDS[kind], True, None)

    def read(self):
        return getattr(self, inner).property(innerName or name)

    def write(self, value):
        getattr(self, inner).setProperty(innerName or name, checker.accepted(value))

    return QtCore.Property(kind, read, write)
