"""How a batch of slices gets through the network on a device: submitted first, collected later.

Between the two the caller cuts the next batch and submits it, so that on a GPU the processor's
work and the copies happen while the card computes. Both runners give a batch's result in the order
of its slices; at most two batches may be under way.
"""

from __future__ import annotations

import numpy as np
import torch

from .interface import Runner


class DirectRunner:
    """Computes at once; for the CPU, where a second batch would only compete for the same cores."""

    def __init__(self, form: torch.nn.Module, device: torch.device) -> None:
        self._form, self._device = form, device

    def submit(self, slices: np.ndarray) -> torch.Tensor:
        """Start on slices (n, c, h, w), float32; returns the ticket for :meth:`collect`."""
        with torch.inference_mode():
            return self._form(torch.from_numpy(slices).to(self._device))

    def collect(self, ticket: torch.Tensor) -> np.ndarray:
        """The enhanced slices of a ticket: (n, s*h, s*w), float32."""
        return ticket[:, 0].float().cpu().numpy()


class OverlappedRunner:
    """A CUDA card: page-locked buffers, copies that do not wait, a stream of its own.

    Not captured as a CUDA graph: with more than a few slices per batch the card, not the launching
    of its kernels, should set the pace. ``CHARMSSRLab/gpu/benchmark.py`` measures both.
    """

    def __init__(self, form: torch.nn.Module, device: torch.device) -> None:
        self._form, self._device = form, device
        self._stream = torch.cuda.Stream(device)
        self._stream.wait_stream(torch.cuda.current_stream(device))  # the weights may still be on their way
        self._buffers, self._turn = [None, None], 0

    def submit(self, slices: np.ndarray) -> tuple:
        """Slices (n, c, h, w), as ``interface.Runner`` says."""
        self._turn = 1 - self._turn
        source, target = self._buffers_for(slices.shape)
        source.copy_(torch.from_numpy(slices))
        with torch.inference_mode(), torch.cuda.stream(self._stream):
            target.copy_(self._form(source.to(self._device, non_blocking=True)), non_blocking=True)
            done = torch.cuda.Event()
            done.record(self._stream)
        return target, done

    def collect(self, ticket: tuple) -> np.ndarray:
        """The enhanced slices (n, s*h, s*w), as ``interface.Runner`` says."""
        target, done = ticket
        done.synchronize()
        return target[:, 0].numpy().copy()  # the buffer is needed again

    def _buffers_for(self, shape):
        """The page-locked pair whose turn it is: (input, output); the last batch of a stack may be smaller."""
        kept = self._buffers[self._turn]
        if kept is None or kept[0].shape != shape:
            n, _, h, w = shape
            scale = self._form.scale
            sizes = (shape, (n, 1, scale * h, scale * w))
            kept = self._buffers[self._turn] = tuple(torch.empty(size, pin_memory=True) for size in sizes)
        return kept


def runner_for(form: torch.nn.Module, device: torch.device) -> Runner:
    """The runner of a device for a network in its form for inference."""
    return OverlappedRunner(form, device) if device.type == "cuda" else DirectRunner(form, device)
