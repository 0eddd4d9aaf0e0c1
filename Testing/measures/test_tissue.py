"""Tissue figures on mixtures and heads whose truth is known."""

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from CHARMSSRLib.errors import SettingsError
from CHARMSSRLib.measures import tissue
from Testing.phantom import SIGNALS, phantom_head_and_brain


@pytest.fixture(scope="module", params=["T1w", "T2w"])
def head(request):
    """(image, mask, spacing along z, y, x, contrast) of a phantom head without bias field."""
    image, brain = phantom_head_and_brain(size=(96, 112, 80), spacing=(1.8,) * 3, contrast=request.param, bias=0)
    return sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(brain) > 0, (1.8,) * 3, request.param


def test_the_mixture_finds_the_three_gaussians_that_made_the_sample():
    generator = np.random.default_rng(1)
    parts = [(0.2, 100, 20), (0.45, 400, 40), (0.35, 600, 25)]
    values = np.concatenate([generator.normal(mean, sd, int(share * 60_000)) for share, mean, sd in parts])
    weights, means, deviations = tissue.fit_mixture(values)
    assert weights == pytest.approx([part[0] for part in parts], abs=0.02)
    assert means == pytest.approx([part[1] for part in parts], abs=6)
    assert deviations == pytest.approx([part[2] for part in parts], rel=0.1)


def test_the_mixture_follows_a_change_of_units():
    generator = np.random.default_rng(2)
    values = np.concatenate([generator.normal(mean, 0.04, 20_000) for mean in (0.2, 0.5, 0.8)])
    _, means, deviations = tissue.fit_mixture(values)
    _, scaled_means, scaled_deviations = tissue.fit_mixture(1000 * values)
    assert scaled_means == pytest.approx(1000 * means, rel=1e-6)
    assert scaled_deviations == pytest.approx(1000 * deviations, rel=1e-6)


def test_grey_and_white_matter_have_the_phantoms_signals(head):
    image, mask, spacing, contrast = head
    tissues = tissue.find_tissues(image, mask, spacing, contrast)
    assert np.median(image[tissues.white]) == pytest.approx(SIGNALS[contrast]["white"], rel=0.03)
    assert np.median(image[tissues.grey]) == pytest.approx(SIGNALS[contrast]["grey"], rel=0.08)
    assert not (tissues.grey & tissues.white).any()


def test_regions_stay_inside_the_eroded_mask(head):
    image, mask, spacing, contrast = head
    tissues = tissue.find_tissues(image, mask, spacing, contrast)
    depth = ndimage.distance_transform_edt(mask, sampling=spacing)
    for region in (tissues.grey, tissues.white, tissues.border):
        assert region.sum() > 500
        assert depth[region].min() > tissue.EROSION_MM


def test_noise_lowers_signal_and_contrast_to_noise(head):
    image, mask, spacing, contrast = head
    tissues = tissue.find_tissues(image, mask, spacing, contrast)
    noisy = image + 40 * np.random.default_rng(0).standard_normal(image.shape)
    assert tissue.signal_to_noise(noisy, tissues) < 0.7 * tissue.signal_to_noise(image, tissues)
    assert tissue.contrast_to_noise(noisy, tissues) < 0.7 * tissue.contrast_to_noise(image, tissues)


def test_signal_and_contrast_to_noise_are_the_formulas_of_their_regions():
    image = np.zeros((1, 1, 8))
    image[..., :4] = [8, 12, 8, 12]  # white: mean 10, deviation 2
    image[..., 4:] = 5
    white, grey = image > 5, image == 5
    tissues = tissue.Tissues(grey, white, border=white)
    assert tissue.signal_to_noise(image, tissues) == pytest.approx(5)
    assert tissue.contrast_to_noise(image, tissues) == pytest.approx(2.5)


def test_blur_lowers_edge_sharpness(head):
    image, mask, spacing, contrast = head
    tissues = tissue.find_tissues(image, mask, spacing, contrast)
    blurred = ndimage.gaussian_filter(image, 1.2)
    sharp, dull = (tissue.edge_sharpness(one, image, mask, tissues, spacing) for one in (image, blurred))
    assert dull < 0.8 * sharp


def test_edge_sharpness_of_a_ramp_is_its_slope_per_range_and_millimetre():
    reference = np.tile(np.arange(20.0), (20, 20, 1))  # 1 unit per voxel of 2 mm
    mask = np.ones_like(reference)
    everywhere = mask > 0
    tissues = tissue.Tissues(everywhere, everywhere, everywhere)
    sharpness = tissue.edge_sharpness(reference, reference, mask, tissues, (1.0, 1.0, 2.0))
    assert sharpness == pytest.approx(0.5 / 19)


def test_an_unknown_contrast_is_refused(head):
    image, mask, spacing, _ = head
    with pytest.raises(SettingsError, match="T1w"):
        tissue.find_tissues(image, mask, spacing, "ASL")


def test_a_uniform_brain_has_no_tissues(head):
    image, mask, spacing, contrast = head
    with pytest.raises(ValueError, match="do not differ"):
        tissue.find_tissues(np.full_like(image, 7.0), mask, spacing, contrast)


def test_a_mask_that_erosion_removes_is_refused(head):
    image, mask, spacing, contrast = head
    sliver = np.zeros_like(mask)
    sliver[40] = mask[40]
    with pytest.raises(ValueError, match="thin"):
        tissue.find_tissues(image, sliver, spacing, contrast)
