"""CHARMS in ncnn's layers, written from a checkpoint's weights: the same function as ``network.charms``.

What is folded on the way, each equal up to rounding:

- the channel shuffle (linear) becomes one dense 1x1 with its skip;
- ``fuse`` is a running sum of products, without the 320-channel concatenation;
- a layer norm's weight and bias go into the 1x1 that follows, and its centring is a 1x1 of its own, so that
  channels stay packed; the mean of squares over the channels is a 1x1 to one channel;
- MDDTA's 16 x 16 matrices are the diagonal blocks of one 64 x 64 product of Q and K: what belongs to two heads
  is switched off before the softmax. The lengths of Q and K divide that small matrix instead of the images;
- the output projection, a rate's weight and its attention become one 64 x 64 matrix, applied to V once.
"""

from __future__ import annotations

import numpy as np

from ..checkpoints.architecture import Architecture
from ..errors import CheckpointError
from .ncnn_layers import Layers

CHANNELS, REDUCED = 64, 16
HEADS, RATES = 4, (1, 2, 3)
GROUPS = 2  # of the channel shuffle
NORM_EPSILON = 1e-5
ELSEWHERE = -1e9  # added to what lies outside the heads' own blocks: the softmax makes 0 of it
SHORTEST = 1e-30  # mean square of a channel of Q or K: keeps a quotient from 0/0


