"""One training step as a CUDA graph: recorded once, replayed with one call.

A step of CHARMS is several thousand small kernels, and one core of the processor cannot
start them as fast as a data-centre card runs them. A replay starts them all at once.
Addresses are part of a recording, so input, gradients and learning rate stay in place.
"""

import logging

import torch

logger = logging.getLogger(__name__)
WARM_STEPS = 3  # before recording: libraries choose their kernels and take their memory


class GraphedStep:
    """Calls ``step(lr, hr)``, which must never wait for the device, from a recording.

    The first calls run ``step`` as it is, the next one records it, all later ones replay. A step
    that cannot be recorded is run as it is for good, with a warning.

    Args:
        step: (lr, hr) -> tuple of tensors; updates weights in place.
        forget_gradients: called before the recording, whose gradients are its own.
    """

    def __init__(self, step, forget_gradients):
        self.step, self.forget_gradients = step, forget_gradients
        self.calls, self.graph, self.inputs, self.outputs = 0, None, None, None
        self.stream = torch.cuda.Stream()

    def __call__(self, lr, hr):
        self.calls += 1
        if self.calls == WARM_STEPS + 1:
            self._record(lr, hr)
        if self.graph is None:
            return self._on_own_stream(lr, hr)
        for own, given in zip(self.inputs, (lr, hr)):
            own.copy_(given, non_blocking=True)
        self.graph.replay()
        return self.outputs

    def _on_own_stream(self, lr, hr):
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            outputs = self.step(lr, hr)
        torch.cuda.current_stream().wait_stream(self.stream)
        return outputs

    def _record(self, lr, hr):
        self.inputs = [one.clone() for one in (lr, hr)]
        self.forget_gradients()
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads, such as the loader's that pins memory, go on using the card meanwhile.
            with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
                self.outputs = self.step(*self.inputs)
        except RuntimeError as error:
            logger.warning("the step cannot be recorded and runs as it is: %s", str(error).splitlines()[0])
        else:
            self.graph = graph
