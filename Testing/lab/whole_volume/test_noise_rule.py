"""What a network adds to noise."""

import numpy as np
import pytest
import torch

from CHARMSSRLab.whole_volume.noise import LIMIT, add_rician, noise_amplification, noise_on_stack
from CHARMSSRLib import CHARMS, load_checkpoint

CARD = {"intensity": {"kind": "percentile", "upper": 99.9}, "margin": 4}
SHAPE = (2, 48, 40)


class Sharpener(CHARMS):
    """Adds a share of its input (nearest neighbours), less the mean, to the interpolation."""

    def __init__(self, share):
        super().__init__(2, blocks=1, units=1)
        self.share = share

    def for_inference(self):
        return self

    def forward(self, x):
        bicubic = torch.nn.functional.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
        return bicubic + self.share * torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


@pytest.mark.parametrize("sigma, signal", [(None, 0.0), (0.02, 0.0), (0.02, 0.5)])
def test_interpolation_adds_nothing(sigma, signal):
    figures = noise_amplification(CHARMS(2, blocks=1, units=1).eval(), CARD, sigma, signal, SHAPE)
    assert figures["added_sd"] < 1e-6 < LIMIT * figures["noise_sd"]
    assert figures["gain"] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("sigma, signal", [(None, 0.0), (0.02, 0.0), (0.02, 0.5)])
def test_a_network_that_repeats_a_third_of_the_noise_is_found_out(sigma, signal):
    figures = noise_amplification(Sharpener(1 / 3).eval(), CARD, sigma, signal, SHAPE)
    assert figures["ratio"] == pytest.approx(1 / 3, rel=0.02)
    assert figures["ratio"] > LIMIT
    assert figures["gain"] > 1.2


def test_a_network_that_takes_noise_away_has_a_gain_below_one():
    figures = noise_amplification(Sharpener(-0.5).eval(), CARD, 0.02, 0.5, SHAPE)
    assert figures["gain"] < 0.8


def test_the_noise_is_rayleigh_where_there_is_no_signal_and_nearly_gaussian_on_one():
    pure = noise_amplification(CHARMS(2, blocks=1, units=1).eval(), CARD, 0.05, 0.0, SHAPE)
    assert pure["noise_sd"] == pytest.approx(0.05 * np.sqrt(2 - np.pi / 2), rel=0.05)
    even = noise_amplification(CHARMS(2, blocks=1, units=1).eval(), CARD, 0.05, 0.5, SHAPE)
    assert even["noise_sd"] == pytest.approx(0.05, rel=0.05)


def test_on_anatomy_only_the_noise_counts():
    rng = np.random.default_rng(0)
    stack = 100 + 50 * rng.random((6, 64, 64)).astype(np.float32)
    mask = np.zeros(stack.shape, bool)
    mask[:, 8:-8, 8:-8] = True
    figures = noise_on_stack(Sharpener(0.25).eval(), CARD, np.where(mask, stack, 0), mask, 0.02, count=2)
    assert figures["ratio"] == pytest.approx(0.25, rel=0.02)


def test_the_same_seed_gives_the_same_noise():
    values = np.ones((2, 8, 8))
    assert np.array_equal(add_rician(values, 0.1, 3), add_rician(values, 0.1, 3))
    assert not np.array_equal(add_rician(values, 0.1, 3), add_rician(values, 0.1, 4))


def test_a_signal_needs_a_sigma():
    with pytest.raises(ValueError, match="sigma"):
        noise_amplification(CHARMS(2, blocks=1, units=1).eval(), CARD, signal=0.5)


@pytest.mark.parametrize("name", ["charms-x2-clinical", "charms-x4-clinical"])
def test_the_bundled_weights_for_routine_scans_hold_the_rule(name):
    checkpoint = load_checkpoint(name)
    figures = noise_amplification(checkpoint.network, checkpoint.card)
    assert figures["ratio"] <= LIMIT
    assert figures["ratio"] == pytest.approx(checkpoint.card["evaluation"]["noise"][0]["ratio"], rel=0.02)
