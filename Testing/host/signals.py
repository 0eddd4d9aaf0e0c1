"""``object.connect("signal(type)", callable)`` as PythonQt does it.

A signal is named by its exact, normalised C++ signature. The real application prints a warning and returns False for
a signal that does not exist; here that is an error, because a test would never see the warning.
"""

import functools
import inspect

from PySide6 import QtCore


class NoSuchSignal(ValueError):
    """The signature names no signal of the object."""


def acceptedArguments(function):
    """How many arguments of a signal a callable takes; None is all of them.

    As in PythonQt only plain functions and methods are counted (with their defaults); anything else gets all.
    """
    skipped = 0
    if inspect.ismethod(function):
        function, skipped = function.__func__, 1
    if not inspect.isfunction(function):
        return None
    code = function.__code__
    return None if code.co_flags & inspect.CO_VARARGS else code.co_argcount - skipped


def _caller(function):
    count = acceptedArguments(function)

    def call(*arguments):
        function(*(arguments if count is None else arguments[:count]))

    return call


def findSignal(sender, signature):
    """The PySide6 signal with this C++ signature.

    Args:
        sender: object that emits.
        signature: for example ``"clicked(bool)"``; Qt's normalisation of blanks, const and & is allowed for.

    Raises:
        NoSuchSignal: the object has no such signal.
    """
    text = signature.decode() if isinstance(signature, bytes) else signature
    text = text.lstrip("2") if text[:1] == "2" else text
    wanted = bytes(QtCore.QMetaObject.normalizedSignature(text).data()).decode()
    for cls in type(sender).__mro__:
        if wanted in cls.__dict__.get("_hostSignatures", {}):
            return getattr(sender, cls.__dict__["_hostSignatures"][wanted])
    metaObject = sender.metaObject()
    index = metaObject.indexOfSignal(wanted)
    if index < 0:
        raise NoSuchSignal(f"QObject::connect() signal '{text}' does not exist on {metaObject.className()}")
    name, _, types = wanted.rstrip(")").partition("(")
    signal = getattr(sender, name)
    try:
        return signal[types] if types else signal
    except (IndexError, KeyError, TypeError):
        return signal


def findSlot(receiver, signature):
    """The method of a receiver that a slot's signature names."""
    text = signature.decode() if isinstance(signature, bytes) else signature
    name = text.lstrip("1").partition("(")[0]
    slot = getattr(type(receiver), name, None)
    if slot is None:
        raise NoSuchSignal(f"QObject::connect() slot '{text}' does not exist on {receiver.metaObject().className()}")
    count = 0 if text.endswith("()") else text.count(",") + 1
    return lambda *arguments: getattr(receiver, name)(*arguments[:count])


def connect(self, signature, receiver, slot=None):
    """``connect("signal()", callable)`` or ``connect("signal()", object, "slot()")``; returns True."""
    function = receiver if slot is None else findSlot(receiver, slot)
    if not callable(function):
        raise TypeError(f"connect() needs a callable, not {function!r}")
    caller = _caller(function)
    findSignal(self, signature).connect(caller)
    self.__dict__.setdefault("_hostConnections", []).append((signature, receiver, slot, caller))
    return True


def disconnect(self, signature, receiver=None, slot=None):
    """Undoes :func:`connect`; without a callable every connection of that signal. Returns whether there was one."""
    kept, dropped = [], []
    for connection in self.__dict__.get("_hostConnections", []):
        isMeant = connection[0] == signature and (receiver is None or connection[1:3] == (receiver, slot))
        (dropped if isMeant and not (receiver and dropped) else kept).append(connection)
    for connection in dropped:
        findSignal(self, signature).disconnect(connection[3])
    self.__dict__["_hostConnections"] = kept
    return bool(dropped)


def forward(signal):
    """A callable that emits a signal with the arguments it gets."""
    return functools.partial(_emit, signal)


def _emit(signal, *arguments):
    signal.emit(*arguments)
