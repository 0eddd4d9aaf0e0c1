"""Two terms of the loss: what weak noise becomes among the anatomy, and what edges lack in slope."""

import numpy as np
import pytest
import torch

from CHARMSSRLab.training.degradations import kspace_rician
from CHARMSSRLab.training.steadiness import growth_of_noise, missing_slope, probed
from CHARMSSRLib.grids.resize import bicubic_downsample, bicubic_upsample


@pytest.fixture
def pair():
    """(coarse, fine) of four slices with edges."""
    torch.manual_seed(2)
    fine = torch.nn.functional.interpolate(torch.rand(4, 1, 8, 8), scale_factor=8, mode="bilinear")
    return bicubic_downsample(fine, 2), fine


def test_noise_grows_by_one_in_interpolation_and_by_what_a_network_makes_of_it(pair):
    lr, hr = pair
    both = torch.cat([lr, probed(lr, (5, 1))])
    interpolated = bicubic_upsample(both, 2)
    assert float(growth_of_noise(interpolated, both, hr)) == pytest.approx(1, abs=0.01)
    assert float(growth_of_noise(1.4 * interpolated, both, hr)) == pytest.approx(1.4, abs=0.02)
    assert float(growth_of_noise(0 * interpolated, both, hr)) < 0.05


def test_noise_counts_where_there_is_anatomy_only(pair):
    lr, hr = pair
    hr = hr.clone()
    hr[..., 32:] = 0.5  # even tissue
    both = torch.cat([lr, probed(lr, (5, 2))])
    output = bicubic_upsample(both, 2)
    calm = output.clone()
    calm[4:, ..., 34:] = calm[:2, ..., 34:]  # nothing is left of the noise there
    assert float(growth_of_noise(calm, both, hr)) > 0.97


def test_the_noisy_copies_depend_on_the_key_alone(pair):
    lr, _ = pair
    assert torch.equal(probed(lr, (1, 7, 0)), probed(lr, (1, 7, 0)))
    assert not torch.equal(probed(lr, (1, 7, 0)), probed(lr, (1, 8, 0)))
    assert probed(lr, (1,)).shape == (2, *lr.shape[1:]) and probed(lr[:1], (1,)).shape[0] == 1


def test_blurred_edges_lack_slope_and_sharper_ones_lack_none(pair):
    _, hr = pair
    mean = hr.mean((2, 3), keepdim=True)
    assert float(missing_slope(hr, hr)) == pytest.approx(0, abs=1e-5)
    assert float(missing_slope(mean + 0.8 * (hr - mean), hr)) == pytest.approx(0.2, abs=1e-3)
    assert float(missing_slope(mean + 1.3 * (hr - mean), hr)) == 0


@pytest.mark.parametrize("apodised", [False, True])
def test_noise_from_k_space_lies_in_what_was_measured_and_keeps_its_strength(apodised):
    image = torch.full((1, 1, 64, 48), 10.0)
    generator = torch.Generator().manual_seed(3)
    noise = (kspace_rician(image, 0.5, (0.5, 1.0), apodised, generator) - image)[0, 0].numpy()
    assert noise.std() == pytest.approx(0.5, rel=0.1)
    power = np.abs(np.fft.fft2(noise)) ** 2
    beyond = np.abs(np.fft.fftfreq(64)) > 0.26
    assert power[beyond].sum() < 0.01 * power.sum()
