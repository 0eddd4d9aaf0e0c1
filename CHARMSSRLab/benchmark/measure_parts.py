"""The parts of a benchmark in order; what was measured before stays.

The machine with the GPU may be one without SimpleITK: parts that need it are imported where they start.
"""

import json
import time
from pathlib import Path

import torch

from CHARMSSRLib import __version__
from CHARMSSRLib.checkpoints.loading import load_checkpoint
from CHARMSSRLib.errors import OutputError
from CHARMSSRLib.machine.allocator import keep_freed_memory
from CHARMSSRLib.machine.devices import choose_precision
from CHARMSSRLib.task import Task

from ..costs.clocks import by_clock
from . import limits, networks
from .benchmark_plan import ENHANCEMENT, GENERATED, GROWTH, LIMITS, NETWORKS, OPERATORS, PARTS, STAGE, WHOLE_JOB, WORKER

FORMAT = 1
OPERATOR_ROUNDS = 9


def run(plan, earlier=None, progress=None, is_cancelled=None):
    """Measure the parts of a plan.

    Args:
        plan: BenchmarkPlan.
        earlier: what ``run`` returned (or ``read`` read) before; its other parts stay.
        progress: called with a fraction and a message.
        is_cancelled: asked between the parts; None never cancels.

    Returns:
        dict for JSON: "format", "version", "parts": name -> {"machine", "version", "quick", "checkpoint",
        "clock", "measured" (time), "took" (seconds), "result"}.

    Raises:
        CHARMSSRError: of a checkpoint, an input or a job. Cancelled.
    """
    task = Task(progress, is_cancelled)
    done = dict((earlier or {}).get("parts", {}))
    checkpoint = load_checkpoint(plan.checkpoint)
    before = torch.get_num_threads()
    torch.set_num_threads(plan.threads)
    if plan.device.type == "cpu":
        keep_freed_memory()  # as ``enhance`` does; every network here gains by it
    try:
        for number, name in enumerate(plan.parts):
            part = task.share(number, len(plan.parts), f"{name}: ")
            begun = time.perf_counter()
            origin = {
                "machine": limits.describe_machine(plan.device), "version": __version__, "quick": plan.quick,
                "checkpoint": {"name": checkpoint.card["name"], "sha256": checkpoint.card["sha256"]},
                "clock": plan.clock,
            }  # fmt: skip
            before_it = done[name]["result"] if plan.more_rounds and _same(done.get(name), origin) else {}
            with by_clock(plan.clock):
                result = _MEASURES[name](plan, checkpoint.network, before_it, part)
            done[name] = {
                **origin, "measured": time.strftime("%Y-%m-%dT%H:%M:%S"),
                "took": round(time.perf_counter() - begun, 1), "result": result,
            }  # fmt: skip
    finally:
        torch.set_num_threads(before)
    return {"format": FORMAT, "version": __version__, "parts": {name: done[name] for name in PARTS if name in done}}


def read(path):
    """Figures of an earlier run; None where there are none.

    Raises:
        OutputError: the file is something else.
    """
    path = Path(path)
    if not path.exists():
        return None
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
        known = figures["format"] == FORMAT and isinstance(figures["parts"], dict)
    except (OSError, ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise OutputError(f"{path} holds no figures of this benchmark; choose another folder (--output).")
    return figures


def _limits(plan, network, earlier, task):
    return limits.measure_limits(plan.device, plan.quick, plan.rounds, task)


def _networks(plan, network, earlier, task):
    rows, dtype = [], choose_precision("auto", plan.device)
    for number, batch in enumerate(plan.batches):
        rows += networks.measure_networks(network, plan, dtype, batch, task.share(number, len(plan.batches)))
    return {"precision": limits.name_of(dtype), "rows": rows}


def _operators(plan, network, earlier, task):
    from . import operators

    rows = operators.profile_operators(
        network.for_inference(), plan.lr_size, plan.lr_size, min(plan.rounds, OPERATOR_ROUNDS), plan.quick, task
    )  # fmt: skip
    return {"height": plan.lr_size, "width": plan.lr_size, "rows": rows}


def _stage(plan, network, earlier, task):
    from .stage import measure_stage

    dtype = choose_precision("auto", plan.device)
    rows = [
        measure_stage(
            network, plan.device, dtype, plan.stage_slices, plan.lr_size, plan.lr_size, batch,
            task=task.share(number, len(plan.batches)),
        )
        for number, batch in enumerate(plan.batches)
    ]  # fmt: skip
    peak = torch.cuda.max_memory_allocated(plan.device) if plan.device.type == "cuda" else None
    return {"precision": limits.name_of(dtype), "rows": rows, "peak_device_bytes": peak}


def _enhancement(plan, network, earlier, task):
    from .whole_job import measure_enhancement

    return _with_head(plan, lambda head, path: measure_enhancement(
        path, plan.threads, plan.checkpoint, plan.skull_strip, str(plan.device), plan.whole_rounds, task
    ))  # fmt: skip


def _whole_job(plan, network, earlier, task):
    from .whole_job import compare_whole_jobs

    def measure(head, path):
        same = (earlier.get("head"), earlier.get("size")) == (_name(plan.head), list(head.GetSize()))
        return compare_whole_jobs(
            path, plan.threads, plan.checkpoint, plan.skull_strip, plan.whole_rounds, plan.naive_slices,
            earlier["runs"] if same else None, task,
        )  # fmt: skip

    return _with_head(plan, measure)


def _worker(plan, network, earlier, task):
    from .whole_job import in_worker

    return _with_head(plan, lambda head, path: in_worker(
        path, plan.threads, plan.checkpoint, plan.skull_strip, task
    ))  # fmt: skip


def _growth(plan, network, earlier, task):
    from .growth import measure_growth

    return _with_head(plan, lambda head, path: measure_growth(head, network, plan, task))


def _with_head(plan, measure):
    from .inputs import head_of_size
    from .timed_processes import volume_file

    head = head_of_size(plan.head, plan.head_size)
    with volume_file(head) as path:
        result = measure(head, path)
    return {"head": _name(plan.head), "size": list(head.GetSize()), **result}


def _name(head):
    """Of a file no more than its name: figures are passed on, folders are private."""
    return head if head == GENERATED else Path(head).name


def _same(part, origin):
    return part is not None and all(part.get(key) == value for key, value in origin.items())


_MEASURES = {
    LIMITS: _limits, NETWORKS: _networks, OPERATORS: _operators, STAGE: _stage, ENHANCEMENT: _enhancement,
    WHOLE_JOB: _whole_job, WORKER: _worker, GROWTH: _growth,
}  # fmt: skip
