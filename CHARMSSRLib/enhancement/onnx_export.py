"""A checkpoint as an ONNX file, for programs that do not use PyTorch."""

from __future__ import annotations

import copy
import importlib
import inspect
import json
import warnings
from typing import TYPE_CHECKING

import torch
from torch import nn

from ..errors import BackendError
from ..network.channel_shuffle import ChannelShuffle
from ..network.inference.inference_form import fold_shuffle

if TYPE_CHECKING:
    from pathlib import Path

    from ..checkpoints.loading import Checkpoint

OPSET = 17
INPUT, OUTPUT = "slices", "enhanced"
TOLERANCE = 1e-5  # of the intensity range, the file against the network
CHECKED_SIZES = ((1, 40, 56), (1, 33, 47), (3, 17, 90))  # (slices, height, width): odd ones, a batch


def export_onnx(checkpoint: Checkpoint, path: Path | str) -> float:
    """Write the network of a checkpoint as ONNX and make sure that it computes the same.

    The file reads float32 (n, in_channels, h, w) of any size, scaled as its metadata
    "intensity" says, and gives (n, 1, scale*h, scale*w). Metadata: name, sha256, scale, intensity, licence, denoise
    (the share of the noise in percent that was asked for).
    Interpolation is the library's own: bicubic, voxel edges aligned (pytorch_half_pixel, coefficient -0.75).

    Args:
        checkpoint: Checkpoint (its network is left as it is).
        path: file to write; the caller moves it to its place.

    Returns:
        Largest difference to the network over CHECKED_SIZES.

    Raises:
        BackendError: onnx or onnxruntime is missing, or the file computes something else.
    """
    onnx, runtime = _required("onnx"), _required("onnxruntime")
    network, card = checkpoint.network, checkpoint.card
    channels = network.arguments["in_channels"]
    _write(_exportable(network), channels, path)
    model = onnx.load(str(path))
    metadata = {name: card.get(name, "") for name in ("name", "sha256", "scale", "intensity", "licence", "denoise")}
    for name, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = name, value if isinstance(value, str) else json.dumps(value)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    difference = max(_difference(session, network, channels, size) for size in CHECKED_SIZES)
    if not difference <= TOLERANCE:
        raise BackendError(
            f"The exported network differs from {card['name']} by {difference:.1e} and was not kept; try other versions"
            " of torch, onnx and onnxruntime."
        )
    return difference


def _exportable(network):
    """A copy without the one operation that ONNX lacks: the channel shuffle, folded into a 1x1 convolution."""
    network = copy.deepcopy(network).cpu().float().eval()
    for block in network.backbone:
        if isinstance(block.shuffle, ChannelShuffle):
            weight, bias = fold_shuffle(block.shuffle)
            dense = nn.Conv2d(weight.shape[1], weight.shape[0], 1)
            dense.weight.data, dense.bias.data = weight, bias
            block.shuffle = dense
    return network


def _write(network, channels, path):
    named = {0: "n", 2: "h", 3: "w"}
    options = {
        "input_names": [INPUT], "output_names": [OUTPUT], "opset_version": OPSET,
        "dynamic_axes": {INPUT: named, OUTPUT: {0: "n", 2: "enlarged h", 3: "enlarged w"}},
    }  # fmt: skip
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False  # the other exporter needs a further package
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing comments on every shape
        torch.onnx.export(network, (torch.rand(2, channels, 40, 56),), str(path), **options)


def _difference(session, network, channels, size):
    count, height, width = size
    slices = torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(height))
    with torch.no_grad():
        expected = network(slices)
    (found,) = session.run([OUTPUT], {INPUT: slices.numpy()})
    return float((torch.from_numpy(found) - expected).abs().max())


def _required(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise BackendError(f"Exporting needs the package {name}: pip install onnx onnxruntime.") from error
