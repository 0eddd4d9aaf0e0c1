"""The report of an enhancement: a plain dict that becomes JSON."""

import sys
import time
from contextlib import contextmanager

import torch


class Stages:
    """Seconds by stage: ``with stages("network"): ...``."""

    def __init__(self):
        self.seconds = {}

    @contextmanager
    def __call__(self, name):
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def peak_memory(device):
    """Peak resident memory of this process and peak memory of the device, bytes (None where unknown)."""
    on_device = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
    return {"host": _peak_rss(), "device": on_device}


def _peak_rss():
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
