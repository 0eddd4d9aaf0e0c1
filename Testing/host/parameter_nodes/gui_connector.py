"""What all connectors between widgets and parameters share."""

import abc

from .annotations import Maximum, Minimum, SingleStep, WithinRange, first, split


class GuiConnector(abc.ABC):
    """Reads and writes a widget, and tells when its user has changed it."""

    def __init__(self):
        super().__init__()
        self._callback = None

    def onChanged(self, callback):
        """Has a function called after each change; None ends that."""
        self._callback = callback
        if callback is None:
            self._disconnect()
        else:
            self._connect()

    def changed(self):
        if self._callback:
            self._callback()

    @staticmethod
    @abc.abstractmethod
    def canRepresent(widget, datatype):
        """Whether this connector is for such a widget and type."""

    @staticmethod
    @abc.abstractmethod
    def create(widget, datatype):
        """A new connector."""

    @abc.abstractmethod
    def _connect(self):
        """Has :meth:`changed` called by the widget."""

    @abc.abstractmethod
    def _disconnect(self):
        """Ends that."""

    @abc.abstractmethod
    def widget(self):
        """The widget."""

    @abc.abstractmethod
    def read(self):
        """The widget's value."""

    @abc.abstractmethod
    def write(self, value):
        """Shows a value."""


class SignalConnector(GuiConnector):
    """A connector to a widget that announces changes by one signal."""

    signal = None

    @classmethod
    def create(cls, widget, datatype):
        return cls(widget, datatype)

    def __init__(self, widget, annotatedType):
        super().__init__()
        self._widget = widget
        self.kind, self.annotations = split(annotatedType)

    def widget(self):
        return self._widget

    def _connect(self):
        if self.signal:
            getattr(self._widget, self.signal).connect(self.changed)

    def _disconnect(self):
        if self.signal:
            getattr(self._widget, self.signal).disconnect(self.changed)

    def limits(self):
        """Smallest and largest allowed value, None where there is none."""
        within = first(self.annotations, WithinRange)
        minimum, maximum = first(self.annotations, Minimum), first(self.annotations, Maximum)
        if within is not None:
            return within.minimum, within.maximum
        return (minimum.minimum if minimum else None), (maximum.maximum if maximum else None)

    def applyStep(self):
        step = first(self.annotations, SingleStep)
        if step is not None:
            self._widget.singleStep = step.value
