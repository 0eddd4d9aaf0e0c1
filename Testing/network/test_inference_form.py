"""The folded inference form equals the training form."""

import pytest
import torch

from CHARMSSRLib import CHARMS

VARIANTS = [
    {},
    {"scale": 4},
    {"channel_shuffle": False},
    {"pixel_channel_attention": False},
    {"transformer": False},
    {"refinement": False},
    {"in_channels": 3},
    {"blocks": 2, "units": 2, "transformers": 2},
]


def trained_looking(arguments):
    """A network whose every part has weights that matter."""
    torch.manual_seed(3)
    network = CHARMS(**arguments).eval()
    torch.nn.init.normal_(network.tail.weight, std=0.05)
    for layer in network.transformer:
        torch.nn.init.normal_(layer.mddta.temperature, 1, 2)
        torch.nn.init.normal_(layer.norm1.weight, 1, 0.2)
    return network


@pytest.mark.parametrize("arguments", VARIANTS, ids=str)
def test_the_inference_form_equals_the_network(arguments):
    network = trained_looking(arguments)
    folded = network.for_inference()
    for size in [(1, 1), (1, 9), (7, 5), (33, 40)]:
        slices = torch.rand(2, arguments.get("in_channels", 1), *size)
        with torch.no_grad():
            assert (folded(slices) - network(slices)).abs().max() < 1e-5, size


def test_the_inference_form_is_frozen_and_leaves_the_network_as_it_was():
    network = trained_looking({})
    before = {name: value.clone() for name, value in network.state_dict().items()}
    folded = network.for_inference()
    assert not any(parameter.requires_grad for parameter in folded.parameters())
    slices = torch.rand(1, 1, 9, 9)
    given = slices.clone()
    folded(slices)
    assert torch.equal(slices, given), "the input was changed in place"
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_the_untrained_inference_form_is_bicubic_interpolation():
    slices = torch.rand(1, 1, 10, 11)
    expected = torch.nn.functional.interpolate(slices, scale_factor=2.0, mode="bicubic")
    assert torch.equal(CHARMS().for_inference()(slices), expected)


def test_in_half_precision_the_interpolated_slice_stays_as_it_is():
    network = CHARMS(blocks=1, units=1)  # untrained: nothing but the interpolation
    slices = torch.rand(1, 1, 20, 24)
    expected = torch.nn.functional.interpolate(slices, scale_factor=2.0, mode="bicubic")
    output = network.for_inference().to(torch.bfloat16)(slices)
    assert output.dtype == torch.float32 and torch.equal(output, expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_channels_last_from_the_head_on(channels):
    form = CHARMS(blocks=1, units=1, in_channels=channels).for_inference()
    seen = []
    form.head.register_forward_hook(lambda module, given, result: seen.append(result.stride()))
    form(torch.rand(2, channels, 6, 5))
    assert seen == [(64 * 30, 1, 64 * 5, 64)]
