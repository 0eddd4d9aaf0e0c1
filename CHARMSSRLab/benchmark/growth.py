"""How time and memory grow with the size of a volume, the number of slices and the threads."""

import numpy as np
import torch

from CHARMSSRLib.task import Task

from ..costs.timing import Spread
from .inputs import coarser
from .stage import measure_stage
from .timed_processes import ENHANCE, run_job, volume_file


def measure_growth(head, network, plan, task=None):
    """Whole enhancements of one head at several sizes, and the network stage for several numbers of slices.

    The smaller volumes hold the same head with fewer voxels, so that every part of the work has
    its share of them. The volumes take turns. On one thread only the smallest volume is enhanced.

    Args:
        head: SimpleITK image.
        network: CHARMS on the CPU.
        plan: BenchmarkPlan: threads, checkpoint, skull-strip, shares of the head, numbers of slices, rounds.
        task: progress and cancelling; None for nobody's.

    Returns:
        dict: "volumes" (list of "voxels", "size", "threads", "enhanced_pixels", "seconds", "stages",
        "peak_bytes"), "slices" (list, see ``measure_stage``, with "threads"), "fits" (see ``fits_of``).
    """
    task, rounds = task or Task(), plan.whole_rounds
    threads, shares = sorted({1, plan.threads}), plan.growth_shares
    jobs = [(share, threads[-1]) for share in shares] + [(shares[0], count) for count in threads[:-1]]
    steps = len(jobs) * rounds + len(threads)
    runs = {job: [] for job in jobs}
    for turn in range(rounds):
        for place, (share, count) in enumerate(jobs):
            part = task.share(turn * len(jobs) + place, steps)
            image = coarser(head, share)
            with volume_file(image) as path:
                run = run_job(ENHANCE, path, count, plan.checkpoint, plan.skull_strip, "cpu", task=part)
            runs[share, count].append({**run, "size": list(image.GetSize())})
    stages, before = [], torch.get_num_threads()
    try:
        for place, count in enumerate(threads):
            torch.set_num_threads(count)
            for number in plan.growth_slices:
                part = task.share(len(jobs) * rounds + place, steps)
                row = measure_stage(network, torch.device("cpu"), torch.float32, number, plan.lr_size, plan.lr_size,
                                    rounds=max(3, rounds), task=part)  # fmt: skip
                stages.append({**row, "threads": count})
    finally:
        torch.set_num_threads(before)
    volumes = [_volume_row(own, count) for (_, count), own in runs.items()]
    return {"volumes": volumes, "slices": stages, "fits": fits_of(volumes, stages, threads[-1])}


def fits_of(volumes, stages, threads):
    """Straight lines through what was measured with ``threads`` threads.

    Returns:
        dict name -> ``straight_line``: "seconds" and "peak_bytes" over voxels, "network seconds"
        over the pixels that went through the network, "slices" (seconds over their number).
    """
    own = [row for row in volumes if row["threads"] == threads]
    voxels = [row["voxels"] for row in own]
    stages = [row for row in stages if row["threads"] == threads]
    return {
        "seconds": straight_line(voxels, [row["seconds"]["median"] for row in own]),
        "network seconds": straight_line(
            [row["enhanced_pixels"] for row in own], [row["stages"]["network"]["median"] for row in own]
        ),
        "peak_bytes": straight_line(voxels, [row["peak_bytes"] for row in own]),
        "slices": straight_line([row["slices"] for row in stages], [row["seconds"]["median"] for row in stages]),
    }


def straight_line(x, y):
    """Least squares.

    Returns:
        dict: "slope", "offset", "r_squared" (1 where y does not vary), and "exponent", the power
        of x that y grows with (1: proportional; below 1 where there is a constant part).
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    slope, offset = np.polyfit(x, y, 1)
    scatter, total = np.sum((y - slope * x - offset) ** 2), np.sum((y - y.mean()) ** 2)
    exponent = np.polyfit(np.log(x), np.log(y), 1)[0]
    return {
        "slope": float(slope), "offset": float(offset), "r_squared": float(1 - scatter / total) if total else 1.0,
        "exponent": float(exponent),
    }  # fmt: skip


def _volume_row(runs, threads):
    voxels = int(np.prod(runs[0]["size"]))
    names = runs[0]["stages"]
    return {
        "voxels": voxels, "size": runs[0]["size"], "threads": threads,
        "enhanced_pixels": round(runs[0]["slices"]["frame_share"] * voxels),
        "seconds": Spread.of(run["seconds"] for run in runs).as_dict(),
        "stages": {name: Spread.of(run["stages"][name] for run in runs).as_dict() for name in names},
        "peak_bytes": max(run["peak_bytes"] for run in runs),
    }  # fmt: skip
