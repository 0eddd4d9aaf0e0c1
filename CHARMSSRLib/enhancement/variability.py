"""Turned copies: the network's answers to a slice as it lies, mirrored and turned, their mean and how far they differ.

Nothing in a scan makes a mirrored or turned slice another one, so an answer that changes with
it is the network's own: the mean is nearer to the truth, and the spread tells where it is unsure.
Four of the eight symmetries of a pixel grid are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..task import Task

if TYPE_CHECKING:
    from .inference import SliceEnhancer

# (turn, turn back) for stacks (n, h, w); the first leaves them as they are.
AUGMENTATIONS = (
    (lambda stack: stack, lambda stack: stack),
    (lambda stack: stack[:, ::-1], lambda stack: stack[:, ::-1]),
    (lambda stack: np.rot90(stack, 1, (1, 2)), lambda stack: np.rot90(stack, -1, (1, 2))),
    (lambda stack: np.rot90(stack, 1, (1, 2))[:, ::-1], lambda stack: np.rot90(stack[:, ::-1], -1, (1, 2))),
)


class TurnedCopies:
    """Enhances stacks as a ``SliceEnhancer`` does, each slice once per turn, and gives the mean.

    Args:
        enhancer: SliceEnhancer.
    """

    def __init__(self, enhancer: SliceEnhancer) -> None:
        self._enhancer, self.scale = enhancer, enhancer.scale

    def run(
        self,
        stack: np.ndarray,
        indices: Sequence[int],
        output: np.ndarray,
        rows: slice,
        columns: slice,
        task: Task | None = None,
    ) -> RunningSpread:
        """As ``SliceEnhancer.run``; ``output`` receives the mean.

        Returns:
            RunningSpread over the box, from the first to the last of the slices: (m, s*h, s*w).
        """
        s = self.scale
        first, last = indices[0], indices[-1] + 1
        boxed, chosen = stack[first:last, rows, columns], [i - first for i in indices]
        spread: RunningSpread | None = None
        for number, (turn, turn_back) in enumerate(AUGMENTATIONS):
            turned = np.ascontiguousarray(turn(boxed))
            n, h, w = turned.shape
            result = np.zeros((n, s * h, s * w), np.float32)
            self._enhancer.run(turned, chosen, result, slice(0, h), slice(0, w), _OneCopy(task or Task(), number))
            result = turn_back(result)
            if spread is None:
                spread = RunningSpread(result)
            else:
                spread.add(result)
        large = tuple(slice(part.start * s, part.stop * s) for part in (rows, columns))
        assert spread is not None  # there are several turns
        mean = spread.mean()
        for i in chosen:
            output[first + i][large] = mean[i]
        return spread


class _OneCopy(Task):
    """The task of one copy: with each a share of every slice is done."""

    def __init__(self, slices, number):
        super().__init__(is_cancelled=slices.is_cancelled)
        self._slices, self._number = slices, number

    def count(self, done, pieces):
        self._slices.count((self._number * pieces + done) // len(AUGMENTATIONS), pieces)


class RunningSpread:
    """Running mean and standard deviation of stacks of one shape (Welford), of which none is kept."""

    def __init__(self, first: np.ndarray) -> None:
        self._mean, self._squares, self._count = first.astype(np.float32), np.zeros(first.shape, np.float32), 1

    def add(self, stack: np.ndarray) -> None:
        """Take in one more stack, of the shape of the first."""
        self._count += 1
        difference = stack - self._mean
        self._mean += difference / self._count
        self._squares += difference * (stack - self._mean)

    def mean(self) -> np.ndarray:
        """float32; not a copy."""
        return self._mean

    def standard_deviation(self) -> np.ndarray:
        """float32, with one degree of freedom less than stacks."""
        return np.sqrt(np.maximum(self._squares, 0) / max(1, self._count - 1))
