"""Turns Ctrl-C and a polite kill into a cancellation that leaves nothing behind."""

import signal
import threading

from ..errors import Cancelled


class Interruption:
    """While active, the first SIGINT or SIGTERM asks the work to stop, the second stops it at once.

    An exception thrown into the middle of native code (N4 calls back into Python) can be lost or
    crash it; a flag that the work asks for between its steps cannot.
    """

    def __init__(self):
        self._requested = False
        self._previous = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *exception):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def is_cancelled(self):
        """Whether the user asked to stop."""
        return self._requested

    def check(self):
        """Raise Cancelled if the user asked to stop."""
        if self._requested:
            raise Cancelled()

    def _on_signal(self, number, frame):
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True
