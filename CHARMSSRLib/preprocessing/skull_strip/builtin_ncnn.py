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

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._arrays, threads = arrays, computing_threads()
        levels = len(CHANNELS)
        names = [f"encoder.{i}.{j}" for i in range(levels) for j in (0, 3)]
        names += [f"decoder.{i}.{j}" for i in range(levels - 1) for j in (0, 3)]
        self._convolutions = {name: _convolution(arrays[f"{name}.weight"], threads) for name in names}
        self._pool = usable_ncnn().PoolAllocator()  # one for all: each network's own would keep its images
        self._head = arrays["head.weight"].reshape(-1), arrays["head.bias"]

    def __call__(self, values):
        """values: float32 (z, y, x), sizes divisible by ``SIZE_MULTIPLE``."""
        volume, skips = _padded(values[:, None]), []
        for level in range(len(CHANNELS)):
            volume = self._block(volume if level == 0 else _halved(volume), f"encoder.{level}")
            skips.append(volume)
        skips.pop()
        for level in range(len(CHANNELS) - 1):
            volume = self._block(_Joined(volume, skips.pop()), f"decoder.{level}")
        weight, bias = self._head
        self._pool.clear()
        return np.stack([np.tensordot(weight, one, 1) for one in volume[1:-1]]) + bias

    def _block(self, volume, name):
        for number in (0, 3):
            volume = self._convolved(volume, f"{name}.{number}")
            _normalise(volume[1:-1], self._arrays[f"{name}.{number + 1}.weight"],
                       self._arrays[f"{name}.{number + 1}.bias"])  # fmt: skip
        return volume

    def _convolved(self, volume, name):
        ncnn, (count, channels, height, width) = usable_ncnn(), volume.shape
        result = np.zeros((count, len(self._arrays[f"{name}.weight"]), height, width), np.float32)
        three = np.zeros((3, channels, height, width), np.float32)
        three[2] = volume[1]
        for z in range(1, count - 1):
            three[:2] = three[1:]
            three[2] = volume[z + 1]
            blob = ncnn.Mat(three.reshape(3 * channels, height, width))
            result[z] = np.asarray(computed(self._convolutions[name], {"slices": blob}, "made", False, self._pool))
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


class _Joined:
    """The coarse volume, each voxel repeated 2 x 2 x 2 times, before the channels of the skip; made slice by slice."""

    def __init__(self, coarse, skip):
        self._coarse, self._skip = coarse, skip
        self.shape = (len(skip), coarse.shape[1] + skip.shape[1], *skip.shape[2:])

    def __getitem__(self, z):
        # The empty slices before and behind are one each on either grid.
        coarse = self._coarse[(z + 1) // 2].repeat(2, 1).repeat(2, 2)
        return np.concatenate([coarse, self._skip[z]])


def _normalise(inner, weight, bias):
    """Instance normalisation with weight and bias, and the leaky rectifier; in place, slice by slice."""
    voxels = inner[:, 0].size
    mean = sum(one.sum((1, 2), dtype=np.float64) for one in inner) / voxels
    inner -= mean.astype(np.float32)[:, None, None]
    variance = sum(np.square(one).sum((1, 2), dtype=np.float64) for one in inner) / voxels
    gain = (weight / np.sqrt(variance + NORM_EPSILON)).astype(np.float32)[:, None, None]
    for one in inner:
        one *= gain
        one += bias[:, None, None]
        np.maximum(one, SLOPE * one, out=one)
