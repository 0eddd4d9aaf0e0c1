"""Noise and its kind, ringing, bit depth: the right value on made scans, and on a real one."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.acquisition.inspect import inspect_image


@pytest.fixture(scope="module")
def anatomy():
    """(z, y, x) of a bright body of even tissue with small bright and dark balls in it, in empty air."""
    z, y, x = np.ogrid[-1:1:56j, -1:1:96j, -1:1:96j]
    values = np.where(z**2 / 0.8 + y**2 / 0.45 + x**2 / 0.45 < 1, 800.0, 0.0)
    random = np.random.default_rng(2)
    for _ in range(160):
        c, radius = random.uniform(-0.55, 0.55, 3), random.uniform(0.05, 0.12)
        ball = (z - c[0]) ** 2 + (y - c[1]) ** 2 + (x - c[2]) ** 2 < radius**2
        values[ball & (values > 0)] *= random.choice([0.55, 1.4])
    return values.astype(np.float32)


def found(values):
    return inspect_image(sitk.GetImageFromArray(np.ascontiguousarray(values, np.float32)))


def magnitude(values, noise, seed=1):
    noisy = np.random.default_rng(seed).normal(0, noise, (2, *values.shape))
    return np.rint(np.hypot(values + noisy[0], noisy[1]))


@pytest.mark.parametrize("share", [0.01, 0.03, 0.08])
def test_the_noise_of_a_magnitude_is_measured_in_its_air(anatomy, share):
    told = found(magnitude(anatomy, 800 * share))
    assert told.noise_kind.value == "Rician" and "1.9" in told.noise_kind.evidence
    assert told.noise.value == pytest.approx(share, rel=0.1) and told.noise.confidence >= 0.8


def test_noise_with_negative_values_is_gaussian(anatomy):
    noise = np.random.default_rng(1).normal(0, 24, anatomy.shape)
    assert found(np.rint(anatomy + noise)).noise_kind.value == "Gaussian"


def test_without_air_the_noise_has_an_upper_bound_and_no_kind(anatomy):
    noise = np.random.default_rng(1).normal(0, 24, anatomy.shape)
    told = found(np.where(anatomy > 0, np.rint(anatomy + noise), 0))
    assert told.noise_kind.value == "unknown"
    assert 0.02 < told.noise.value and told.noise.confidence < 0.8 and told.noise.evidence.startswith("at most")


def test_ringing_is_seen_where_kspace_was_cut_within_the_anatomy(anatomy):
    kspace = np.fft.fftshift(np.fft.fftn(anatomy))
    short = kspace[14:42, 24:72, 24:72]
    sharp = np.abs(np.fft.ifftn(np.fft.ifftshift(short))) * short.size / kspace.size
    assert found(magnitude(sharp, 3)).ringing.value is True
    assert found(magnitude(sharp, 70)).ringing.value is False


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_the_bits_are_those_that_the_values_need(anatomy, bits):
    values = magnitude(anatomy, 20)
    stored = np.rint(values * (2**bits - 1) / values.max())
    assert found(stored).bits.value == bits
    assert found(stored * 3.7).bits.value == bits  # a slope in the header adds none


def test_values_of_a_computation_have_no_bits(anatomy):
    random = np.random.default_rng(3)
    assert found(anatomy + random.normal(0, 20, anatomy.shape)).bits.value is None


def test_a_real_magnitude_has_rician_air_or_none(volume_path):
    told = inspect_image(sitk.ReadImage(str(volume_path("ds000011_sub-04_T1w"))))
    assert told.noise_kind.value in ("Rician", "unknown") and told.bits.value in (8, 9)
    assert 0.015 < told.noise.value < 0.06
