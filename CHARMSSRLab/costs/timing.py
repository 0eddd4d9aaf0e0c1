"""Times functions against each other: they take turns, so that another load falls on all of them."""

import math
import statistics
from dataclasses import dataclass

import torch

from CHARMSSRLib.task import Task

from .clocks import now

LEAST_TURNS = 3


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of a measurement (any unit) and the number of values."""

    median: float
    lower: float
    upper: float
    count: int

    @classmethod
    def of(cls, values):
        """Of at least one value.

        Raises:
            ValueError: there is none.
        """
        values = list(values)
        if not values:
            raise ValueError("nothing was measured")
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
        return cls(statistics.median(values), lower, upper, len(values))

    def scaled(self, factor):
        """In another unit: every value times ``factor`` (> 0)."""
        return Spread(self.median * factor, self.lower * factor, self.upper * factor, self.count)

    def as_rate(self, amount):
        """What is done per second, of seconds for ``amount``: the quartiles change places."""
        return Spread(amount / self.median, amount / self.upper, amount / self.lower, self.count)

    def as_dict(self):
        """{"median", "iqr", "n"} for JSON."""
        return {"median": self.median, "iqr": self.upper - self.lower, "n": self.count}


def take_turns(work, device="cpu", rounds=15, seconds_each=math.inf, task=None):
    """Time functions in turn.

    Each runs once to warm up (three times on a GPU). Then in every round each has its turn, every
    second round in reverse order. What is slow sits rounds out, evenly, so that it takes about
    ``seconds_each`` in all, but has three turns at least.

    Args:
        work: dict name -> function without arguments.
        device: waited for before the clock is read.
        rounds: at most.
        seconds_each: seconds that one of them may take altogether.
        task: Task, which is told the name at work; None for nobody's.

    Returns:
        dict name -> dict round -> seconds.

    Raises:
        Cancelled: between two functions.
    """
    device, task = torch.device(device), task or Task()
    share = {name: _warmed_up(one, device, task) for name, one in work.items()}
    turns = {name: _turns(rounds, seconds_each / max(seconds, 1e-9)) for name, seconds in share.items()}
    times = {name: {} for name in work}
    for number in range(rounds):
        order = list(work)[:: -1 if number % 2 else 1]
        for place, name in enumerate(order):
            if number not in turns[name]:
                continue
            task.step((number + place / len(order)) / rounds, name)
            times[name][number] = _seconds(work[name], device)
    return times


def spreads(times):
    """dict name -> Spread of the seconds that ``take_turns`` returned."""
    return {name: Spread.of(one.values()) for name, one in times.items()}


def paired_ratio(times, name, reference):
    """Spread of the ratio of ``name`` to ``reference``, over the rounds in which both had a turn."""
    shared = sorted(set(times[name]) & set(times[reference]))
    return Spread.of(times[name][number] / times[reference][number] for number in shared)


def wait_for(device):
    """Returns when the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _warmed_up(function, device, task):
    for _ in range(3 if device.type != "cpu" else 1):
        task.check()
        seconds = _seconds(function, device)
    return seconds


def _turns(rounds, affordable):
    """The rounds that something takes part in, evenly spread, the first one always among them."""
    count = min(rounds, max(LEAST_TURNS, int(min(affordable, rounds))))
    return {number * rounds // count for number in range(count)}


def _seconds(function, device):
    wait_for(device)
    begun = now()
    function()
    wait_for(device)
    return now() - begun
