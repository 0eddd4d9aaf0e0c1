"""Progress and cancelling as one object: what a long job is handed instead of two functions.

Public functions take ``progress`` and ``is_cancelled`` and make a :class:`Task` of them; inside, the task is passed on,
and a part of the job gets a part of the bar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from .errors import Cancelled

Progress = Callable[[float, str], None]  # (fraction 0 to 1, message)
IsCancelled = Callable[[], bool]

T = TypeVar("T")


class Task:
    """A job that can tell how far it is and be asked to stop.

    Args:
        progress: called with (fraction, message) of the whole job; None tells nobody.
        is_cancelled: asked by :meth:`check`; None never cancels.
        start: the part of the whole bar that this task fills.
        end: likewise.
        prefix: stands before every message.
    """

    def __init__(
        self,
        progress: Progress | None = None,
        is_cancelled: IsCancelled | None = None,
        start: float = 0.0,
        end: float = 1.0,
        prefix: str = "",
    ) -> None:
        self.is_cancelled: IsCancelled = is_cancelled or _never
        self._progress = progress
        self._start, self._end, self._prefix = start, end, prefix

    def check(self, sentence: str | None = None) -> None:
        """Stop here if the user wants to.

        Args:
            sentence: what the user is told then; None for the usual.

        Raises:
            Cancelled: ``is_cancelled()`` answered true.
        """
        if self.is_cancelled():
            raise Cancelled() if sentence is None else Cancelled(sentence)

    def tell(self, fraction: float, message: str) -> None:
        """Say how far this task is: 0 at its start, 1 at its end."""
        if self._progress is not None:
            self._progress(self._start + (self._end - self._start) * fraction, self._prefix + message)

    def step(self, fraction: float, message: str) -> None:
        """:meth:`check`, then :meth:`tell`: what stands between two parts of a job."""
        self.check()
        self.tell(fraction, message)

    def count(self, done: int, pieces: int) -> None:
        """Say that so many of so many equal pieces are done."""
        self.tell(done / pieces, f"{done} of {pieces}")

    def part(self, start: float, end: float, prefix: str = "") -> Task:
        """The task of a part of this one, which fills the bar from ``start`` to ``end`` (fractions of this task)."""
        low, high = (self._start + (self._end - self._start) * one for one in (start, end))
        return Task(self._progress, self.is_cancelled, low, high, self._prefix + prefix)

    def share(self, number: int, count: int, prefix: str = "") -> Task:
        """:meth:`part`: of ``count`` equal parts the one with this number, counted from 0."""
        return self.part(number / count, (number + 1) / count, prefix)

    def over(self, items: Iterable[T], message: str) -> Iterator[T]:
        """The items, with a step before each; ``message`` may hold {done} and {count}, counted from 1."""
        items = list(items)
        for number, item in enumerate(items):
            self.step(number / len(items), message.format(done=number + 1, count=len(items)))
            yield item


def _never() -> bool:
    return False
