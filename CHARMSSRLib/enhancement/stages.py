"""How long the stages of a job took."""

from __future__ import annotations

import time
from contextlib import contextmanager

clock = time.perf_counter  # what seconds are of; a benchmark on a machine with other work counts the processor's


class Stages:
    """Seconds by stage: ``with stages("network"): ...``."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name):
        start = clock()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + clock() - start
