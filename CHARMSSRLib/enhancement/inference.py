"""Slices through the network: batches, precision, and what happens when memory runs out."""

import contextlib

import numpy as np
import torch

from ..errors import BackendError, Cancelled
from ..machine.allocator import keep_freed_memory
from ..machine.devices import choose_batch
from .batch_runners import runner_for

EXHAUSTED = ("out of memory", "can't allocate memory", "not enough memory", "status_alloc_failed")


class SliceEnhancer:
    """Runs a network over the slices of a stack.

    When the device's memory is exhausted the batch is halved; when one slice is too much
    the rest runs on the CPU in float32, and so does everything when other programs leave no room
    for the weights. ``fallbacks`` tells what was done.

    Args:
        network: CHARMS in eval mode (float32, on the CPU).
        device, dtype: where and in what precision.
        batch: slices at a time, 0 for the default of the device.
    """

    def __init__(self, network, device, dtype, batch=0):
        self._network = network
        self.scale = network.scale
        self.channels = network.arguments["in_channels"]
        self.device, self.dtype = device, dtype
        self.batch = choose_batch(batch, device)
        self.fallbacks = []
        try:
            self._prepare()
        except RuntimeError as error:
            if self.device.type == "cpu" or not _is_memory(error):
                raise
            self.batch = 1
            self._move_to_cpu("the network")

    def _prepare(self):
        self._runner = runner_for(self._network.for_inference().to(self.device, self.dtype), self.device)
        if self.device.type == "cpu":
            keep_freed_memory()
        if self.device.type == "cuda" and self.dtype == torch.float32:
            # PyTorch's default rounds a convolution's input to 10 bits (TF32): that is not float32.
            torch.backends.cudnn.allow_tf32 = False

    def run(self, stack, indices, output, rows, columns, progress=None, is_cancelled=None):
        """Enhance the in-plane box of some slices.

        Args:
            stack: (n, h, w) float32, normalised; indices: which slices.
            output: (n, s*h, s*w) float32, receives the enhanced box of each slice.
            rows, columns: the box in LR pixels.
            progress: called with (slices done, slices in all).

        Raises:
            Cancelled: between two batches.
            BackendError: not even the CPU has the memory for one slice.
        """
        s = self.scale
        out_rows = slice(rows.start * s, rows.stop * s)
        out_columns = slice(columns.start * s, columns.stop * s)
        waiting, under_way, done = list(indices), None, 0
        while waiting or under_way is not None:
            if is_cancelled is not None and is_cancelled():
                raise Cancelled()
            chosen = waiting[: self.batch]
            ticket = self._submit(stack, chosen, rows, columns, under_way is None) if chosen else None
            if under_way is not None:
                numbers, earlier = under_way
                for number, one in zip(numbers, self._runner.collect(earlier)):
                    output[number, out_rows, out_columns] = one
                done += len(numbers)
                if progress is not None:
                    progress(done, len(indices))
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
            if not _is_memory(error):
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
        elif self.device.type != "cpu":
            self._move_to_cpu("the rest")
        else:
            raise BackendError("There is not enough memory for one slice: close other programs, or crop the volume.")
        if torch.cuda.is_available():
            with contextlib.suppress(RuntimeError):
                torch.cuda.empty_cache()

    def _move_to_cpu(self, what):
        self.fallbacks.append(f"The memory of {self.device} was short: {what} ran on the CPU in float32.")
        self.device, self.dtype = torch.device("cpu"), torch.float32
        self._prepare()


def _is_memory(error):
    return isinstance(error, MemoryError) or any(text in str(error).lower() for text in EXHAUSTED)
