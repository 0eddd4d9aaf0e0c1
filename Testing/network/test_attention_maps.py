"""Attention maps on request, and the properties of L_AR."""

import pytest
import torch

from CHARMSSRLib import CHARMS
from CHARMSSRLib.learning.losses import attention_regularisation, focus, redundancy
from CHARMSSRLib.network.attention_maps import attention_maps, collect_attention, record_attention


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = CHARMS()
    torch.nn.init.normal_(network.tail.weight, std=0.05)
    return network


def test_the_maps_come_on_request_with_their_sizes(network):
    output, maps = attention_maps(network, torch.rand(2, 1, 24, 31))
    assert output.shape == (2, 1, 48, 62)
    assert [len(block) for block in maps.esa] == [4, 4, 4, 4]
    assert maps.esa[0][0].shape == (2, 64, 8, 11)
    assert [one.shape for one in maps.pca] == [(2, 64, 24, 31)] * 4
    assert [one.shape for one in maps.transformer] == [(2, 12, 24, 31)]


def test_recording_changes_no_value_and_keeps_nothing_afterwards(network):
    slices = torch.rand(1, 1, 16, 16)
    plain = network(slices)
    recorded, _ = attention_maps(network, slices)
    assert torch.equal(plain, recorded)
    network(slices)
    assert all(unit.esa.tap.recorded is None for block in network.backbone for unit in block.units)


def test_a_flat_map_has_focus_one_and_a_single_pixel_one_over_n():
    flat, peak = torch.ones(5, 6), torch.zeros(5, 6)
    peak[2, 3] = 7
    assert focus(flat) == pytest.approx(1)
    assert focus(peak) == pytest.approx(1 / 30)


@pytest.mark.parametrize("factor", [1e-5, 1e-2, 1e3])
def test_the_measures_do_not_depend_on_the_scale_of_a_map(factor):
    maps = torch.rand(1, 5, 12, 12)
    scaled = maps.clone()
    scaled[:, 2] *= factor
    assert torch.allclose(focus(scaled), focus(maps), rtol=1e-4)
    assert torch.allclose(redundancy(scaled), redundancy(maps), rtol=1e-3)


def test_equal_maps_are_redundant_and_opposite_ones_are_not():
    one = torch.rand(1, 1, 10, 10)
    assert redundancy(torch.cat([one, one], 1)).item() == pytest.approx(1, abs=0.01)
    assert redundancy(torch.cat([one, 1 - one], 1)).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("transformer", [True, False])
@pytest.mark.parametrize("kind", ["random", "empty", "constant", "mostly empty"])
def test_l_ar_is_bounded_with_finite_gradients_everywhere(kind, transformer):
    torch.manual_seed(1)
    network = CHARMS(transformer=transformer)
    slices = {
        "random": torch.rand(1, 1, 20, 20),
        "empty": torch.zeros(1, 1, 20, 20),
        "constant": torch.full((1, 1, 20, 20), 0.5),
        "mostly empty": torch.nn.functional.pad(torch.rand(1, 1, 3, 3), (17, 0, 17, 0)),
    }[kind]
    with record_attention(network):
        network(slices)
        value = attention_regularisation(collect_attention(network))
    assert 0 < value.item() <= 1
    value.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


def test_a_sigmoid_that_closed_over_a_slice_keeps_the_gradient_finite():
    logits = torch.full((1, 2, 8, 8), -90.0, requires_grad=True)
    value = focus(logits.sigmoid()).mean() + redundancy(logits.sigmoid()).mean()
    value.backward()
    assert value.isfinite() and logits.grad.isfinite().all()


@pytest.mark.parametrize("rate, steps, share", [(1e-4, 6, 1.0), (1e-3, 25, 0.9)])
def test_descending_l_ar_focuses_the_maps(network, rate, steps, share):
    """At the higher rate the loss first rises, since the gates start almost open."""
    slices = torch.rand(1, 1, 16, 16)
    optimiser = torch.optim.Adam(network.parameters(), rate)
    values = []
    for _ in range(steps):
        with record_attention(network):
            network(slices)
            loss = attention_regularisation(collect_attention(network))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    assert values[-1] < share * values[0]
