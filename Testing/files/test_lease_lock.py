"""A lock that survives a dead owner, on this machine and on another, and is never held twice."""

import os
import subprocess
import sys
import threading

import pytest

from CHARMSSRLib.files.lease_lock import LeaseLock


@pytest.fixture
def stem(tmp_path):
    return tmp_path / "locks" / "sub-01_T1w"


def of_another_machine(content):
    return " ".join("boot=elsewhere" if part.startswith("boot=") else part for part in content.split()) + "\n"


def test_one_holder_at_a_time(stem):
    first, second = LeaseLock(stem), LeaseLock(stem)
    assert first.acquire() and not second.acquire() and first.still_held() and not second.still_held()
    first.release()
    assert second.acquire()
    second.release()
    assert not list(stem.parent.iterdir())


def test_many_threads_get_it_one_after_the_other(stem):
    holders, most = [], []

    def work():
        for _ in range(20):
            lock = LeaseLock(stem)
            while not lock.acquire():
                pass
            holders.append(lock)
            most.append(len(holders))
            holders.remove(lock)
            lock.release()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 80 and max(most) == 1


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="knows dead processes by /proc")
def test_the_lock_of_a_killed_process_is_taken_over_at_once(stem):
    code = (
        "import sys, os; from pathlib import Path; from CHARMSSRLib.files.lease_lock import LeaseLock\n"
        "assert LeaseLock(Path(sys.argv[1])).acquire(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(stem)], check=False)
    assert [path.name for path in stem.parent.iterdir()] == ["sub-01_T1w.lock.0"]
    lock = LeaseLock(stem)
    assert lock.acquire()
    lock.release()
    assert not list(stem.parent.iterdir())


def test_another_machines_lock_is_taken_over_only_after_a_lease_without_a_sign_of_life(stem):
    holder = LeaseLock(stem, beat=1000)
    assert holder.acquire()
    (path,) = stem.parent.iterdir()
    path.write_text(of_another_machine(path.read_text(encoding="utf-8")))
    now = [0.0]
    waiting = LeaseLock(stem, lease=60, beat=1000, clock=lambda: now[0])
    assert not waiting.acquire()
    now[0] = 59
    assert not waiting.acquire() and not waiting.moved
    path.write_text(path.read_text(encoding="utf-8").replace("count=0000000000", "count=0000000001"))
    now[0] = 61
    assert not waiting.acquire() and waiting.moved
    now[0] = 122
    assert waiting.acquire() and waiting.still_held() and not holder.still_held()
    holder.release()  # who slept through its lease takes nothing away
    assert waiting.still_held()
    waiting.release()


def test_a_takeover_gives_way_where_the_dead_owners_lock_was_freed_meanwhile(stem, monkeypatch):
    holder = LeaseLock(stem, beat=1000)
    assert holder.acquire()
    now = [0.0]
    slow = LeaseLock(stem, lease=60, beat=1000, clock=lambda: now[0])
    assert not slow.acquire()
    now[0] = 61
    fresh = LeaseLock(stem, beat=1000)
    create = slow._create

    def late(number, dead):
        holder.release()
        assert fresh.acquire()
        return create(number, dead)

    monkeypatch.setattr(slow, "_create", late)
    assert not slow.acquire() and fresh.still_held()
    fresh.release()


def test_the_holder_gives_signs_of_life(stem):
    lock = LeaseLock(stem, beat=0.01)
    assert lock.acquire()
    (path,) = stem.parent.iterdir()
    first = path.read_text(encoding="utf-8")
    for _ in range(500):
        if path.read_text(encoding="utf-8") not in ("", first):
            break
        threading.Event().wait(0.01)
    assert path.read_text(encoding="utf-8") != first and lock.still_held()
    lock.release()
