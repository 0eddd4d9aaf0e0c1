"""What a container or a cluster's scheduler grants this process: cores and memory of its control groups.

A machine's own count is wrong there: a container of 2 cores on a host of 64 sees 64. Both versions of
the kernel's interface are read (https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Optional

CONTROL_GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
_UNLIMITED = 1 << 60  # version 1 writes a huge number where there is no limit


def granted_cores(mount: Path = CONTROL_GROUPS, membership: Path = MEMBERSHIP) -> Optional[float]:
    """Cores that the quotas allow (1.5 is one and a half), the smallest on the way up; None without a quota."""
    found = []
    for folder, version in _folders("cpu", mount, membership):
        if version == 2:
            quota, period = (_text(folder / "cpu.max").split() + ["", ""])[:2]
        else:
            quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(period) > 0:
            found.append(int(quota) / int(period))
    return min(found, default=None)


def free_granted_memory(mount: Path = CONTROL_GROUPS, membership: Path = MEMBERSHIP) -> Optional[int]:
    """Bytes that the groups may still take beyond what they hold (reclaimable file cache counts as free)."""
    return min((max(0, limit - held) for limit, held in _memory(mount, membership)), default=None)


def _memory(mount: Path, membership: Path) -> list[tuple[int, int]]:
    """(limit, bytes held without file cache) of every group with a limit."""
    found = []
    for folder, version in _folders("memory", mount, membership):
        limit = _text(folder / ("memory.max" if version == 2 else "memory.limit_in_bytes"))
        if not limit.isdigit() or int(limit) >= _UNLIMITED:
            continue
        held = _text(folder / ("memory.current" if version == 2 else "memory.usage_in_bytes"))
        statistics = dict(line.split()[:2] for line in _text(folder / "memory.stat").splitlines() if " " in line)
        cache = statistics.get("inactive_file" if version == 2 else "total_inactive_file", "0")
        found.append((int(limit), max(0, int(held or 0) - int(cache))))
    return found


def _folders(controller: str, mount: Path, membership: Path) -> Iterator[tuple[Path, int]]:
    """The folders of this process's group and of all its parents, with the interface's version."""
    for line in _text(membership).splitlines():
        _, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if controllers == "" and (mount / "cgroup.controllers").exists():
            root, version = mount, 2
        elif controller in controllers.split(","):
            root, version = mount / controllers, 1
            if not root.is_dir():
                root = mount / controller
        else:
            continue
        # In a container the path may be the host's, which is not mounted here: the root then is the own group.
        folder = root / path.lstrip("/")
        while True:
            if folder.is_dir():
                yield folder, version
            if folder == root or root not in folder.parents:
                break
            folder = folder.parent


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
