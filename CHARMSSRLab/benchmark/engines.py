"""The ways beside the plain form for inference in which a machine can run CHARMS."""

import logging

import torch

from ..costs.speed import forward
from .limits import has_native_bfloat16

logger = logging.getLogger(__name__)

BFLOAT16 = "CHARMS, form for inference, bfloat16 (on request)"
COMPILED = "CHARMS, form for inference, compiled"
GRAPH = "CHARMS, form for inference, as a CUDA graph"


def engine_forwards(network, image):
    """dict name -> function without arguments that enhances the image (a batch, on its device).

    What a machine lacks (a compiler, a feature of the card) is left out with a line in the log.
    """
    if image.device.type == "cpu" and image.dtype == torch.float32 and has_native_bfloat16():
        return {BFLOAT16: forward(network.for_inference().to(torch.bfloat16), image)}
    if image.device.type != "cuda":
        return {}
    form = network.for_inference().to(image.device, image.dtype)
    made = {COMPILED: lambda: forward(torch.compile(form), image), GRAPH: lambda: _graph(form, image)}
    work = {}
    for name, make in made.items():
        try:
            work[name] = make()
            work[name]()
        except Exception as error:
            logger.warning("%s: not measured: %s", name, str(error).splitlines()[0])
            work.pop(name, None)
    return work


def _graph(form, image):
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.no_grad(), torch.cuda.stream(stream):
        for _ in range(3):
            form(image)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.no_grad(), torch.cuda.graph(graph):
        form(image)
    return graph.replay
