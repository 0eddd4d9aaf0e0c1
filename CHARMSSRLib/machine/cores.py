"""What this machine can compute on."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .control_groups import CONTROL_GROUPS, MEMBERSHIP, granted_cores

if TYPE_CHECKING:
    pass

_given = None  # by set_threads
_wanted = 0  # by use_threads
_before: dict[str, int] = {}  # what torch and ITK had before use_threads


def usable_cores(groups: Path = CONTROL_GROUPS, membership: Path = MEMBERSHIP) -> int:
    """CPU cores that this process may use: the least of affinity, control groups and what Slurm gave the task.

    In a container or a cluster job the machine's own count would be wrong. A share of a core counts as one.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    granted = granted_cores(Path(groups), Path(membership))
    if granted is not None:
        cores = min(cores, max(1, math.ceil(granted)))
    # Set only where --cpus-per-task was asked for; not every cluster binds a task to its cores.
    slurm = os.environ.get("SLURM_CPUS_PER_TASK", "") if "SLURM_JOB_ID" in os.environ else ""
    if slurm.isdigit() and int(slurm) > 0:
        cores = min(cores, int(slurm))
    return cores


def worker_threads() -> int:
    """Threads for the computation: one core is left to the interface where there are more than two."""
    cores = usable_cores()
    return cores - 1 if cores > 2 else cores


def computing_threads() -> int:
    """Threads for an engine.

    What :func:`use_threads` was told, else what OMP_NUM_THREADS says, else what :func:`set_threads` gave, else every
    usable core.
    """
    if _wanted:
        return _wanted
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() and int(said) > 0 else _given or usable_cores()


def set_threads() -> None:
    """Give the engines and ITK ``worker_threads()``, unless OMP_NUM_THREADS or ITK's variable says otherwise."""
    global _given
    import SimpleITK as sitk

    _given = worker_threads()
    if "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS" not in os.environ:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(_given)


def use_threads(count: int) -> None:
    """Give everything that computes so many threads (the setting "threads"); 0 gives back what was before."""
    global _wanted
    import SimpleITK as sitk

    if count == _wanted:
        return
    _before.setdefault("itk", sitk.ProcessObject.GetGlobalDefaultNumberOfThreads())
    _wanted = count
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(count or _before.pop("itk"))
    torch = sys.modules.get("torch")
    if torch is None:
        return
    if count:
        _before.setdefault("torch", torch.get_num_threads())
        torch.set_num_threads(count)
    elif "torch" in _before:
        torch.set_num_threads(_before.pop("torch"))


def give_torch_its_threads() -> None:
    """Tell torch, once it is there, of the limits that it does not know itself."""
    import torch

    if _wanted:
        _before.setdefault("torch", torch.get_num_threads())
        torch.set_num_threads(_wanted)
        return
    if "OMP_NUM_THREADS" not in os.environ and torch.get_num_threads() > computing_threads():
        torch.set_num_threads(computing_threads())
