"""Test-time augmentation: how much does the result depend on how the slice is turned?

Nothing in a scan makes a mirrored or turned slice another one, so an answer that changes with
it is the network's own. Four of the eight symmetries of a pixel grid are used.
"""

import numpy as np

# (turn, turn back) for stacks (n, h, w); the first leaves them as they are.
AUGMENTATIONS = (
    (lambda stack: stack, lambda stack: stack),
    (lambda stack: stack[:, ::-1], lambda stack: stack[:, ::-1]),
    (lambda stack: np.rot90(stack, 1, (1, 2)), lambda stack: np.rot90(stack, -1, (1, 2))),
    (lambda stack: np.rot90(stack, 1, (1, 2))[:, ::-1], lambda stack: np.rot90(stack[:, ::-1], -1, (1, 2))),
)


class Spread:
    """Running standard deviation of stacks of one shape (Welford), of which none is kept."""

    def __init__(self, first):
        self._mean, self._squares, self._count = first.astype(np.float32), np.zeros(first.shape, np.float32), 1

    def add(self, stack):
        self._count += 1
        difference = stack - self._mean
        self._mean += difference / self._count
        self._squares += difference * (stack - self._mean)

    def standard_deviation(self):
        """float32, with one degree of freedom less than stacks."""
        return np.sqrt(np.maximum(self._squares, 0) / max(1, self._count - 1))
