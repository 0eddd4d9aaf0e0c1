"""Quiet targets lose noise and no structure."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from CHARMSSRLab.training.dataset import Augmentation, PatchDataset
from CHARMSSRLab.training.prepared import PreparedVolume
from CHARMSSRLab.training.quiet_targets import (
    LARGEST_CORRELATION,
    LARGEST_REMOVED,
    figures_of_removal,
    noise_of,
    quiet,
)

NOISE = 4.0


@pytest.fixture(scope="module")
def truth():
    """Even tissues with sharp borders, the brightest of 100."""
    z, y, x = np.mgrid[:10, :48, :44]
    inside = ((y - 24) / 22) ** 2 + ((x - 22) / 20) ** 2 < 1
    inner = ((y - 20) / 9) ** 2 + ((x - 26) / 8) ** 2 < 1
    return np.where(inside, np.where(inner, 90.0, 60.0), 0.0).astype(np.float32), inside


def volume(slices, mask, subject="ARC_a"):
    inside = slices[mask]
    return PreparedVolume(
        slices.astype(np.float32), mask, float(inside.min()), float(inside.max()), float(np.percentile(inside, 99.9)),
        (1.0, 1.0, 1.0), subject, "T1w", "train", "axial",
    )  # fmt: skip


@pytest.fixture(scope="module")
def noisy(truth):
    rng = np.random.default_rng(1)
    return volume(np.abs(truth[0] + rng.normal(0, NOISE, truth[0].shape)), truth[1])


def test_the_noise_is_estimated_in_spite_of_borders(noisy):
    assert noise_of(noisy.slices, noisy.mask) == pytest.approx(NOISE, rel=0.1)


def test_quiet_slices_are_nearer_to_the_truth_and_what_was_removed_is_noise(truth, noisy):
    calm, done = quiet(noisy)
    error = [np.sqrt(np.square(one.slices - truth[0])[truth[1]].mean()) for one in (noisy, calm)]
    assert error[1] < 0.6 * error[0]
    assert done.strength > 0 and done.removed <= LARGEST_REMOVED * done.noise
    assert done.correlation <= LARGEST_CORRELATION
    assert np.array_equal(calm.mask, noisy.mask) and calm.percentile == noisy.percentile


def test_a_filter_that_takes_edges_away_is_told_by_its_difference(truth, noisy):
    blurred = ndimage.gaussian_filter(noisy.slices, (0, 2, 2))
    removed, correlation = figures_of_removal(noisy.slices, blurred, noisy.mask)
    assert removed > NOISE and correlation > 5 * LARGEST_CORRELATION


def test_a_target_without_the_noise_that_the_input_has(truth):
    even = dataclasses.replace(volume(truth[0], truth[1]))
    augmentation = Augmentation(remove_noise=True, noise_alone=0.0)
    data, clean = (
        PatchDataset([even], 30, 12, 2, "bicubic", augmentation=one, seed=3) for one in (augmentation, Augmentation())
    )
    louder = 0
    for number in range(30):
        (lr, hr), (quiet_lr, quiet_hr) = data[number], clean[number]
        assert np.array_equal(hr, quiet_hr)
        louder += not np.allclose(lr, quiet_lr, atol=1e-4)
    assert 5 < louder < 28
