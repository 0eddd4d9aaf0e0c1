"""The module ``qt``: classes of PySide6 as PythonQt shows them, made when first asked for."""

import enum
import types

from PySide6 import QtCore, QtGui, QtNetwork, QtWidgets

from .pythonqt import flatEnum, installTruth, native

_SOURCES = (QtCore, QtGui, QtWidgets, QtNetwork)
# PySide6 has them, PythonQt has not: a module can't define signals.
_ABSENT = {"Signal", "Slot", "Property", "SIGNAL", "SLOT", "QEnum", "QFlag", "ClassInfo", "QSignalBlocker"}


class _Namespace:
    """``qt.Qt``: values of enumerations are found without naming the enumeration, and only so."""

    def __getattr__(self, name):
        value = getattr(QtCore.Qt, name)
        return flatEnum(value) if isinstance(value, enum.EnumMeta) else value


class QSettings(native(QtCore.QSettings)):
    """``qt.QSettings``: values have no type argument."""

    _hostNative = QtCore.QSettings

    def value(self, key, default=None):
        return QtCore.QSettings.value(self, key, default)


class QtModule(types.ModuleType):
    """Finds a class when a module first names it."""

    def __getattr__(self, name):
        if name not in _ABSENT and name.startswith("Q"):
            for source in _SOURCES:
                if hasattr(source, name):
                    value = _asPythonQt(getattr(source, name))
                    setattr(self, name, value)
                    return value
        raise AttributeError(f"module 'qt' has no attribute '{name}'")


def _asPythonQt(value):
    return native(value) if isinstance(value, type) and issubclass(value, QtCore.QObject) else value


def make():
    """A new module object with everything that ``import qt`` offers here."""
    from . import message_boxes, ui_loader

    installTruth(*_SOURCES)
    module = QtModule("qt", "Stand-in of PythonQt's module.")
    module.QUiLoader = ui_loader.QUiLoader
    module.Qt = _Namespace()
    module.QSettings = QSettings
    module.QDesktopServices = message_boxes.QDesktopServices
    for name, replacement in message_boxes.dialogs().items():
        setattr(module, name, replacement)
    return module
