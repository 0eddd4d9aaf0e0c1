"""Maps against true errors."""

import numpy as np
import pytest

from CHARMSSRLab.whole_volume.ranking import (
    FRACTIONS,
    gradient_magnitude,
    local_mean,
    mean_of_neighbours,
    sparsification,
    spearman,
)

SHAPE = (12, 14, 16)


@pytest.fixture
def error():
    return np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)


@pytest.fixture
def inside():
    mask = np.zeros(SHAPE, bool)
    mask[1:-1, 1:-1, 1:-1] = True
    return mask


def test_a_map_that_is_the_error_ranks_it_perfectly(error, inside):
    assert spearman(error, error, inside) == pytest.approx(1)
    assert spearman(3 * np.abs(error) ** 3, -error, inside) == pytest.approx(1)
    assert spearman(1 / (np.abs(error) + 1e-3), error, inside) == pytest.approx(-1)


def test_a_map_that_knows_nothing_does_not(error, inside):
    unrelated = np.random.default_rng(1).standard_normal(SHAPE)
    assert abs(spearman(unrelated, error, inside)) < 0.1
    assert spearman(np.ones(SHAPE), error, inside) == 0


def test_what_lies_outside_the_mask_does_not_count(error, inside):
    wrong_outside = np.where(inside, error, 100)
    assert spearman(wrong_outside, error, inside) == pytest.approx(1)


def test_the_oracle_removes_errors_fastest(error, inside):
    oracle = sparsification(error, error, inside)
    unrelated = sparsification(np.random.default_rng(1).standard_normal(SHAPE), error, inside)
    assert oracle[0] == 1 and len(oracle) == len(FRACTIONS)
    assert (np.diff(oracle) < 0).all() and oracle[-1] < 0.1
    assert unrelated[:10].min() > 0.95
    assert (oracle[1:] < unrelated[1:]).all()


def test_the_neighbours_say_nothing_of_white_noise_and_much_of_regions(error, inside):
    assert abs(spearman(mean_of_neighbours(error, inside), error, inside)) < 0.1
    assert spearman(local_mean(error, inside), error, inside) > 0.15, "the voxel itself counts there"
    regions = error * np.where(np.arange(SHAPE[2]) < 8, 1, 5)
    assert spearman(mean_of_neighbours(regions, inside), regions, inside) > 0.4


def test_the_mean_of_the_neighbours_is_over_those_in_the_mask(inside):
    volume = np.zeros(SHAPE)
    volume[1, 1, 1], volume[1, 1, 2], volume[0, 0, 0] = 5, -14, 100
    mean = mean_of_neighbours(volume, inside)
    assert mean[1, 1, 1] == pytest.approx(14 / 7) and mean[1, 1, 2] == pytest.approx(5 / 11) and mean[0, 0, 0] == 0


def test_half_the_voxels_carry_the_error():
    error = np.zeros((2, 10, 10))
    error[0] = 2.0
    inside = np.ones(error.shape, bool)
    curve = sparsification(error, error, inside, (0, 0.25, 0.5))
    assert curve == pytest.approx([1, np.sqrt(2 / 3), 0])


def test_a_local_mean_keeps_to_the_mask():
    volume, inside = np.full((6, 6, 6), -2.0), np.zeros((6, 6, 6), bool)
    inside[:3] = True
    volume[3:] = 100
    mean = local_mean(volume, inside)
    assert mean[inside] == pytest.approx(2)
    assert not mean[~inside].any()


def test_the_gradient_counts_millimetres():
    z = np.arange(10, dtype=np.float32)[:, None, None] * np.ones((1, 8, 8), np.float32)
    assert gradient_magnitude(3 * z, (2.0, 1.0, 1.0))[5, 4, 4] == pytest.approx(1.5)
