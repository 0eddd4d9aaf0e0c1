"""The dilated depthwise convolution: the same sums in training as in evaluation, and a gradient to be trusted."""

import pytest
import torch
import torch.nn.functional as F

from CHARMSSRLib.network.dilated_depthwise import DilatedDepthwise


def plain(layer, image):
    return F.conv2d(
        image, layer.weight, layer.bias, padding=layer.padding, dilation=layer.dilation, groups=layer.groups
    )


@pytest.mark.parametrize("rate", [1, 2, 3])
@pytest.mark.parametrize("size", [(1, 2), (9, 7), (12, 12)])
def test_output_and_gradients_are_those_of_the_plain_convolution(rate, size):
    torch.manual_seed(0)
    layer = DilatedDepthwise(6, rate).double()
    image = torch.randn(2, 6, *size, dtype=torch.float64, requires_grad=True)
    inputs = [image, layer.weight, layer.bias]
    ours, theirs = layer(image), plain(layer, image)
    assert ours.shape == theirs.shape
    torch.testing.assert_close(ours, theirs)
    for mine, other in zip(*(torch.autograd.grad(out.square().sum(), inputs) for out in (ours, theirs))):
        torch.testing.assert_close(mine, other)


def test_without_gradients_it_is_the_plain_convolution_bit_for_bit():
    layer, image = DilatedDepthwise(6, 2), torch.randn(1, 6, 9, 7)
    with torch.no_grad():
        assert torch.equal(layer(image), plain(layer, image))


@pytest.mark.parametrize("rate", [2, 3])
def test_gradients_in_bfloat16_do_not_depend_on_what_was_in_memory(rate):
    """PyTorch's own gradient of the weights held left-over memory in every third to tenth call."""
    torch.manual_seed(0)
    layer = DilatedDepthwise(192, rate)
    image = torch.randn(4, 192, 32, 32).contiguous(memory_format=torch.channels_last)
    first = None
    for _ in range(20):
        left_over = [torch.full((size,), 1e30) for size in (64 * 9, 192 * 9, 4096, 10_000, 300_000, 1_000_000)]
        del left_over
        layer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            layer(image).float().square().mean().backward()
        first = layer.weight.grad if first is None else first
        torch.testing.assert_close(layer.weight.grad, first)
