"""PySide6 classes that behave as PythonQt shows Qt to a Slicer module.

What PythonQt does, and what this file therefore does on top of PySide6:

- a Qt property is an attribute (``label.text``, ``button.enabled = False``), so ``label.text()`` is a TypeError;
  other public methods stay methods (``button.isChecked()``, ``label.setText("x")``);
- ``name`` is ``objectName``; a trailing underscore is dropped (``dialog.exec_()``);
- an object is false where its ``isEmpty()``, ``isValid()`` or ``isNull()`` says so: an empty layout, menu or URL;
- an attribute that Qt does not know can't be set on a Qt object, only on a Python subclass of one;
- a property refuses a value of a wrong kind (``button.enabled = node``);
- ``object.connect("signal(type)", callable)`` with the exact C++ signature, the callable getting no more
  arguments than it takes;
- Qt's enumerations are flat (``qt.QProcess.NotRunning``, never ``qt.QProcess.ProcessState.NotRunning``).

Every class is subclassed, because PySide6 finds ``connect`` only in the dictionary of a Python subclass.
"""

import contextlib
import enum

import shiboken6
from PySide6 import QtCore

QObject = QtCore.QObject

# PythonQt skips this property: its name hides the static function that everybody uses.
_SKIPPED_PROPERTIES = {("QTimer", "singleShot")}


class MetaProperty:
    """A Qt property as an attribute; seen on the class it is still the method of the same name."""

    def __init__(self, name, typeName, writable, method):
        self.name = name
        self.typeName = typeName
        self.writable = writable
        self.method = method

    def __get__(self, instance, owner):
        if instance is None:
            return self if self.method is None else self.method
        # The method of the very class is called, not the virtual one: C++ asks Python for an override by reading
        # this attribute, and would ask for ever.
        return instance.property(self.name) if self.method is None else self.method.__get__(instance, owner)()

    def __set__(self, instance, value):
        if not self.writable:
            raise AttributeError(f"Property '{self.name}' of {_className(instance)} object is not writable")
        instance.setProperty(self.name, self.accepted(value))

    def accepted(self, value):
        """The value as PythonQt would pass it on, or an AttributeError where it would refuse."""
        kind = self.typeName
        if kind == "bool" and isinstance(value, (bool, int, float)):
            return bool(value)
        if kind == "int" and isinstance(value, (int, float, enum.Enum)):
            return value if isinstance(value, enum.Enum) else int(value)
        if kind == "double" and isinstance(value, (int, float)):
            return float(value)
        if kind == "QString" and isinstance(value, (str, int, float)):
            return str(value)
        if kind in ("bool", "int", "double", "QString"):
            raise AttributeError(
                f"Property '{self.name}' of type '{kind}' does not accept an object of type "
                f"{type(value).__name__} ({value!r})"
            )
        return value


def _className(instance):
    return instance.metaObject().className()


_patched = set()


def _installProperties(cls):
    """Makes attributes of the properties of a PySide6 class and its bases, once."""
    for base in reversed(cls.__mro__):
        if base in _patched or not issubclass(base, QObject):
            continue
        _patched.add(base)
        metaObject = base.staticMetaObject
        for index in range(metaObject.propertyCount()):
            prop = metaObject.property(index)
            name = prop.name()
            own = base.__dict__.get(name)
            introducedHere = index >= metaObject.propertyOffset()
            if not (introducedHere or own is not None) or (base.__name__, name) in _SKIPPED_PROPERTIES:
                continue
            if isinstance(own, QtCore.Signal):
                continue
            method = own if own is not None else getattr(base, name, None)
            method = method if callable(method) and not isinstance(method, MetaProperty) else None
            setattr(base, name, MetaProperty(name, prop.typeName(), prop.isWritable(), method))
        if base is QObject:
            # "name" is PythonQt's second name of objectName.
            base.name = MetaProperty("objectName", "QString", True, None)


# PythonQt's generator gives a class the truth value of the first of these methods that it has, own or inherited.
_TRUTHS = (("isEmpty", False), ("isValid", True), ("isNull", False))


def installTruth(*namespaces):
    """Gives all classes of some PySide6 modules the truth value that PythonQt gives them."""
    QObject.__bool__ = lambda self: shiboken6.isValid(self)  # a wrapper whose C++ object is gone is false
    for namespace in namespaces:
        for name in dir(namespace):  # PySide6 makes its classes when they are first asked for
            cls = getattr(namespace, name)
            if isinstance(cls, type) and name.startswith("Q"):
                _installTruth(cls)


def _installTruth(cls):
    for name, whenTrue in _TRUTHS:
        if callable(getattr(cls, name, None)):
            cls.__bool__ = _truthBy(getattr(cls, name), whenTrue)
            return


def _truthBy(method, whenTrue):
    return lambda self: shiboken6.isValid(self) and bool(method(self)) is whenTrue


