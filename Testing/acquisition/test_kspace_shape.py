"""Partial Fourier and empty corners: seen in made scans that have them, and in no other."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLab.whole_volume.made_scans import acquired
from CHARMSSRLib.acquisition.inspect import inspect_image


@pytest.fixture(scope="module")
def head():
    """A head of 64 x 112 x 96 voxels (z, y, x) with fine structure all through."""
    random = np.random.default_rng(5)
    z, y, x = np.ogrid[-1:1:64j, -1:1:112j, -1:1:96j]
    spectrum = np.fft.fftn(random.standard_normal((64, 112, 96)).astype(np.float32))
    radius = np.sqrt(sum(np.square(one) for one in np.ix_(*(np.fft.fftfreq(n) for n in spectrum.shape))))
    texture = np.fft.ifftn(spectrum / (radius + 0.01) ** 1.5).real
    inside = z**2 / 0.8 + y**2 / 0.8 + x**2 / 0.8 < 1
    return np.where(inside, np.clip(700 + 90 * texture / texture.std(), 100, None), 0).astype(np.float32)


def scan(head, keep, noise=0.03, seed=1):
    """The magnitude of a scan that measured a part of k-space: ``keep`` of the frequencies z, y, x from -1 to 1."""
    measured = acquired(head, (1, 1, 1), noise, seed)
    kspace = np.fft.fftn(measured)
    kspace[~np.broadcast_to(keep(*np.ix_(*(np.fft.fftfreq(n) * 2 for n in head.shape))), head.shape)] = 0
    values = np.abs(np.fft.ifftn(kspace)).astype(np.float32)
    return sitk.GetImageFromArray(np.rint(values * 2047 / np.percentile(values, 99.9)).astype(np.float32))


@pytest.mark.parametrize(("share", "noise"), [(0.625, 0.03), (0.75, 0.03), (0.75, 0.08)])
def test_partial_fourier_is_seen_with_its_share_and_its_axis(head, share, noise):
    told = inspect_image(scan(head, lambda z, y, x: (y > 1 - 2 * share) | (z > 9) | (x > 9), noise))
    assert [axis.share for axis in told.axes] == [1, 1, 1]  # not the end of k-space
    found = told.partial_fourier
    assert found.value == pytest.approx(share, abs=0.03)
    assert found.evidence.startswith("back-front") and found.confidence > 0.4


def test_empty_corners_are_seen_with_their_plane(head):
    found = inspect_image(scan(head, lambda z, y, x: (z**2 + y**2 < 1) & (x < 9)))
    assert found.elliptical.value is True and "foot-head and back-front" in found.elliptical.evidence
    assert [axis.share for axis in found.axes] == [1, 1, 1]


@pytest.mark.parametrize("noise", [0.01, 0.03, 0.08])
def test_a_whole_kspace_raises_neither(head, noise):
    found = inspect_image(scan(head, lambda z, y, x: (z < 9) & (y < 9) & (x < 9), noise))
    assert found.partial_fourier.value == "unknown" and found.elliptical.value is False


def test_a_real_scan_with_partial_fourier_is_known(volume_path):
    """ds000011: foot to head the power falls to under a half at 0.50 of the band in all six (seen in the spectra)."""
    found = inspect_image(sitk.ReadImage(str(volume_path("ds000011_sub-04_T1w")))).partial_fourier
    assert found.value == pytest.approx(0.75, abs=0.02) and found.evidence.startswith("foot-head")
