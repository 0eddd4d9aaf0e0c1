"""Pairs that are derived from one volume, with a known truth."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLab.training.derived_pairs import DerivationSettings, derive_pair
from Testing.phantom import phantom_head

CLEAN = {"noise": 0.0, "bias": 0.0, "curve": 1.0}


@pytest.fixture(scope="module")
def head():
    return phantom_head(size=(48, 52, 32), spacing=(3.0, 3.0, 4.0), noise=0.0)


def values_of(image):
    return sitk.GetArrayFromImage(image)


def derived(head, **settings):
    return derive_pair(head, DerivationSettings(**settings))


@pytest.mark.parametrize("psf", ["kspace", "gaussian"])
def test_the_transform_takes_the_3t_to_the_7t(head, psf):
    pair = derived(head, **CLEAN, psf=psf, scale=1.5, rotation_degrees=(5, -10, 25), translation_mm=(20, -10, 30))
    on_3t = values_of(sitk.Resample(pair.image_7t, pair.image_3t, pair.transform, sitk.sitkLinear, 0.0))
    assert np.corrcoef(on_3t.ravel(), values_of(pair.image_3t).ravel())[0, 1] > 0.98
    # By the headers alone the two do not fit.
    before = values_of(sitk.Resample(pair.image_7t, pair.image_3t, sitk.Transform(), sitk.sitkLinear, 0.0))
    assert np.corrcoef(before.ravel(), values_of(pair.image_3t).ravel())[0, 1] < 0.8


def test_the_motion_is_what_was_asked_for(head):
    pair = derived(head, **CLEAN, rotation_degrees=(0, 0, 30), translation_mm=(0, 40, 0))
    matrix = np.array(sitk.Euler3DTransform(pair.transform).GetMatrix()).reshape(3, 3)
    assert np.degrees(np.arccos(matrix[0, 0])) == pytest.approx(30)
    centre = pair.transform.GetInverse().TransformPoint(sitk.Euler3DTransform(pair.transform).GetCenter())
    assert np.linalg.norm(np.subtract(centre, sitk.Euler3DTransform(pair.transform).GetCenter())) == pytest.approx(40)


def test_the_7t_is_the_volume_and_the_3t_is_coarser(head):
    pair = derived(head, scale=2.0, slice_mm=8.0)
    np.testing.assert_array_equal(values_of(pair.image_7t), values_of(head))
    np.testing.assert_allclose(pair.image_3t.GetSpacing(), (6, 6, 8), atol=1e-6)
    fraction = derived(head, scale=1.4)
    np.testing.assert_allclose(fraction.image_3t.GetSpacing(), (4.2, 4.2, 4), rtol=0.02)


def test_noise_bias_and_curve_change_what_they_should(head):
    plain = values_of(derived(head, **CLEAN).image_3t)
    tissue = plain > 0.3 * plain.max()
    noisy = values_of(derived(head, **{**CLEAN, "noise": 0.05}).image_3t)
    bright = np.percentile(plain[plain > plain.mean()], 99)
    assert (noisy - plain)[tissue].std() == pytest.approx(0.05 * bright, rel=0.15)
    shaded = values_of(derived(head, **{**CLEAN, "bias": 0.3}).image_3t)[tissue] / plain[tissue]
    assert 0.7 < shaded.min() < 0.95 and 1.05 < shaded.max() < 1.4
    curved = values_of(derived(head, **{**CLEAN, "curve": 0.6}).image_3t)
    ranks = [np.argsort(np.argsort(volume[tissue])) for volume in (plain, curved)]
    assert np.corrcoef(*ranks)[0, 1] > 0.97
    assert np.median(curved[tissue]) > 1.1 * np.median(plain[tissue])


def test_a_seed_makes_the_same_pair_again(head):
    first, again, other = (values_of(derived(head, seed=seed).image_3t) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_an_unknown_psf_is_refused(head):
    with pytest.raises(ValueError, match="unknown point-spread function"):
        derived(head, psf="box")
