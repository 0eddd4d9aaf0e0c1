"""Cores and memory are those that a container or a cluster's job grants, not the machine's."""

import os

import pytest

from CHARMSSRLib.machine import cores as machine
from CHARMSSRLib.machine import memory
from CHARMSSRLib.machine.control_groups import free_granted_memory, granted_cores


@pytest.fixture
def groups(tmp_path):
    """Function: write a tree of control groups; returns the arguments (mount, membership)."""

    def write(membership, files):
        mount = tmp_path / "cgroup"
        for name, text in files.items():
            path = mount / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (tmp_path / "membership").write_text(membership)
        return mount, tmp_path / "membership"

    return write


def test_the_smallest_limit_on_the_way_up_counts(groups):
    tree = groups(
        "0::/job/step\n",
        {
            "cgroup.controllers": "cpu memory\n",
            "job/cpu.max": "150000 100000\n",
            "job/memory.max": "4000000000\n",
            "job/memory.current": "1500000000\n",
            "job/memory.stat": "anon 1000000000\ninactive_file 500000000\n",
            "job/step/cpu.max": "max 100000\n",
            "job/step/memory.max": "max\n",
        },
    )
    assert granted_cores(*tree) == 1.5
    assert free_granted_memory(*tree) == 3_000_000_000


def test_the_first_version_of_the_interface_is_read_too(groups):
    tree = groups(
        "2:cpu,cpuacct:/slurm/job\n4:memory:/slurm/job\n",
        {
            "cpu,cpuacct/slurm/job/cpu.cfs_quota_us": "200000\n",
            "cpu,cpuacct/slurm/job/cpu.cfs_period_us": "100000\n",
            "memory/memory.limit_in_bytes": "9223372036854771712\n",
            "memory/slurm/job/memory.limit_in_bytes": "1000000\n",
            "memory/slurm/job/memory.usage_in_bytes": "400000\n",
        },
    )
    assert granted_cores(*tree) == 2
    assert free_granted_memory(*tree) == 600_000


def test_in_a_container_the_root_of_the_mount_is_the_own_group(groups):
    tree = groups("0::/host/path/that/is/not/here\n", {"cgroup.controllers": "cpu\n", "cpu.max": "300000 100000\n"})
    assert granted_cores(*tree) == 3


def test_no_group_is_no_limit(groups):
    assert granted_cores(*groups("", {})) is None and free_granted_memory(*groups("", {})) is None


def test_slurms_cores_count_only_inside_a_job(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(machine, "granted_cores", lambda *folders: 5.5)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert machine.usable_cores() == 6
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert machine.usable_cores() == 3
    monkeypatch.setattr(machine, "granted_cores", lambda *folders: 0.5)
    assert machine.usable_cores() == 1


def test_the_free_memory_is_the_least_of_all_limits(monkeypatch):
    monkeypatch.setattr(memory, "_machine_bytes", lambda: 9 * 2**30)
    monkeypatch.setattr(memory, "free_granted_memory", lambda: 5 * 2**30)
    assert memory.available_bytes() == 5 * 2**30
    monkeypatch.setenv("CHARMSSR_MEMORY_MB", "1000")
    assert memory.available_bytes() == 1000 * 2**20
