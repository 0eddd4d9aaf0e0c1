"""A frozen convolution with its activation, and the addition of another image, in one pass over memory."""

import torch
import torch.nn.functional as F
from torch import nn

_ACTIVATIONS = {"none": lambda image: image, "relu": torch.relu_, "sigmoid": torch.sigmoid_}


class FusedConvolution(nn.Module):
    """activation(conv(x)), or conv(x) + other, stride 1; channels-last, no gradients.

    On a CPU oneDNN does all of it in one call. Elsewhere, and where this PyTorch lacks the call, a
    1x1 convolution is a matrix product on the channels-last rows, and the rest happens in place.

    Shape: (N, C_in, H, W) -> (N, C_out, H, W).

    Args:
        weight: (C_out, C_in / groups, k, k). bias: (C_out,).
        padding, dilation, groups: as nn.Conv2d's; padding and dilation one number for both axes.
        activation: "none", "relu" or "sigmoid".
    """

    def __init__(self, weight, bias, padding=0, dilation=1, groups=1, activation="none"):
        super().__init__()
        weight = weight.detach().clone().contiguous(memory_format=torch.channels_last)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = nn.Parameter(bias.detach().clone(), requires_grad=False)
        self.padding, self.dilation, self.groups, self.activation = padding, dilation, groups, activation

    @classmethod
    def of(cls, layer, activation="none"):
        """The fused form of an nn.Conv2d."""
        return cls(layer.weight, layer.bias, layer.padding[0], layer.dilation[0], layer.groups, activation)

    def forward(self, image):
        if _in_one_call(image):
            return torch.ops.mkldnn._convolution_pointwise(
                image, self.weight, self.bias, *self._geometry(), self.activation, [], ""
            )
        return _ACTIVATIONS[self.activation](self._plain(image))

    def plus(self, image, other):
        """conv(image) + other, a new tensor; the activation has no part in it."""
        if _in_one_call(image):
            return torch.ops.mkldnn._convolution_pointwise.binary(
                image, other, self.weight, self.bias, *self._geometry(), "add", None, None, [], None
            )
        return self._plain(image).add_(other)

    def _geometry(self):
        return [self.padding] * 2, [1, 1], [self.dilation] * 2, self.groups

    def _plain(self, image):
        if self.groups == 1 and self.weight.shape[-1] == 1:
            return as_image(F.linear(as_rows(image), self.weight[:, :, 0, 0], self.bias))
        return F.conv2d(image, self.weight, self.bias, 1, self.padding, self.dilation, self.groups)


def as_rows(image):
    """(N, C, H, W) channels-last -> (N, H, W, C), a view."""
    return image.permute(0, 2, 3, 1)


def as_image(rows):
    """(N, H, W, C) -> (N, C, H, W) channels-last, a view."""
    return rows.permute(0, 3, 1, 2)


def _in_one_call(image):
    if image.device.type != "cpu" or not _HAS_CALL or not torch.backends.mkldnn.is_available():
        return False
    return image.dtype == torch.float32 or (image.dtype == torch.bfloat16 and _HAS_BFLOAT16)


def _has_bfloat16():
    """Whether oneDNN convolves in bfloat16 here; a private function of PyTorch, which another version may lack."""
    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):
        return False


def _has_call():
    """Tried once: PyTorch's private call may change its arguments with a version."""
    image, weight, bias = torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 1), torch.zeros(1)
    arguments = (weight, bias, [0, 0], [1, 1], [1, 1], 1)
    try:
        calls = torch.ops.mkldnn
        one = calls._convolution_pointwise(image, *arguments, "relu", [], "")
        two = calls._convolution_pointwise.binary(image, image, *arguments, "add", None, None, [], None)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.equal(one, image) and torch.equal(two, 2 * image)


_HAS_CALL, _HAS_BFLOAT16 = _has_call(), _has_bfloat16()
