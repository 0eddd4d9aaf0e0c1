"""Progress for people: one line that is rewritten on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Iterable
from typing import TextIO

from ..remaining_time import RemainingTime, spoken

_PLAIN_STEP = 0.1
_PLAIN_SECONDS = 30.0


def is_wanted() -> bool:
    """Whether anything but errors may be shown: not after ``charmssr --quiet``."""
    return logging.getLogger("CHARMSSRLib").isEnabledFor(logging.WARNING)


def tell_warnings(sentences: Iterable[str], notes: Iterable[str] = ()) -> None:
    """A line on standard error for each note and warning of a report, unless the user wants errors only."""
    for title, told in (("note", notes), ("warning", sentences)) if is_wanted() else ():
        sys.stderr.writelines(f"charmssr: {title}: {sentence}\n" for sentence in told)


class ProgressLine:
    """Shows progress on a text stream (standard error by default); call it with fraction and message."""

    def __init__(self, stream: TextIO | None = None, prefix: str = "") -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._prefix = prefix
        self._remaining = RemainingTime()
        # No line for the mere start: what is refused right away shall stay a single line.
        self._shown_fraction, self._shown_time = 0.0, 0.0
        self._drawn = False

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._drawn:
            self._stream.write("\r\033[K")
            self._stream.flush()

    def __call__(self, fraction: float, message: str) -> None:
        if not is_wanted():
            return
        left = self._remaining.update(fraction, message)
        text = f"{self._prefix}{100 * fraction:3.0f} %  {message}"
        if left:
            text += f"  (about {spoken(left)} left)"
        if self._terminal:
            width = shutil.get_terminal_size().columns
            self._stream.write(f"\r\033[K{text[: width - 1]}")
            self._drawn = True
        elif self._is_due(fraction):
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def _is_due(self, fraction):
        now = self._remaining.elapsed
        due = fraction >= self._shown_fraction + _PLAIN_STEP or now >= self._shown_time + _PLAIN_SECONDS
        due = due or fraction >= 1 > self._shown_fraction
        if due:
            self._shown_fraction, self._shown_time = fraction, now
        return due