class CharmsGraphs:
    """The network in two parts, as a processor runs it, or in one.

    The blobs that are given are "slices" (in_channels, h, w) and, where ``attends``, "per_pixel", the one
    number 1 / (h w). "features" are those before the last doubling.

    Args:
        weights: name -> array of the checkpoint's state dict.
        architecture: of its card.
        name: for messages.

    Attributes:
        attends: whether there is a transformer, which asks for "per_pixel".

    Raises:
        CheckpointError: the weights are not those of the architecture.
    """

    def __init__(
        self, weights: dict[str, np.ndarray], architecture: Architecture, name: str = "the checkpoint"
    ) -> None:
        self._weights, self.architecture, self._name = weights, architecture, name
        self.attends = architecture.transformer_count > 0
        self._used: set[str] = set()
        self.whole()
        if self._used != set(weights):
            raise self._foreign()

    def features(self) -> tuple[str, bytes]:
        """(text, weights) of the part that sees the whole slice: "slices" and "per_pixel" to "features"."""
        graph = Layers()
        graph.rename(self._features(graph), "features")
        return graph.written()

    def detail(self) -> tuple[str, bytes]:
        """(text, weights) of the last doubling and what follows it: "features" to "detail", in a strip.

        "rows" says which strip: six int32, (0, first row, 0, columns, rows, 64) of the features.
        """
        graph = Layers()
        strip = graph.cropped(graph.input("features"), graph.input("rows"))
        graph.rename(self._detail(graph, strip), "detail")
        return graph.written()

    def whole(self) -> tuple[str, bytes]:
        """(text, weights) of everything: "slices" and "per_pixel" to "detail"."""
        graph = Layers()
        graph.rename(self._detail(graph, self._features(graph)), "detail")
        return graph.written()

    # ---- the parts, in the order of CHARMS.forward

    def _features(self, graph):
        shape, slices = self.architecture, graph.input("slices")
        per_pixel = graph.input("per_pixel") if self.attends else None
        shallow = features = self._conv3(graph, slices, "head", (CHANNELS, shape.in_channels))
        stages = [shallow]
        for block in range(shape.blocks):
            features = self._block(graph, features, f"backbone.{block}")
            stages.append(features)
        fused = self._fused(graph, stages)
        for number in range(shape.transformer_count):
            fused = self._transformer(graph, fused, per_pixel, f"transformer.{number}")
        features = graph.combine("add", fused, shallow)
        for stage in range(shape.doublings - 1):
            features = self._doubled(graph, features, stage)
        return features

    def _detail(self, graph, features):
        upsampled = self._doubled(graph, features, self.architecture.doublings - 1)
        if self.architecture.refinement:
            upsampled = self._refined(graph, upsampled)
        weight, bias = self._layer("tail", (1, CHANNELS, 3, 3))
        return graph.convolution(upsampled, weight, bias, direct=True)

    def _fused(self, graph, stages):
        weight, bias = self._layer("fuse", (CHANNELS, len(stages) * CHANNELS, 1, 1))
        total = None
        for stage, part in zip(stages, np.split(weight, len(stages), axis=1)):
            product = graph.convolution(stage, part, bias if total is None else np.zeros_like(bias))
            total = product if total is None else graph.combine("add", total, product)
        return total

    def _block(self, graph, features, name):
        for unit in range(self.architecture.units):
            features = self._unit(graph, features, f"{name}.units.{unit}")
        if self.architecture.channel_shuffle:
            features = graph.convolution(features, *self._folded_shuffle(f"{name}.shuffle"))
        if self.architecture.pixel_channel_attention:
            features = self._pixel_channel_attention(graph, features, f"{name}.pca")
        return features

    def _unit(self, graph, features, name):
        """RLFE with its ESA."""
        y = self._conv3(graph, features, f"{name}.conv1", activation="relu")
        y = self._conv3(graph, y, f"{name}.conv2")
        gate = self._conv1(graph, y, f"{name}.esa.down", (REDUCED, CHANNELS))
        # The maximum over a square: over its rows, then its columns, 14 comparisons instead of 49.
        gate = graph.maximum_pool(gate, (7, 1), (3, 1), (3, 0))
        gate = graph.maximum_pool(gate, (1, 7), (1, 3), (0, 3))
        gate = self._conv3(graph, gate, f"{name}.esa.d1", (REDUCED, REDUCED), "relu")
        gate = self._conv3(graph, gate, f"{name}.esa.d2", (REDUCED, REDUCED), dilation=2)
        gate = self._conv1(graph, gate, f"{name}.esa.up", (CHANNELS, REDUCED), "sigmoid")
        return graph.combine("add", features, graph.combine("multiply", y, graph.resized_like(gate, y)))

    def _folded_shuffle(self, name):
        """The skip, two grouped 1x1 and the permutation between them as one (C, C) matrix and a bias."""
        first, first_bias = self._layer(f"{name}.p1", (2 * CHANNELS, CHANNELS // GROUPS, 1, 1))
        second, second_bias = self._layer(f"{name}.p2", (CHANNELS, 2 * CHANNELS // GROUPS, 1, 1))
        order = np.arange(2 * CHANNELS).reshape(GROUPS, -1).T.ravel()  # what stands where after the shuffle
        first, second = (_dense(one.astype(np.float64)) for one in (first, second))
        return np.eye(CHANNELS) + second @ first[order], second @ first_bias[order] + second_bias

    def _pixel_channel_attention(self, graph, features, name):
        g = self._conv3(graph, features, f"{name}.conv")
        pixels = self._conv1(graph, g, f"{name}.pixel", activation="sigmoid")
        mean = graph.as_image(graph.average(g), CHANNELS)
        channels = self._conv1(graph, mean, f"{name}.channel", activation="sigmoid")
        weight, bias = self._layer(f"{name}.project", (CHANNELS, CHANNELS, 1, 1))
        gated = graph.combine("multiply", g, graph.combine("add", pixels, channels))
        # The attention is the mean of both: the half is taken on the weights of the product that follows.
        return graph.combine("add", features, graph.convolution(gated, weight / 2, bias))

    def _transformer(self, graph, features, per_pixel, name):
        features = graph.combine("add", features, self._mddta(graph, features, per_pixel, name))
        return graph.combine("add", features, self._gddfn(graph, features, name))

    def _mddta(self, graph, features, per_pixel, name):
        weight, bias = self._after_norm(f"{name}.norm1", f"{name}.mddta.qkv", 3 * CHANNELS)
        normalised = self._normalised(graph, features)
        thirds = [slice(i * CHANNELS, (i + 1) * CHANNELS) for i in range(3)]
        tokens = [graph.convolution(normalised, weight[third], bias[third]) for third in thirds]
        project, project_bias = self._layer(f"{name}.mddta.project", (CHANNELS, CHANNELS, 1, 1))
        temperature = self._take(f"{name}.mddta.temperature", (len(RATES), HEADS))
        rate_weights = self._take(f"{name}.mddta.rate_weights", (len(RATES),))
        total = None
        for i, rate in enumerate(RATES):
            filters, offsets = self._layer(f"{name}.mddta.depthwise.{i}", (3 * CHANNELS, 1, 3, 3))
            q, k, v = (
                graph.depthwise(one, filters[third], offsets[third], dilation=rate)
                for one, third in zip(tokens, thirds)
            )
            attention = self._attention(graph, q, k, per_pixel, temperature[i])
            matrix = graph.product(project[:, :, 0, 0] * rate_weights[i], attention)
            bias = graph.constant(project_bias[:, None]) if total is None else None
            response = graph.product(matrix, graph.rows_joined(v, CHANNELS), plus=bias, stacked=True)
            total = response if total is None else graph.combine("add", total, response)
        return graph.shaped_like(total, features)

    def _attention(self, graph, q, k, per_pixel, temperature):
        """The (C, C) matrix of all heads: softmax of temperature * cosine within a head, 0 elsewhere."""
        products = graph.product(graph.rows_joined(q, CHANNELS), graph.rows_joined(k, CHANNELS), transposed=True)
        for blob, rows, columns in ((q, CHANNELS, 1), (k, 1, CHANNELS)):
            square = graph.combine_with("maximum", graph.average(graph.apply("square", blob)), SHORTEST)
            length = graph.as_matrix(graph.apply("sqrt", square), rows, columns)
            products = graph.combine("divide", products, length)
        # The lengths come from means over the pixels, the products are sums: their count is made up for here.
        head = np.repeat(np.arange(HEADS), CHANNELS // HEADS)
        products = graph.combine(
            "multiply", products, graph.combine("multiply", graph.constant(temperature[head][:, None]), per_pixel)
        )
        own = np.where(head[:, None] == head, 0.0, ELSEWHERE)
        return graph.softmax_of_rows(graph.combine("add", products, graph.constant(own)))

    def _gddfn(self, graph, features, name):
        half = CHANNELS // 2
        weight, bias = self._after_norm(f"{name}.norm2", f"{name}.gddfn.expand", CHANNELS)
        expanded = graph.convolution(self._normalised(graph, features), weight, bias)
        filters, offsets = self._layer(f"{name}.gddfn.depthwise", (CHANNELS, 1, 3, 3))
        gate, value = graph.split_channels(graph.depthwise(expanded, filters, offsets, dilation=2), (half, half))
        return self._conv1(graph, graph.combine("multiply", graph.gelu(gate), value), f"{name}.gddfn.project",
                           (CHANNELS, half))  # fmt: skip

    def _normalised(self, graph, features):
        """Each pixel's channels with mean 0 and variance 1; weight and bias are the business of what follows."""
        centring = np.eye(CHANNELS) - 1.0 / CHANNELS
        centred = graph.convolution(features, centring, np.zeros(CHANNELS))
        averaging = np.full((1, CHANNELS), 1.0 / CHANNELS)
        variance = graph.convolution(graph.apply("square", centred), averaging, np.array([NORM_EPSILON]))
        # A square root and a division: ncnn's own 1/sqrt may be the processor's estimate of it, 12 bits on x86.
        return graph.combine("divide", centred, graph.apply("sqrt", variance))

    def _after_norm(self, norm, name, outputs):
        """A 1x1 on a layer norm's output, as one on the normalised channels: (matrix, bias)."""
        gain, offset = self._take(f"{norm}.weight", (CHANNELS,)), self._take(f"{norm}.bias", (CHANNELS,))
        weight, bias = self._layer(name, (outputs, CHANNELS, 1, 1))
        return weight[:, :, 0, 0] * gain, bias + weight[:, :, 0, 0] @ offset

    def _doubled(self, graph, features, stage):
        # The upsampler's other members, at odd numbers, are the pixel shuffles.
        return graph.pixel_shuffle(self._conv3(graph, features, f"upsampler.{2 * stage}", (4 * CHANNELS, CHANNELS)))

    def _refined(self, graph, upsampled):
        """HFIR."""
        gate = upsampled
        for step in range(4):
            filters, offsets = self._layer(f"refinement.steps.{step}.0", (CHANNELS, 1, 3, 3))
            gate = graph.depthwise(gate, filters, offsets)
            gate = self._conv1(graph, gate, f"refinement.steps.{step}.1", activation="sigmoid" if step == 3 else "relu")
        return graph.combine("multiply", upsampled, graph.combine_with("add", gate, 1.0))

    # ---- the weights

    def _conv3(self, graph, blob, name, channels=(CHANNELS, CHANNELS), activation="none", dilation=1):
        return graph.convolution(blob, *self._layer(name, (*channels, 3, 3)), activation, dilation)

    def _conv1(self, graph, blob, name, channels=(CHANNELS, CHANNELS), activation="none"):
        return graph.convolution(blob, *self._layer(name, (*channels, 1, 1)), activation)

    def _layer(self, name, shape):
        return self._take(f"{name}.weight", shape), self._take(f"{name}.bias", shape[:1])

    def _take(self, name, shape):
        self._used.add(name)
        if name not in self._weights or self._weights[name].shape != tuple(shape):
            raise self._foreign()
        return np.asarray(self._weights[name], np.float32)

    def _foreign(self):
        return CheckpointError(
            f"The weights of {self._name} are of another architecture than their card says: get both files again."
        )


def _dense(weight):
    """The (out, in) matrix of a grouped 1x1 convolution's weight (out, in / groups, 1, 1)."""
    outputs, inputs = weight.shape[:2]
    matrix = np.zeros((outputs, GROUPS * inputs), weight.dtype)
    for group, rows in enumerate(np.split(np.arange(outputs), GROUPS)):
        matrix[rows, group * inputs : (group + 1) * inputs] = weight[rows, :, 0, 0]
    return matrix
