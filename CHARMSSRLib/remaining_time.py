"""How long a task will still take, from how far it has come."""

from __future__ import annotations

import re
import time
from collections.abc import Callable


class RemainingTime:
    """Estimates the seconds left of one task.

    Stages run at different speeds. Where the messages count ("Enhancing slice 3 of 40"), the speed is the mean of the
    present stage alone, and nothing is foretold before the first stage that counts: a short stage before it says
    nothing about it. Without messages the estimate leans on the recent past: the speed is averaged with weights that
    fade over about ``memory`` seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, memory: float = 20.0) -> None:
        self._clock = clock
        self._memory = memory
        self._started = self._last_time = clock()
        self._last_fraction = 0.0
        self._speed: float | None = None
        self._stage: str | None = None  # message of a counting stage, its numbers taken out
        self._stage_start = (self._started, 0.0)

    @property
    def elapsed(self) -> float:
        """Seconds since the task began."""
        return self._clock() - self._started

    def update(self, fraction: float, message: str = "") -> float | None:
        """Seconds left, or None while too little has happened to tell.

        Args:
            fraction: share of the task that is done, 0 to 1.
            message: what is being done, if the task tells.
        """
        if message:
            return self._left_by_stage(fraction, message)
        now = self._clock()
        passed, gained = now - self._last_time, fraction - self._last_fraction
        if passed >= 0.25 and gained > 0:
            speed = gained / passed
            weight = 1.0 if self._speed is None else min(1.0, passed / self._memory)
            self._speed = speed if self._speed is None else self._speed + weight * (speed - self._speed)
            self._last_time, self._last_fraction = now, fraction
        if fraction >= 1:
            return 0.0
        if self._speed is None or now - self._started < 1.0 or fraction < 0.02:
            return None
        return (1 - fraction) / self._speed

    def _left_by_stage(self, fraction, message):
        now = self._clock()
        counted = _COUNTED.search(message)
        if counted:
            stage = _NUMBER.sub("#", message[: counted.end()])
            if stage != self._stage:
                self._stage, self._stage_start, self._speed = stage, (now, fraction), None
            passed, gained = now - self._stage_start[0], fraction - self._stage_start[1]
            if passed >= 1.0 and gained > 0:
                self._speed = gained / passed
        if fraction >= 1:
            return 0.0
        return (1 - fraction) / self._speed if self._speed is not None else None


_NUMBER = re.compile(r"\d[\d.,]*")
_COUNTED = re.compile(r"\d+ of \d+")


def spoken(seconds: float) -> str:
    """A duration for people: "8 s", "3 min", "2 h 5 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
