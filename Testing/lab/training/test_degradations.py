"""Degradations keep voxel edges aligned, are reproducible, and refuse what they cannot do."""

import math

import pytest
import torch

from CHARMSSRLab.training.degradation_list import DEGRADATIONS
from CHARMSSRLab.training.degradations import (
    FUNCTIONS,
    bias_field,
    coloured_rician,
    degrade,
    degrade_in_parts,
    gaussian_downsample,
    rician,
)
from CHARMSSRLib.errors import SettingsError
from CHARMSSRLib.grids.resize import bicubic_downsample, fourier_resize, kspace_truncate


def wave(n, period=16.0, size=96):
    """A band-limited pattern sampled on n voxels that share one field of view."""
    x = (torch.arange(n, dtype=torch.float64) + 0.5) * size / n
    return torch.cos(2 * math.pi * x / period)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("operator", [bicubic_downsample, kspace_truncate, "gaussian"])
def test_voxel_edges_stay_aligned(operator, scale):
    hr = (wave(96, 48)[:, None] * wave(96, 48)[None, :])[None, None].float()
    if operator == "gaussian":
        lr = gaussian_downsample(hr, scale, fwhm=float(scale))
    else:
        lr = operator(hr, scale)
    expected = wave(96 // scale, 48)[:, None] * wave(96 // scale, 48)[None, :]
    inner = slice(4, -4)
    # A shift of half an HR voxel would show as a phase error: compare positions of the pattern.
    pair = torch.stack([lr[0, 0, inner, inner].flatten(), expected[inner, inner].flatten().float()])
    assert torch.corrcoef(pair)[0, 1] > 0.9999


@pytest.mark.parametrize("n, size", [(96, 48), (96, 47), (95, 48), (95, 47), (48, 96), (47, 96), (50, 81)])
def test_fourier_resizing_is_exact_on_band_limited_patterns(n, size):
    assert torch.allclose(fourier_resize(wave(n), size, 0), wave(size), atol=1e-9)


def test_fourier_resizing_there_and_back_changes_nothing_in_the_band():
    signal = fourier_resize(torch.rand(40, dtype=torch.float64), 31, 0)
    assert torch.allclose(fourier_resize(fourier_resize(signal, 64, 0), 31, 0), signal, atol=1e-9)


def test_the_nyquist_line_is_split_between_both_signs():
    comb = torch.tensor([1.0, -1.0] * 8, dtype=torch.float64)
    fine = fourier_resize(comb, 64, 0)
    assert fine.abs().max() <= 1 + 1e-9
    assert torch.allclose(fine, -fine.flip(0), atol=1e-9), "an odd pattern must stay odd about the field's centre"


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_a_seed_gives_the_same_slice_again_and_another_seed_may_not(kind):
    hr = torch.rand(2, 1, 32, 24)
    one, again, other = (degrade(hr, 2, kind, torch.Generator().manual_seed(s)) for s in (5, 5, 6))
    assert one.shape == (2, 1, 16, 12)
    assert torch.equal(one, again)
    assert torch.equal(one, other) != DEGRADATIONS[kind].noisy


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_the_mean_intensity_stays(kind):
    hr = torch.rand(1, 1, 64, 64) * 0.2 + 0.5
    mean = degrade(hr, 2, kind, torch.Generator().manual_seed(0)).mean().item()
    assert mean == pytest.approx(hr.mean().item(), abs=0.01)


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_the_clean_part_is_the_operator_without_noise(kind):
    # Of this seed the clinical draw has noise; a third of the seeds has none.
    hr = torch.rand(1, 1, 64, 64) * 0.2 + 0.5
    lr, clean = degrade_in_parts(hr, 2, kind, torch.Generator().manual_seed(5))
    assert torch.equal(lr, degrade(hr, 2, kind, torch.Generator().manual_seed(5)))
    if not DEGRADATIONS[kind].noisy:
        assert torch.equal(lr, clean)
    else:
        # White noise has no share in the mean and jumps from voxel to voxel; the anatomy's part does neither.
        noise = lr - clean
        assert abs(noise.mean()) < 0.003
        assert 0.002 < noise.std() < 0.03


@pytest.mark.parametrize("fwhm", [0.0, 2.0, 3.0])
def test_coloured_noise_has_the_asked_strength_and_smoothness(fwhm):
    image = torch.full((1, 1, 256, 256), 10.0)  # so bright that Rician noise is Gaussian
    noise = coloured_rician(image, 0.5, fwhm, torch.Generator().manual_seed(0))[0, 0] - image[0, 0]
    inner = noise[8:-8, 8:-8]
    assert inner.std().item() == pytest.approx(0.5, rel=0.03)
    neighbours = torch.corrcoef(torch.stack([inner[:, 1:].flatten(), inner[:, :-1].flatten()]))[0, 1].item()
    # The autocorrelation of Gaussian-smoothed noise at one voxel: exp(-1 / (4 sigma^2)).
    expected = 0.0 if fwhm == 0 else math.exp(-((2.3548 / fwhm) ** 2) / 4)
    assert neighbours == pytest.approx(expected, abs=0.03)


def test_rician_noise_has_its_bias_on_an_empty_image():
    sigma = 0.1
    noisy = rician(torch.zeros(1, 1, 200, 200), sigma, torch.Generator().manual_seed(0))
    assert noisy.mean().item() == pytest.approx(sigma * math.sqrt(math.pi / 2), rel=0.02)
    assert noisy.min() >= 0


def test_the_bias_field_is_smooth_around_one():
    field = bias_field((40, 50), 0.1, torch.Generator().manual_seed(1))
    assert field.shape == (40, 50)
    assert (field - 1).abs().max().item() == pytest.approx(0.1, rel=1e-3)
    assert field.diff(dim=0).abs().max() < 0.03


def test_a_size_that_the_scale_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="crop"):
        degrade(torch.rand(1, 1, 9, 8), 2, "bicubic")
    with pytest.raises(SettingsError, match="Unknown degradation"):
        degrade(torch.rand(1, 1, 8, 8), 2, "jpeg")
