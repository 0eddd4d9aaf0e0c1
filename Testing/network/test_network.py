"""The network against its specification: counts, sizes, gradients, start at bicubic."""

import pytest
import torch
import torch.nn.functional as F

from CHARMSSRLab.costs.macs import count_macs
from CHARMSSRLib import CHARMS
from CHARMSSRLib.network.channel_shuffle import ChannelShuffle

RUNGS = ("baseline", "channel_shuffle", "pixel_channel_attention", "transformer", "refinement")
PARAMETERS = {
    2: (1_459_457, 1_492_993, 1_690_625, 1_720_208, 1_739_408),
    4: (1_607_169, 1_640_705, 1_838_337, 1_867_920, 1_887_120),
}


def rung(number, scale):
    """The network of one line of Table 4."""
    return CHARMS(scale, **{name: number >= i for i, name in enumerate(RUNGS) if i})


def awake(**arguments):
    """A CHARMS whose tail is not zero, so that every parameter matters."""
    torch.manual_seed(0)
    network = CHARMS(**arguments)
    torch.nn.init.normal_(network.tail.weight, std=0.05)
    return network


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("number", range(5), ids=RUNGS)
def test_each_rung_of_the_ladder_has_the_parameters_of_table_4(number, scale):
    assert sum(p.numel() for p in rung(number, scale).parameters()) == PARAMETERS[scale][number]


@pytest.mark.parametrize(
    "number, scale, size, gmac",
    [
        (0, 2, 128, 22.56),
        (1, 2, 128, 23.10),
        (2, 2, 128, 26.05),
        (3, 2, 128, 26.61),
        (4, 2, 128, 27.84),
        (4, 4, 64, 10.32),
    ],
)
def test_the_ladder_costs_the_multiply_accumulates_of_its_table(number, scale, size, gmac):
    assert count_macs(rung(number, scale), size, size) / 1e9 == pytest.approx(gmac, rel=0.01)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (17, 31), (48, 48)])
def test_an_untrained_network_is_bicubic_interpolation_bit_for_bit_at_any_size(scale, size):
    slices = torch.rand(2, 1, *size)
    expected = F.interpolate(slices, scale_factor=float(scale), mode="bicubic", align_corners=False)
    with torch.no_grad():
        assert torch.equal(CHARMS(scale)(slices), expected)


@pytest.mark.parametrize("scale", [2, 4])
def test_every_parameter_gets_a_finite_gradient_that_is_not_zero(scale):
    network = awake(scale=scale)
    slices = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(1))
    (network(slices) - torch.rand(1, 1, 48 * scale, 48 * scale)).abs().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_gates_start_almost_open_and_the_transformer_almost_silent():
    torch.manual_seed(0)
    network = CHARMS()
    features = torch.randn(1, 64, 24, 24)
    with torch.no_grad():
        pca, esa = network.backbone[0].pca, network.backbone[0].units[0].esa
        for gate in (esa.attention(features), pca.pixel(pca.conv(features)).sigmoid(), pca.channel(features).sigmoid()):
            assert (gate - 0.953).abs().mean() < 0.05
        for part in (network.transformer[0].mddta, network.transformer[0].gddfn):
            assert 0 < part(features).std() < 0.1
        assert (network.transformer(features) - features).std() < 0.05


def test_neighbouring_slices_are_read_but_the_middle_one_is_enhanced():
    slices = torch.rand(1, 3, 12, 12)
    with torch.no_grad():
        assert torch.equal(CHARMS(in_channels=3)(slices), CHARMS()(slices[:, 1:2]))
        network = awake(in_channels=3)
        other = slices.clone()
        other[:, 0] += 0.5
        assert not torch.equal(network(slices), network(other))


def test_the_shuffle_moves_information_between_the_groups():
    shuffle = ChannelShuffle()
    one, other = torch.zeros(1, 64, 1, 1), torch.zeros(1, 64, 1, 1)
    other[:, 0] = 1
    with torch.no_grad():
        change = (shuffle(other) - shuffle(one)).flatten()
    assert change[32:].abs().max() > 0, "a channel of the first group does not reach the second"


@pytest.mark.parametrize("arguments", [{"scale": 3}, {"in_channels": 2}, {"blocks": 0}, {"units": 0}])
def test_a_network_that_cannot_be_built_is_refused(arguments):
    with pytest.raises(ValueError):
        CHARMS(**arguments)


def test_depth_and_stacking_are_constructor_arguments():
    assert len(CHARMS(blocks=2, units=3).backbone) == 2
    assert len(CHARMS(blocks=2, units=3).backbone[0].units) == 3
    extra = sum(p.numel() for p in CHARMS(transformers=3).parameters()) - 1_739_408
    assert extra == 2 * 29_583
