"""A convolution to one channel as a product and shifted sums equals the convolution."""

import pytest
import torch

from CHARMSSRLib.network.inference.narrow_convolution import NarrowConvolution


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (2, 1), (7, 10)], ids=str)
@pytest.mark.parametrize("batch", [1, 3])
def test_it_is_the_convolution_with_zero_padding(size, batch):
    torch.manual_seed(1)
    layer = torch.nn.Conv2d(64, 1, 3, padding=1).requires_grad_(False)
    image = torch.randn(batch, 64, *size).contiguous(memory_format=torch.channels_last)
    given = image.clone()
    result = NarrowConvolution.of(layer)(image)
    assert result.shape == (batch, 1, *size)
    torch.testing.assert_close(result, layer(image), atol=2e-6, rtol=1e-5)
    assert torch.equal(image, given)


def test_other_precisions_take_the_convolution_itself():
    torch.manual_seed(1)
    layer = torch.nn.Conv2d(64, 1, 3, padding=1).requires_grad_(False)
    image = torch.randn(1, 64, 9, 8).contiguous(memory_format=torch.channels_last)
    result = NarrowConvolution.of(layer).to(torch.bfloat16)(image.to(torch.bfloat16))
    assert result.dtype == torch.bfloat16
    torch.testing.assert_close(result.float(), layer(image), atol=0.03, rtol=0.02)
