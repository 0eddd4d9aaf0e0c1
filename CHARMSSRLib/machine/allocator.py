"""What the C library does with memory that is freed: gives it back after a volume, keeps it for the next slice."""

from __future__ import annotations

import ctypes
import platform

# Feature images are smaller than the first and come from the heap, volumes are larger and do not.
LARGEST_KEPT, KEPT_IN_ALL = 32 * 2**20, 256 * 2**20  # bytes
LARGEST_IN_HEAP, SPARE = 2**20, 2**20
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def keep_freed_memory() -> bool:
    """Tell glibc to keep up to KEPT_IN_ALL bytes of this process; nothing happens elsewhere.

    A network's feature images come and go hundreds of times per slice. Given back and fetched anew,
    each page costs a fault: about a twentieth of the time of a slice on a CPU.

    Returns:
        Whether the C library took the advice.
    """
    return _advise(LARGEST_KEPT, KEPT_IN_ALL)


def give_back_freed_memory() -> bool:
    """Tell glibc to give back what is freed, now and from now on; nothing happens elsewhere.

    Left alone it learns from the first volumes that large pieces come and go, and puts the next ones into its
    heap, which shrinks at its end only: a job then holds several volumes that nobody uses any more.

    Returns:
        Whether the C library took the advice.
    """
    return _advise(LARGEST_IN_HEAP, SPARE) and bool(ctypes.CDLL(None).malloc_trim(0) in (0, 1))


def _advise(largest_in_heap, spare):
    if platform.libc_ver()[0] != "glibc":
        return False
    try:
        advise = ctypes.CDLL(None).mallopt
        return bool(advise(_M_MMAP_THRESHOLD, largest_in_heap) and advise(_M_TRIM_THRESHOLD, spare))
    except (AttributeError, OSError):
        return False
