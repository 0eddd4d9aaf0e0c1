"""The built-in skull-strip's network without torch: ``builtin_network.StripUNet`` from its arrays.

ncnn's own 3-D convolution is plain loops. A 3 x 3 x 3 convolution is therefore a fast 2-D one of three
neighbouring slices, whose channels lie behind one another in memory: volumes are (z, channels, y, x) with an
empty slice before and behind.
"""

from __future__ import annotations

import numpy as np

from ...engines.ncnn_engine import computed, network_of, usable_ncnn
from ...engines.ncnn_layers import Layers
from ...machine.cores import computing_threads
from .builtin_layout import CHANNELS, NORM_EPSILON, SLOPE


class NcnnStripUNet:
    """Logits (z, y, x) of a scan on the 3 mm grid.

    Args:
        arrays: name -> float32 array of the weights.

    Raises:
        KeyError, ValueError: they are of another network. BackendError: ncnn is not usable.
    """

    def __init__(self, arrays):
        self._arrays, threads = arrays, computing_threads()
        levels = len(CHANNELS)
        names = [f"encoder.{i}.{j}" for i in range(levels) for j in (0, 3)]
        names += [f"decoder.{i}.{j}" for i in range(levels - 1) for j in (0, 3)]
        self._convolutions = {name: _convolution(arrays[f"{name}.weight"], threads) for name in names}
        self._head = arrays["head.weight"].reshape(-1), arrays["head.bias"]

    def __call__(self, values):
        """values: float32 (z, y, x), sizes divisible by ``SIZE_MULTIPLE``."""
        volume, skips = _padded(values[:, None]), []
        for level in range(len(CHANNELS)):
            volume = self._block(volume if level == 0 else _halved(volume), f"encoder.{level}")
            skips.append(volume)
        skips.pop()
        for level in range(len(CHANNELS) - 1):
            volume = self._block(_joined(volume, skips.pop()), f"decoder.{level}")
        weight, bias = self._head
        return np.einsum("zcyx,c->zyx", volume[1:-1], weight, optimize=True) + bias

    def _block(self, volume, name):
        for number in (0, 3):
            volume = self._convolved(volume, f"{name}.{number}")
            _normalise(volume[1:-1], self._arrays[f"{name}.{number + 1}.weight"],
                       self._arrays[f"{name}.{number + 1}.bias"])  # fmt: skip
        return volume

    def _convolved(self, volume, name):
        ncnn, (count, channels, height, width) = usable_ncnn(), volume.shape
        outputs = len(self._arrays[f"{name}.weight"])
        result = np.zeros((count, outputs, height, width), np.float32)
        for z in range(1, count - 1):
            three = volume[z - 1 : z + 2].reshape(3 * channels, height, width)
            blob = computed(self._convolutions[name], {"slices": ncnn.Mat(three)}, "made", packed=False)
            result[z] = np.asarray(blob)
        return result


def _convolution(weight, threads):
    """A network of one 2-D convolution over three slices' channels, from (out, in, 3, 3, 3)."""
    graph = Layers()
    outputs = len(weight)
    flat = weight.transpose(0, 2, 1, 3, 4).reshape(outputs, -1, 3, 3)
    graph.rename(graph.convolution(graph.input("slices"), flat, np.zeros(outputs)), "made")
    return network_of(*graph.written(), threads)


def _padded(inner):
    return np.pad(inner, ((1, 1), (0, 0), (0, 0), (0, 0)))


def _halved(volume):
    """The maximum over 2 x 2 x 2 voxels."""
    inner = volume[1:-1]
    inner = np.maximum(inner[0::2], inner[1::2])
    inner = np.maximum(inner[:, :, 0::2], inner[:, :, 1::2])
    return _padded(np.maximum(inner[..., 0::2], inner[..., 1::2]))


def _joined(coarse, skip):
    """The coarse volume, each voxel repeated 2 x 2 x 2 times, before the channels of the skip."""
    result = np.zeros((len(skip), coarse.shape[1] + skip.shape[1], *skip.shape[2:]), np.float32)
    result[1:-1, : coarse.shape[1]] = coarse[1:-1].repeat(2, 0).repeat(2, 2).repeat(2, 3)
    result[1:-1, coarse.shape[1] :] = skip[1:-1]
    return result


def _normalise(inner, weight, bias):
    """Instance normalisation with weight and bias, and the leaky rectifier; in place."""
    axes = (0, 2, 3)
    mean = inner.mean(axes, keepdims=True)
    inner -= mean
    variance = np.square(inner).mean(axes, keepdims=True)
    inner *= weight.reshape(1, -1, 1, 1) / np.sqrt(variance + NORM_EPSILON)
    inner += bias.reshape(1, -1, 1, 1)
    np.maximum(inner, SLOPE * inner, out=inner)
