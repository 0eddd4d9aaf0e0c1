"""The ways beside the plain form for inference in which a machine can run CHARMS."""

import logging
from types import SimpleNamespace

import torch

from CHARMSSRLib.checkpoints.architecture import Architecture
from CHARMSSRLib.engines.choice import has_ncnn
from CHARMSSRLib.engines.ncnn_charms import CharmsGraphs
from CHARMSSRLib.engines.ncnn_engine import ProcessorRunner
from CHARMSSRLib.engines.ncnn_model import NcnnModel
from CHARMSSRLib.engines.torch_engine import TorchModel

from ..costs.speed import forward
from .limits import has_native_bfloat16

logger = logging.getLogger(__name__)

NCNN = "CHARMS, engine ncnn"
BFLOAT16 = "CHARMS, form for inference, bfloat16 (on request)"
COMPILED = "CHARMS, form for inference, compiled"
GRAPH = "CHARMS, form for inference, as a CUDA graph"


def engine_forwards(network, image):
    """dict name -> function without arguments that enhances the image (a batch, on its device).

    What a machine lacks (a compiler, a feature of the card) is left out with a line in the log.
    """
    if image.device.type == "cpu" and image.dtype == torch.float32:
        work = {NCNN: _by_ncnn(network, image.numpy())} if has_ncnn() else {}
        if has_native_bfloat16():
            work[BFLOAT16] = forward(network.for_inference().to(torch.bfloat16), image)
        return work
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


def default_model(network, device, dtype):
    """A network in the hands of the engine that ``enhance`` takes for a device: on processors ncnn where it is."""
    if torch.device(device).type == "cpu" and dtype == torch.float32 and has_ncnn():
        return NcnnModel(SimpleNamespace(arrays=_arrays(network), card={"architecture": network.arguments}, path=None))
    return TorchModel(network)


def _arrays(network):
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def _by_ncnn(network, slices):
    """The whole way of the other engine, with as many threads as torch has."""
    graphs = CharmsGraphs(_arrays(network), Architecture(**network.arguments))
    runner = ProcessorRunner(graphs, torch.get_num_threads())
    return lambda: runner.collect(runner.submit(slices))


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
