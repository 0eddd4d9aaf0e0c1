"""ncnn's layers in the terms of the network: convolutions, products, gates. Blobs are (C, H, W)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .ncnn_graph import Graph

_ACTIVATIONS = {"none": 0, "relu": 1, "sigmoid": 4}
_BINARY = {"add": 0, "multiply": 2, "divide": 3, "maximum": 4}
_UNARY = {"square": 4, "sqrt": 5}
# Bits of the parameter that switches off ways to compute one layer.
_NO_IM2COL, _NO_WINOGRAD = 1 << 5, 1 << 6
_AS_GIVEN = -233  # "from the second blob"


class Layers(Graph):
    """A graph with a method for each layer that the networks here are made of."""

    def convolution(
        self,
        blob: str,
        weight: np.ndarray,
        bias: np.ndarray | None,
        activation: str = "none",
        dilation: int = 1,
        direct: bool = False,
    ) -> str:
        """Stride 1, zero "same" padding.

        Args:
            blob: name of the input.
            weight: (C_out, C_in, k, k), or (C_out, C_in) for k = 1.
            bias: (C_out,).
            activation: what follows, a key of ``_ACTIVATIONS``, or "none".
            dilation: of the kernel.
            direct: without transforms: for few output channels, which those are not worth for.
        """
        size = weight.shape[-1] if weight.ndim == 4 else 1
        parameters = {0: len(weight), 1: size, 2: dilation, 4: dilation * (size // 2), 5: 1, 6: weight.size}
        if activation != "none":
            parameters[9] = _ACTIVATIONS[activation]
        if direct:
            parameters[31] = _NO_IM2COL | _NO_WINOGRAD
        return self.add("Convolution", blob, parameters, [(weight, True), (bias, False)])

    def depthwise(self, blob: str, weight: np.ndarray, bias: np.ndarray, dilation: int = 1) -> str:
        """The same with a filter for each channel; weight (C, 1, 3, 3)."""
        channels, size = len(weight), weight.shape[-1]
        parameters = {0: channels, 1: size, 2: dilation, 4: dilation * (size // 2), 5: 1, 6: weight.size, 7: channels}
        return self.add("ConvolutionDepthWise", blob, parameters, [(weight, True), (bias, False)])

    def combine(self, operation: str, first: str, second: str) -> str:
        """Two blobs element by element; an axis of one element is repeated."""
        return self.add("BinaryOp", [first, second], {0: _BINARY[operation]})

    def combine_with(self, operation: str, blob: str, number: float) -> str:
        """A blob and a number."""
        return self.add("BinaryOp", blob, {0: _BINARY[operation], 1: 1, 2: float(number)})

    def apply(self, function: str, blob: str) -> str:
        """A function of each element: "square" or "sqrt"."""
        return self.add("UnaryOp", blob, {0: _UNARY[function]})

    def gelu(self, blob: str) -> str:
        """The exact GELU of each element."""
        return self.add("GELU", blob)

    def softmax_of_rows(self, blob: str) -> str:
        """Of each row of a matrix."""
        return self.add("Softmax", blob, {0: 1, 1: 1})

    def constant(self, array: np.ndarray) -> str:
        """A blob that never changes, of the array's shape: one to three axes."""
        return self.add("MemoryData", [], dict(zip((0, 1, 2), array.shape[::-1])), [(array, False)])

    def maximum_pool(
        self, blob: str, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
    ) -> str:
        """Maximum over windows; (rows, columns) each. Padding counts as smaller than anything."""
        rows, columns = zip(kernel, stride, padding)
        numbers = dict(zip((1, 2, 3), columns)), dict(zip((11, 12, 13), rows))
        return self.add("Pooling", blob, {0: 0, 5: 1, **numbers[0], **numbers[1]})

    def average(self, blob: str) -> str:
        """The mean over all pixels: (C, H, W) -> (C,)."""
        return self.add("Pooling", blob, {0: 1, 4: 1})

    def resized_like(self, blob: str, reference: str) -> str:
        """Bilinear, edges aligned, to the rows and columns of another blob."""
        return self.add("Interp", [blob, reference], {0: 2, 5: 1, 6: 0})

    def pixel_shuffle(self, blob: str, factor: int = 2) -> str:
        """(C f f, H, W) -> (C, f H, f W), channels in torch's order."""
        return self.add("PixelShuffle", blob, {0: factor, 1: 0})

    def split_channels(self, blob: str, sizes: Sequence[int]) -> list[str]:
        """Parts of so many channels each."""
        return self.add("Slice", blob, {0: list(sizes), 1: 0}, outputs=len(sizes))

    def cropped(self, blob: str, place: str) -> str:
        """A part of (C, H, W); ``place`` is a blob of six int32: first column, row, channel, and the counts."""
        return self.add("Crop", [blob, place], {0: _AS_GIVEN})

    def as_image(self, blob: str, channels: int) -> str:
        """(C,) -> (C, 1, 1)."""
        return self.add("Reshape", blob, {0: 1, 1: 1, 2: channels})

    def as_matrix(self, blob: str, rows: int, columns: int) -> str:
        """(rows * columns,) -> (rows, columns)."""
        return self.add("Reshape", blob, {0: columns, 1: rows})

    def rows_joined(self, blob: str, channels: int) -> str:
        """(C, H, W) -> (C, 1, H W), a view."""
        return self.add("Reshape", blob, {0: -1, 1: 1, 2: channels})

    def shaped_like(self, blob: str, reference: str) -> str:
        """The elements of a blob with another's channels, rows and columns, a view."""
        return self.add("Reshape", [blob, reference], {6: '"1w,1h,1c"'})

    def product(
        self,
        first: str | np.ndarray,
        second: str,
        transposed: bool = False,
        plus: str | None = None,
        stacked: bool = False,
    ) -> str:
        """first @ second + plus.

        Args:
            first: a blob, or an array that never changes. Matrices, or (rows, 1, columns).
            second: a blob.
            transposed: whether ``second`` is.
            plus: a column, (rows, 1), or None.
            stacked: give (rows, 1, columns) instead of a matrix.
        """
        parameters, blobs = {3: int(transposed), 11: int(stacked)}, [second]
        weights: list[tuple] = []
        if isinstance(first, np.ndarray):
            parameters.update({4: 1, 7: first.shape[0], 9: first.shape[1]})
            weights = [(first, True)]
        else:
            blobs.insert(0, first)
        if plus is None:
            parameters.update({6: 1, 10: -1})
        else:
            blobs.append(plus)
        return self.add("Gemm", blobs, parameters, weights)
