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


def peak_resident_bytes(process="self"):
    """Peak resident memory of a process by its number, where Linux tells; None elsewhere.

    Better there than getrusage, whose peak of a process begins with that of the one that started
    it: a worker's would be Slicer's.
    """
    try:
        with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as stream:
            return next(1024 * int(line.split()[1]) for line in stream if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return None


def _peak_rss():
    own = peak_resident_bytes()
    if own is not None:
        return own
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
