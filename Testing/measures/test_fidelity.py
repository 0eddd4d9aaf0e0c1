"""PSNR and SSIM against scikit-image and against figures worked out by hand."""

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from CHARMSSRLib.measures import fidelity


@pytest.fixture
def volumes():
    """Output, reference (z, y, x) around 500 units, and a mask that touches two faces of the volume."""
    generator = np.random.default_rng(0)
    reference = 500 + 100 * generator.standard_normal((24, 30, 28))
    reference += 200 * np.sin(np.arange(28) / 3)
    output = reference + 30 * generator.standard_normal(reference.shape)
    z, y, x = np.indices(reference.shape)
    mask = (z - 4) ** 2 + (y - 14) ** 2 + (x - 20) ** 2 < 11**2
    return output, reference, mask


def test_brain_psnr_agrees_with_scikit_image_on_the_masked_voxels(volumes):
    output, reference, mask = volumes
    data_range = np.percentile(reference[mask], 99.9)
    expected = peak_signal_noise_ratio(reference[mask], output[mask], data_range=data_range)
    assert fidelity.brain_psnr(output, reference, mask) == pytest.approx(expected, abs=1e-9)


def test_brain_psnr_of_a_known_error_is_the_textbook_figure():
    reference = np.full((16, 16, 16), 200.0)
    assert fidelity.brain_psnr(reference + 2, reference, reference > 0) == pytest.approx(40.0)


def test_brain_ssim_agrees_with_scikit_image_averaged_over_the_mask(volumes):
    output, reference, mask = volumes
    _, similarity = structural_similarity(
        np.where(mask, reference, 0),
        np.where(mask, output, 0),
        data_range=np.percentile(reference[mask], 99.9),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    assert fidelity.brain_ssim(output, reference, mask) == pytest.approx(similarity[mask].mean(), abs=1e-12)


def test_slice_scores_agree_with_scikit_image_slice_by_slice(volumes):
    output, reference, _ = (np.asarray(array) / 1000 for array in volumes)
    psnr, ssim = fidelity.slice_psnr(output, reference), fidelity.slice_ssim(output, reference)
    assert psnr.shape == ssim.shape == (24,)
    for k in (0, 11, 23):
        expected = structural_similarity(
            reference[k], output[k], data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        assert ssim[k] == pytest.approx(expected, abs=1e-12)
        assert psnr[k] == pytest.approx(peak_signal_noise_ratio(reference[k], output[k], data_range=1), abs=1e-9)


def test_what_lies_outside_the_mask_changes_no_brain_score(volumes):
    output, reference, mask = volumes
    changed = np.where(mask, output, 1e6)
    assert fidelity.brain_psnr(changed, reference, mask) == fidelity.brain_psnr(output, reference, mask)
    assert fidelity.brain_ssim(changed, reference, mask) == fidelity.brain_ssim(output, reference, mask)


def test_brain_scores_do_not_depend_on_the_intensity_unit(volumes):
    output, reference, mask = volumes
    for score in (fidelity.brain_psnr, fidelity.brain_ssim):
        assert score(output * 7, reference * 7, mask) == pytest.approx(score(output, reference, mask))


def test_nothing_is_clipped_so_overshoot_costs(volumes):
    _, reference, mask = volumes
    overshoot = reference + np.where(reference > np.percentile(reference, 99), 300, 0)
    clipped = np.minimum(overshoot, reference.max())
    assert fidelity.brain_psnr(overshoot, reference, mask) < fidelity.brain_psnr(clipped, reference, mask)


def test_a_few_bright_voxels_do_not_move_the_data_range(volumes):
    _, reference, mask = volumes
    with_vessel = reference.copy()
    with_vessel[tuple(np.argwhere(mask)[0])] = 1e5
    before, after = fidelity.brain_range(reference, mask), fidelity.brain_range(with_vessel, mask)
    assert after == pytest.approx(before, rel=0.05)


def test_an_equal_volume_scores_infinity_and_one(volumes):
    _, reference, mask = volumes
    assert fidelity.brain_psnr(reference, reference, mask) == float("inf")
    assert fidelity.brain_ssim(reference, reference, mask) == pytest.approx(1)


def test_an_empty_mask_is_refused(volumes):
    output, reference, mask = volumes
    with pytest.raises(ValueError, match="empty"):
        fidelity.brain_psnr(output, reference, np.zeros_like(mask))
    with pytest.raises(ValueError, match="empty"):
        fidelity.brain_ssim(output, reference, np.zeros_like(mask))


def test_a_reference_of_zeros_is_refused(volumes):
    output, reference, mask = volumes
    with pytest.raises(ValueError, match="range"):
        fidelity.brain_psnr(output, reference * 0, mask)
