"""How long a task will still take, from how far it has come."""

import time


class RemainingTime:
    """Estimates the seconds left of one task.

    Stages run at different speeds, so the estimate leans on the recent past: the speed is averaged
    with weights that fade over about ``memory`` seconds.
    """

    def __init__(self, clock=time.monotonic, memory=20.0):
        self._clock = clock
        self._memory = memory
        self._started = self._last_time = clock()
        self._last_fraction = 0.0
        self._speed = None

    @property
    def elapsed(self):
        """Seconds since the task began."""
        return self._clock() - self._started

    def update(self, fraction):
        """Seconds left, or None while too little has happened to tell.

        Args:
            fraction: share of the task that is done, 0 to 1.
        """
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


def spoken(seconds):
    """A duration for people: "8 s", "3 min", "2 h 5 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
