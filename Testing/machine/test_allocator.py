"""The C library gives back what a volume took and keeps what a network needs again."""

import platform

import numpy as np
import pytest

from CHARMSSRLib.machine.allocator import give_back_freed_memory, keep_freed_memory


def resident_bytes():
    with open("/proc/self/status", encoding="ascii") as stream:
        return next(1024 * int(line.split()[1]) for line in stream if line.startswith("VmRSS:"))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is advised")
def test_freed_volumes_leave_the_process():
    keep_freed_memory()
    try:
        pieces = [np.ones(2**20, np.float32) for _ in range(16)]  # 4 MB each, in the heap
        kept = np.ones(2**10)  # behind them, so that the heap cannot simply shrink
        full = resident_bytes()
        del pieces
        assert give_back_freed_memory()
        assert resident_bytes() < full - 40 * 2**20
        assert kept.all()
        assert keep_freed_memory()
    finally:
        give_back_freed_memory()


def test_elsewhere_nothing_happens(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not keep_freed_memory()
    assert not give_back_freed_memory()
