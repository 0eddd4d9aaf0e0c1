"""What a second is: free of torch, for the processes that are timed."""

import contextlib
import time

# Of the clock on the wall, or of the processor (all threads together), which other programs on the
# machine hardly change.
WALL, PROCESSOR = CLOCKS = ("wall", "processor")
_clock = WALL


@contextlib.contextmanager
def by_clock(name):
    """What is timed inside is timed by one of CLOCKS."""
    global _clock
    before, _clock = _clock, name
    try:
        yield
    finally:
        _clock = before


def now():
    """Seconds of the clock that :func:`by_clock` chose, the wall's by default; differences count."""
    return time.process_time() if _clock == PROCESSOR else time.perf_counter()


def chosen():
    """Name of the clock that is chosen."""
    return _clock
