"""Masks, label maps, probabilities and percents: which voxels are inside."""

import numpy as np
import pytest
from scipy import ndimage

from CHARMSSRLib.enhancement.mask_values import mask_threshold

DISC = np.hypot(*np.mgrid[-20:21, -20:21])[None] < 12
SHARES = np.clip(ndimage.gaussian_filter(DISC.astype(float), (0, 2, 2)), 0, 1)


def inside(array):
    return array > mask_threshold(array).value


@pytest.mark.parametrize("scale", [0.02, 0.4, 0.5, 0.7, 1.0, 100.0, 255.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shares_are_inside_above_one_half_of_their_scale(scale, dtype):
    array = (SHARES * scale).astype(dtype)
    expected = SHARES > 0.5 / scale if 0.5 < scale < 1 else SHARES > 0.5
    assert (inside(array) != expected).mean() < 0.01
    assert bool(mask_threshold(array).note) == (not 0.5 < scale <= 1)


@pytest.mark.parametrize(
    "scale, dtype", [(100, np.uint8), (100, np.int16), (255, np.uint8), (255, np.int16), (1000, np.int16)]
)
def test_whole_percents_and_bytes_are_shares(scale, dtype):
    array = np.rint(SHARES * scale).astype(dtype)
    assert (inside(array) != (SHARES > 0.5)).mean() < 0.01 and mask_threshold(array).note


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32])
@pytest.mark.parametrize("values", [(1,), (255,), (100,), (1, 2, 3), range(1, 60), (2, 3, 41, 42, 250, 251, 255)])
def test_labels_are_inside_wherever_they_are_not_0(values, dtype):
    array = np.zeros((1, 41, 41), dtype)
    array[DISC] = np.sort(np.resize(list(values), DISC.sum()))
    assert np.array_equal(inside(array), DISC) and mask_threshold(array).note == ""


def test_coarse_percents_are_shares():
    array = (10 * np.rint(SHARES * 10)).astype(np.uint8)
    assert (inside(array) != (SHARES > 0.5)).mean() < 0.02 and mask_threshold(array).note


@pytest.mark.parametrize("outside, within", [(5, 95), (1, 2), (50, 950)])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_a_mask_without_any_0_does_not_take_everything(outside, within, dtype):
    array = np.where(DISC, within, outside).astype(dtype)
    assert np.array_equal(inside(array), DISC) and "No voxel of the mask is 0" in mask_threshold(array).note


def test_a_mask_of_one_value_takes_everything():
    assert inside(np.full((2, 2, 2), 7, np.uint8)).all()


def test_an_empty_mask_has_nothing_inside():
    assert not inside(np.zeros((2, 2, 2), np.uint8)).any() and not inside(np.zeros((2, 2, 2), np.float32)).any()
