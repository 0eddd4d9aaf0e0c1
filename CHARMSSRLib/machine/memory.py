"""How much memory an enhancement along three axes takes, whether this machine has it, and what was taken."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import numpy as np

from ..errors import SettingsError
from .control_groups import free_granted_memory

FLOAT = 4  # bytes
PROGRAM = 350 * 2**20  # the interpreter with an engine, ITK, the skull-strip and a network in use: 290 to 340 measured
# Where the free memory is unknown, a job may take this much.
UNKNOWN_LIMIT = 8 * 2**30
# A smaller limit (MB) than the machine's, for those who share it.
MEMORY_VARIABLE = "CHARMSSR_MEMORY_MB"


def estimate_bytes(
    frame: Sequence[int], box: Sequence[int], factors: Sequence[int], maps: bool = False, turned: bool = False
) -> int:
    """Peak memory of an enhancement along three axes, an upper estimate in bytes.

    Args:
        frame: voxels of the scan along its three axes.
        box: of the part that is enhanced.
        factors: enlargement of the axes.
        maps: whether maps are asked for.
        turned: whether each slice goes through the network turned, too.
    """
    small, large = (int(np.prod(frame)), int(np.prod(frame)) * int(np.prod(factors)))
    inner = int(np.prod(box)) * int(np.prod(factors))
    # The scan itself: as given, in LPS order, corrected, normalised, field, masks, N4's copies.
    scan = 12 * FLOAT * small
    # The result on the whole frame and its mask (1 byte), once more while it is turned to the
    # input's orientation.
    result = 2 * (FLOAT + 1) * large
    # In the box: the fused spectrum, one plane with its spectrum, the banding's two volumes and mask.
    fusion = 3 * FLOAT * inner
    if maps:
        # Detail, what was removed and disagreement on the frame; three spectra and two volumes in the box.
        result += 3 * FLOAT * large
        fusion += 3 * FLOAT * inner
    if turned:
        # A plane's mean, its squares, one more copy of it and that copy turned back, sharp in two of the axes.
        fusion += 4 * FLOAT * inner // factors[0]
    return PROGRAM + scan + result + fusion


def available_bytes() -> int | None:
    """Memory that this process could still get, or None where that is unknown.

    The least of what the machine has left, what the control groups (a container, a cluster's job) leave,
    and $CHARMSSR_MEMORY_MB.
    """
    limits = [_machine_bytes(), free_granted_memory()]
    asked = os.environ.get(MEMORY_VARIABLE, "")
    if asked.isdigit():
        limits.append(int(asked) * 2**20)
    return min((limit for limit in limits if limit is not None), default=None)


def _machine_bytes():
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def require_memory(estimate: int, available: int | None = None) -> None:
    """Refuse a job that is too large.

    Args:
        estimate: bytes.
        available: bytes; None asks the machine.

    Raises:
        SettingsError: with the estimate and what to do.
    """
    available = available_bytes() if available is None else available
    limit = UNKNOWN_LIMIT if available is None else available
    if estimate > limit:
        raise SettingsError(
            f"Three planes would take about {estimate / 2**30:.1f} GB of memory, but {limit / 2**30:.1f} GB are there."
            " Choose planes acquisition, a checkpoint of a smaller scale, or crop the volume to the head first."
        )


def peak_memory(device: str) -> dict[str, int | None]:
    """Peak resident memory of this process and peak memory of the device, bytes (None where unknown)."""
    on_device = None
    if str(device).startswith("cuda"):
        import torch

        on_device = torch.cuda.max_memory_allocated(device)
    return {"host": _peak_rss(), "device": on_device}


def peak_resident_bytes(process: int | str = "self") -> int | None:
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
