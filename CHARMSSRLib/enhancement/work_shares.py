"""How much of the network's work is done after so many slices, which differ in size from plane to plane."""

from __future__ import annotations

from collections.abc import Sequence

from ..task import Task


class SliceTask(Task):
    """The task of a run of slices among others: the bar goes by pixels, the message counts the slices of all runs.

    Args:
        whole: the task of all runs together.
        parts: for each run of equal slices, in their order: (how many, pixels of one).
        before: slices of the runs before this one.
    """

    def __init__(self, whole: Task, parts: Sequence[tuple[int, int]], before: int = 0) -> None:
        super().__init__(whole.tell, whole.is_cancelled)
        self._whole, self._parts, self._before = whole, parts, before

    def count(self, done: int, pieces: int) -> None:
        """Say that ``done`` slices of this run's ``pieces`` are enhanced."""
        done += self._before
        total = sum(count for count, _ in self._parts)
        self.tell(share_of_work(self._parts, done), f"Enhancing slice {done} of {total}")

    def after(self, slices: int) -> SliceTask:
        """The task of the run that follows so many slices of this one's runs."""
        return SliceTask(self._whole, self._parts, self._before + slices)


def share_of_work(parts: Sequence[tuple[int, int]], done: int) -> float:
    """Share (0 to 1) of the pixels that are enhanced once ``done`` slices are.

    Args:
        parts: for each run of equal slices, in their order: (how many, pixels of one).
        done: slices that are done, of all parts together.
    """
    whole = sum(count * pixels for count, pixels in parts)
    pixels_done = 0
    for count, pixels in parts:
        pixels_done += min(done, count) * pixels
        done = max(0, done - count)
    return pixels_done / whole if whole else 1.0
