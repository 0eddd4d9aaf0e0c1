"""How long the stages of a job took."""

import time
from contextlib import contextmanager


class Stages:
    """Seconds by stage: ``with stages("network"): ...``."""

    def __init__(self):
        self.seconds = {}

    @contextmanager
    def __call__(self, name):
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
