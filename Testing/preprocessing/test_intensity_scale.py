"""Intensity scaling by the volume's statistics inside the mask."""

import numpy as np
import pytest

from CHARMSSRLib.errors import CheckpointError, InputError
from CHARMSSRLib.preprocessing.intensity import IntensityScale, fit_intensity_scale


@pytest.fixture
def volume():
    generator = np.random.default_rng(0)
    array = generator.uniform(10, 900, (10, 12, 14)).astype(np.float32)
    mask = np.zeros(array.shape, np.uint8)
    mask[2:8, 3:9, 3:11] = 1
    array[0, 0, 0] = 1e6  # outside the mask: must not count
    return array, mask


def test_minmax_takes_the_extrema_inside_the_mask_to_0_and_1(volume):
    array, mask = volume
    scaled = fit_intensity_scale(array, mask, {"kind": "minmax"}).apply(array)
    assert scaled[mask > 0].min() == 0 and scaled[mask > 0].max() == 1
    assert scaled[0, 0, 0] > 1000, "nothing is clipped"


def test_percentile_takes_0_to_0_and_the_percentile_inside_the_mask_to_1(volume):
    array, mask = volume
    scale = fit_intensity_scale(array, mask, {"kind": "percentile", "upper": 90.0})
    assert scale.lower == 0
    assert scale.upper == pytest.approx(np.percentile(array[mask > 0], 90.0))


def test_scaling_is_linear_beyond_its_ends_too_and_stays_float32():
    array = np.linspace(-50, 4000, 1000, dtype=np.float32)
    scaled = IntensityScale(12.5, 1800.0).apply(array)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, (array - 12.5) / 1787.5, atol=1e-6)


def test_a_mask_without_contrast_or_without_voxels_is_refused():
    flat = np.full((4, 4, 4), 7, np.float32)
    with pytest.raises(InputError, match="contrast"):
        fit_intensity_scale(flat, np.ones((4, 4, 4)), {"kind": "minmax"})
    with pytest.raises(InputError, match="empty"):
        fit_intensity_scale(flat, np.zeros((4, 4, 4)), {"kind": "minmax"})


def test_an_unknown_kind_is_the_checkpoints_fault(volume):
    with pytest.raises(CheckpointError, match="zscore"):
        fit_intensity_scale(*volume, {"kind": "zscore"})