class NativeType(type(QObject)):
    """Type of the classes in ``qt``: an object of a PySide6 class counts as one of the class standing in for it."""

    def __instancecheck__(cls, instance):
        return (
            isinstance(instance, cls.__dict__.get("_hostNative", object))
            if "_hostNative" in cls.__dict__
            else super().__instancecheck__(instance)
        )

    def __subclasscheck__(cls, subclass):
        native = cls.__dict__.get("_hostNative")
        return issubclass(subclass, native) if native is not None else super().__subclasscheck__(subclass)

    def __getattribute__(cls, name):
        value = super().__getattribute__(name)
        if isinstance(value, enum.EnumMeta) and name[:1].isupper():
            return flatEnum(value)
        return value


_flatEnums = {}


def flatEnum(enumeration):
    """PythonQt's type of an enumeration: makes values from numbers, and has no members."""
    if enumeration not in _flatEnums:
        _flatEnums[enumeration] = type(
            enumeration.__name__,
            (),
            {
                "__new__": lambda cls, value: enumeration(value),
                "__doc__": "An enumeration of Qt: its values are attributes of the class around it.",
            },
        )
    return _flatEnums[enumeration]


# --- what every class in qt, ctk and slicer.q* gets -------------------------------------------------------------


_properties = {}  # (class, name) -> the MetaProperty that was found: there are 2,000 such assignments in a test


def _setAttribute(self, name, value):
    described = _properties.get((type(self), name))
    if described is None:
        described = next((vars(cls)[name] for cls in type(self).__mro__ if name in vars(cls)), None)
    if isinstance(described, MetaProperty):
        _properties[type(self), name] = described
        described.__set__(self, value)
    elif isinstance(described, QtCore.Property) or name.startswith(("_host", "__")) or not _isNative(type(self)):
        _nativeBase(type(self)).__setattr__(self, name, value)
    elif described is not None:
        raise AttributeError(f"Slot '{name}' can not be overwritten on {_className(self)} object")
    elif name.encode() in [bytes(each.data()) for each in self.dynamicPropertyNames()]:
        self.setProperty(name, value)
    elif not _lenience:
        raise AttributeError(
            f"'{name}' does not exist on {_className(self)} and creating new attributes on C++ objects is not allowed"
        )


_lenience = []


@contextlib.contextmanager
def ignoringUnknownAttributes():
    """In this block unknown attributes are dropped: PySide6's form loader sets one for every child."""
    _lenience.append(True)
    try:
        yield
    finally:
        _lenience.pop()


def _getAttribute(self, name):
    """Asked for what is found nowhere else: dynamic properties, children by name, the trailing underscore."""
    if name.startswith("__") or name.startswith("_host"):
        raise AttributeError(name)
    if name.endswith("_") and hasattr(type(self), name[:-1]):
        return getattr(self, name[:-1])
    if name.encode() in [bytes(each.data()) for each in QObject.dynamicPropertyNames(self)]:
        return QObject.property(self, name)
    for child in QObject.children(self):
        if child.objectName == name:
            return child
    raise AttributeError(f"{_className(self)} has no attribute named '{name}'")


def _findChildren(self, kind=QObject, name=""):
    """``findChildren(qt.QWidget, name)`` or, as PythonQt allows, ``findChildren("QWidget", name)``."""
    return [
        child
        for child in QObject.findChildren(self, QObject)
        if (child.inherits(kind) if isinstance(kind, str) else isinstance(child, kind))
        and (not name or child.objectName == name)
    ]


def _findChild(self, kind=QObject, name=""):
    found = _findChildren(self, kind, name)
    return found[0] if found else None


def _isNative(cls):
    """Whether a class stands for a C++ class (and isn't a module's own subclass of one)."""
    return "_hostNative" in cls.__dict__ or cls.__dict__.get("_hostStandIn", False)


def _nativeBase(cls):
    return next(base.__dict__["_hostNative"] for base in cls.__mro__ if "_hostNative" in base.__dict__)


def _instanceMembers():
    from . import signals

    return {"connect": signals.connect, "disconnect": signals.disconnect}


def _initSubclass(cls, **keywords):
    """PySide6 looks for these two in the dictionary of the object's own class only."""
    for name, function in _instanceMembers().items():
        if name not in cls.__dict__:
            setattr(cls, name, function)


_natives = {}


def native(cls):
    """The class of ``qt`` that stands for a PySide6 class."""
    if cls in _natives:
        return _natives[cls]
    _installProperties(cls)
    members = dict(
        _instanceMembers(),
        _hostNative=cls,
        __setattr__=_setAttribute,
        __getattr__=_getAttribute,
        __init_subclass__=classmethod(_initSubclass),
        findChildren=_findChildren,
        findChild=_findChild,
        className=_className,
        __doc__=cls.__doc__,
        __module__="qt",
    )
    if hasattr(cls, "exec"):
        members["exec_"] = lambda self, *arguments: self.exec(*arguments)
    made = NativeType(cls.__name__, (cls,), members)
    _natives[cls] = made
    return made


def standIn(cls):
    """Class decorator of the host's own ctk and qMRML classes: no new attributes, like C++ objects."""
    cls._hostStandIn = True
    return cls
