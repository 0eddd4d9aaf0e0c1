"""From file to file: this project's way, the naive way beside it, and a job in the worker."""

import time

from CHARMSSRLib.files.volumes import read_volume
from CHARMSSRLib.machine.memory import peak_resident_bytes
from CHARMSSRLib.settings import EnhancementSettings
from CHARMSSRLib.task import Task
from CHARMSSRLib.worker.client import WorkerClient

from ..costs.timing import Spread
from .timed_processes import ENHANCE, NAIVE, environment_for, run_job


def measure_enhancement(path, threads, checkpoint, skull_strip="auto", device="cpu", rounds=3, task=None):
    """A whole enhancement with its stages.

    Returns:
        dict: see ``summary``.
    """
    task = task or Task()
    return summary(
        [
            run_job(ENHANCE, path, threads, checkpoint, skull_strip, device, task=task.share(number, rounds))
            for number in range(rounds)
        ]
    )


def compare_whole_jobs(path, threads, checkpoint, skull_strip="auto", rounds=3, naive_slices=None, earlier=None,
                       task=None):  # fmt: skip
    """Both ways on the CPU, turn and turn about.

    Args:
        path: of the input.
        threads: of torch and of ITK.
        checkpoint: name or path.
        skull_strip: "auto" or the name of a backend.
        rounds: how often each takes its turn.
        naive_slices: slices of the naive way; the rest is extrapolated.
        earlier: "runs" of a result for the same head and machine, which these are added to.
        task: progress and cancelling; None for nobody's.

    Returns:
        dict: "enhance", "naive" (see ``summary``), "ratio" (enhance to naive, of the pairs, a
        Spread as dict), "naive_slices" {"done", "count"}, "runs" (way -> list of ``run_job``).
    """
    task = task or Task()
    runs = {way: list((earlier or {}).get(way, [])) for way in (ENHANCE, NAIVE)}
    for number in range(rounds):
        for place, way in enumerate(runs):
            turn = task.share(2 * number + place, 2 * rounds, f"{way}: ")
            slices = naive_slices if way == NAIVE else None
            runs[way].append(run_job(way, path, threads, checkpoint, skull_strip, "cpu", slices, turn))
    ratio = Spread.of(mine["seconds"] / naive["seconds"] for mine, naive in zip(runs[ENHANCE], runs[NAIVE]))
    return {
        "enhance": summary(runs[ENHANCE]), "naive": summary(runs[NAIVE]), "ratio": ratio.as_dict(),
        "naive_slices": min((run["slices"] for run in runs[NAIVE]), key=lambda one: one["done"]), "runs": runs,
    }  # fmt: skip


def in_worker(path, threads, checkpoint, skull_strip="auto", task=None):
    """One job in a worker process that has just started.

    Returns:
        dict: "seconds" of the job, handing over included; "stages"; "peak_bytes" of the process (resident
        memory; as the worker reports it where the system does not tell).
    """
    image, task = read_volume(path), task or Task()
    settings = EnhancementSettings(checkpoint=checkpoint, skull_strip=skull_strip, device="cpu", resolution="stated")
    with WorkerClient(environment=environment_for(threads)) as client:
        begun = time.perf_counter()
        answer = client.enhance(image, settings, progress=task.tell, is_cancelled=task.is_cancelled)
        seconds = time.perf_counter() - begun
        peak = peak_resident_bytes(client.process.pid) or answer.report["peak_memory_bytes"]["host"]
    return {"seconds": seconds, "stages": answer.report["stages"], "peak_bytes": peak}


def summary(runs):
    """Of the runs of one way.

    Returns:
        dict: "seconds" (Spread as dict), "stages" (name -> Spread as dict), "peak_bytes" (the
        largest), and of the first run "threads", "slices" and what else describes it.
    """
    first = {key: value for key, value in runs[0].items() if key not in ("seconds", "stages", "peak_bytes")}
    return {
        "seconds": Spread.of(run["seconds"] for run in runs).as_dict(),
        "stages": {name: Spread.of(run["stages"][name] for run in runs).as_dict() for name in runs[0]["stages"]},
        "peak_bytes": max(run["peak_bytes"] for run in runs),
        **first,
    }
