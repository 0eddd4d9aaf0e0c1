"""Slices through the network: batches, and what happens when memory runs out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..engines.interface import Model, default_batch, is_memory
from ..errors import BackendError
from ..task import Task


class SliceEnhancer:
    """Runs a network over the slices of a stack.

    When the device's memory is exhausted the batch is halved; when one slice is too much
    the rest runs on the CPU in float32, and so does everything when other programs leave no room
    for the weights. ``fallbacks`` tells what was done.

    Args:
        model: the network in an engine's hands, see ``engines.interface``.
        device: where and in what precision, as texts.
        precision: likewise.
        batch: slices at a time, 0 for the default of the device.
    """

    def __init__(self, model: Model, device: str = "cpu", precision: str = "float32", batch: int = 0) -> None:
        self._model = model
        self.scale, self.channels = model.scale, model.in_channels
        self.device, self.precision = device, precision
        self.batch = default_batch(batch, device)
        self.fallbacks: list[str] = []
        try:
            self._runner = model.runner(device, precision)
        except (RuntimeError, MemoryError) as error:
            if self.device == "cpu" or not is_memory(error):
                raise
            self.batch = 1
            self._move_to_cpu("the network")

    def run(
        self,
        stack: np.ndarray,
        indices: Sequence[int],
        output: np.ndarray,
        rows: slice,
        columns: slice,
        task: Task | None = None,
    ) -> None:
        """Enhance the in-plane box of some slices.

        Args:
            stack: (n, h, w) float32, normalised.
            indices: which slices.
            output: (n, s*h, s*w) float32, receives the enhanced box of each slice.
            rows: the box in LR pixels.
            columns: likewise.
            task: Task, whose ``count`` is told how many slices are done; None for nobody's.

        Raises:
            Cancelled: between two batches.
            BackendError: not even the CPU has the memory for one slice.
        """
        task, s = task or Task(), self.scale
        out_rows = slice(rows.start * s, rows.stop * s)
        out_columns = slice(columns.start * s, columns.stop * s)
        waiting, under_way, done = list(indices), None, 0
        while waiting or under_way is not None:
            task.check()
            chosen = waiting[: self.batch]
            ticket = self._submit(stack, chosen, rows, columns, under_way is None) if chosen else None
            if under_way is not None:
                numbers, earlier = under_way
                for number, one in zip(numbers, self._runner.collect(earlier)):
                    output[number, out_rows, out_columns] = one
                done += len(numbers)
                task.count(done, len(indices))
            under_way = None
            if ticket is not None:
                under_way = chosen, ticket
                del waiting[: len(chosen)]

    def _submit(self, stack, chosen, rows, columns, alone):
        """Start on some slices; None when memory is short: they are to be tried again.

        While another batch is under way (not ``alone``) it is its memory that may be missing: nothing changes then.
        """
        try:
            return self._runner.submit(self._gather(stack, chosen, rows, columns))
        except (RuntimeError, MemoryError) as error:
            if not is_memory(error):
                raise
            if alone:
                self._make_do()
            return None

    def _gather(self, stack, chosen, rows, columns):
        """(n, channels, h, w): each slice with its neighbours; beyond the ends the last one repeats."""
        reach = self.channels // 2
        offsets = range(-reach, reach + 1)
        return np.stack(
            [[stack[min(max(i + o, 0), len(stack) - 1), rows, columns] for o in offsets] for i in chosen]
        ).astype(np.float32, copy=False)

    def _make_do(self):
        """Halve the batch, or move to the CPU; give up when neither is left."""
        if self.batch > 1:
            self.batch //= 2
            self.fallbacks.append(f"Memory was short: the batch was reduced to {self.batch}.")
        elif self.device != "cpu":
            self._move_to_cpu("the rest")
        else:
            raise BackendError("There is not enough memory for one slice: close other programs, or crop the volume.")
        self._model.make_room()

    def _move_to_cpu(self, what):
        self.fallbacks.append(f"The memory of {self.device} was short: {what} ran on the CPU in float32.")
        self.device, self.precision = "cpu", "float32"
        self._runner = self._model.runner("cpu", "float32")
