"""Turns Ctrl-C and a polite kill into a cancellation that leaves nothing behind."""

from __future__ import annotations

import signal
import threading
from typing import Any

from ..errors import Cancelled


class Interruption:
    """While active, the first SIGINT or SIGTERM asks the work to stop, the second stops it at once.

    An exception thrown into the middle of native code (N4 calls back into Python) can be lost or
    crash it; a flag that the work asks for between its steps cannot.
    """

    def __init__(self) -> None:
        self._requested = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def is_cancelled(self) -> bool:
        """Whether the user asked to stop."""
        return self._requested

    def check(self) -> None:
        """Raise Cancelled if the user asked to stop."""
        if self._requested:
            raise Cancelled()

    def _on_signal(self, number, frame):
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True
