"""Slices through the network: batches, precision, and what happens when memory runs out."""

import contextlib

import numpy as np
import torch

from ..errors import BackendError, Cancelled
from .devices import choose_batch

EXHAUSTED = ("out of memory", "can't allocate memory", "not enough memory", "status_alloc_failed")


class SliceEnhancer:
    """Runs a network over the slices of a stack.

    When the device's memory is exhausted the batch is halved; when one slice is too much
    the rest runs on the CPU in float32. ``fallbacks`` tells what was done.

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
        self._prepare()

    def _prepare(self):
        self._ready = self._network.for_inference().to(self.device, self.dtype)
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
        done, s = 0, self.scale
        out_rows = slice(rows.start * s, rows.stop * s)
        out_columns = slice(columns.start * s, columns.stop * s)
        while done < len(indices):
            if is_cancelled is not None and is_cancelled():
                raise Cancelled()
            chosen = list(indices[done : done + self.batch])
            try:
                enhanced = self._forward(self._gather(stack, chosen, rows, columns))
            except (RuntimeError, MemoryError) as error:
                if not _is_memory(error):
                    raise
                self._make_do()
                continue
            for number, one in zip(chosen, enhanced):
                output[number, out_rows, out_columns] = one
            done += len(chosen)
            if progress is not None:
                progress(done, len(indices))

    def _gather(self, stack, chosen, rows, columns):
        """(n, channels, h, w): each slice with its neighbours; beyond the ends the last one repeats."""
        reach = self.channels // 2
        offsets = range(-reach, reach + 1)
        return np.stack(
            [[stack[min(max(i + o, 0), len(stack) - 1), rows, columns] for o in offsets] for i in chosen]
        ).astype(np.float32, copy=False)

    def _forward(self, slices):
        with torch.inference_mode():
            tensor = torch.from_numpy(slices).to(self.device, self.dtype)
            return self._ready(tensor)[:, 0].float().cpu().numpy()

    def _make_do(self):
        """Halve the batch, or move to the CPU; give up when neither is left."""
        if self.batch > 1:
            self.batch //= 2
            self.fallbacks.append(f"Memory was short: the batch was reduced to {self.batch}.")
        elif self.device.type != "cpu":
            self.fallbacks.append(f"The memory of {self.device} was short: the rest ran on the CPU in float32.")
            self.device, self.dtype = torch.device("cpu"), torch.float32
            self._prepare()
        else:
            raise BackendError("There is not enough memory for one slice: close other programs, or crop the volume.")
        if torch.cuda.is_available():
            with contextlib.suppress(RuntimeError):
                torch.cuda.empty_cache()


def _is_memory(error):
    return isinstance(error, MemoryError) or any(text in str(error).lower() for text in EXHAUSTED)
