"""The share of the processors that the system grants this process.

3D Slicer on Linux gives itself, and whatever it starts, the lowest priority (nice 19).
"""

import os

NORMAL = 0


def raise_priority() -> int:
    """Take the normal priority where the system allows it.

    Returns:
        The nice value that this process has now: 0 is normal, 19 the lowest; 0 where there is no such value.
    """
    if not hasattr(os, "setpriority"):
        return NORMAL
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    if nice > NORMAL:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, NORMAL)
        except OSError:  # without RLIMIT_NICE only an administrator may
            return nice
        nice = os.getpriority(os.PRIO_PROCESS, 0)
    return nice
