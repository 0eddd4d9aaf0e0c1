"""The 7T on the enlarged grid of the 3T."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import Cancelled
from CHARMSSRLib.fine_tuning.pairs.pair_target import (
    RIM_MM,
    SincSampler,
    target_grid,
    target_image,
    target_mask,
)
from CHARMSSRLib.grids.geometry import enlarged_geometry
from CHARMSSRLib.task import Task

IDENTITY = sitk.Transform(3, sitk.sitkIdentity)


def image_of(array, spacing, origin=(0, 0, 0)):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing([float(step) for step in spacing])
    image.SetOrigin([float(step) for step in origin])
    return image


def covering(image, spacing_zyx):
    """A mask of ones with voxels of another size that covers the same bounds, voxel edge to voxel edge."""
    extent = [n * step for n, step in zip(image.GetSize(), image.GetSpacing())]
    spacing = spacing_zyx[::-1]
    size = [round(length / step) for length, step in zip(extent, spacing)]
    origin = [o - s / 2 + step / 2 for o, s, step in zip(image.GetOrigin(), image.GetSpacing(), spacing)]
    return image_of(np.ones(size[::-1], np.uint8), spacing, origin)


@pytest.fixture
def noise():
    """Voxels of 1 mm without any smoothness."""
    return image_of(np.random.default_rng(0).random((12, 20, 24), dtype=np.float32), (1, 1, 1), (3, -4, 5))


def test_on_its_own_grid_the_7t_stays_as_it_is(noise):
    target = target_image(noise, covering(noise, (1, 1, 1)), IDENTITY, 0, 1.0)
    np.testing.assert_allclose(sitk.GetArrayFromImage(target), sitk.GetArrayFromImage(noise), atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_thick_slices_are_the_mean_of_the_7t_slices_in_them(noise, axis):
    spacing = [1.0, 1.0, 1.0]
    spacing[axis] = 4.0
    target = sitk.GetArrayFromImage(target_image(noise, covering(noise, spacing), IDENTITY, axis, 4.0))
    values = np.moveaxis(sitk.GetArrayFromImage(noise), axis, 0)
    expected = values.reshape(-1, 4, *values.shape[1:]).mean(axis=1)
    np.testing.assert_allclose(np.moveaxis(target, axis, 0), expected, atol=1e-5)


def test_slices_a_little_thicker_are_averaged_a_little(noise):
    """The samples of slices of 1.5 mm have the variance that the 7T's own 1 mm lacks."""
    values = np.zeros((20, 4, 4), np.float32)
    values[10] = 1
    line = image_of(values, (1, 1, 1))
    fine = covering(line, (0.1, 1, 1))
    target = sitk.GetArrayFromImage(target_image(line, fine, IDENTITY, 0, 1.5))[:, 2, 2]
    own = sitk.GetArrayFromImage(target_image(line, fine, IDENTITY, 0, 1.0))[:, 2, 2]
    z = 0.1 * (np.arange(200) - 104.5)
    gained = (z**2 * target).sum() / target.sum() - (z**2 * own).sum() / own.sum()
    assert gained == pytest.approx((1.5**2 - 1) / 12, rel=0.02)


def test_a_coarser_grid_is_low_passed():
    """Pixels of 2 mm cannot hold stripes of 2 mm period from a 7T of 0.5 mm, and keep those of 10 mm."""
    x = 0.5 * np.arange(120)
    for period, largest, smallest in ((2.0, 0.03, 0.0), (10.0, 1.02, 0.9)):
        stripes = np.broadcast_to(np.cos(2 * np.pi * x / period), (16, 120, 120)).astype(np.float32)
        seven = image_of(np.ascontiguousarray(stripes), (0.5, 0.5, 0.5))
        target = sitk.GetArrayFromImage(target_image(seven, covering(seven, (0.5, 2, 2)), IDENTITY, 0, 0.5))
        amplitude = np.abs(target[8, 4:-4, 4:-4]).max()
        assert smallest <= amplitude <= largest


def test_a_finer_grid_interpolates_by_a_windowed_sinc():
    x = 1.0 * np.arange(40)
    wave = np.broadcast_to(np.sin(2 * np.pi * x / 4.0), (8, 40, 40)).astype(np.float32)
    seven = image_of(np.ascontiguousarray(wave), (1, 1, 1))
    target = sitk.GetArrayFromImage(target_image(seven, covering(seven, (1, 0.5, 0.5)), IDENTITY, 0, 1.0))
    positions = -0.25 + 0.5 * np.arange(80)
    expected = np.sin(2 * np.pi * positions / 4.0)
    assert np.abs(target[4, 40, 8:-8] - expected[8:-8]).max() < 0.03


def test_a_turned_7t_is_found_where_the_transform_says():
    z, y, x = (np.arange(n) - (n - 1) / 2 for n in (40, 44, 48))
    blob = np.exp(-(((z[:, None, None] - 4) / 5) ** 2) - ((y[:, None] + 6) / 4) ** 2 - ((x - 7) / 6) ** 2)
    seven = image_of(blob.astype(np.float32), (1, 1, 1), (-23.5, -21.5, -19.5))
    transform = sitk.Euler3DTransform((1.0, 2.0, 3.0), 0.3, -0.2, 0.5, (2.0, -3.0, 1.0))
    mask = image_of(np.ones((10, 30, 30), np.uint8), (1.3, 0.9, 2.0), (-18, -12, -9))
    mask = sitk.Cast(mask, sitk.sitkUInt8)
    target = target_image(seven, mask, transform, 0, 1.0)
    expected = sitk.GetArrayFromImage(sitk.Resample(seven, mask, transform, sitk.sitkBSpline3, 0.0))
    seen = expected > 0.02
    assert seen.sum() > 300
    assert np.abs(sitk.GetArrayFromImage(target) - expected)[seen].max() < 0.01


def test_the_target_ends_at_a_rim_around_the_mask(noise):
    mask = np.zeros((12, 20, 24), np.uint8)
    mask[6, 10, 12] = 1
    target = sitk.GetArrayFromImage(target_image(noise, image_of(mask, (1, 1, 1), (3, -4, 5)), IDENTITY, 0, 1.0))
    z, y, x = np.indices(mask.shape)
    distance = np.sqrt((z - 6) ** 2 + (y - 10) ** 2 + (x - 12) ** 2)
    np.testing.assert_array_equal(target != 0, distance <= RIM_MM)


def test_the_grid_is_that_of_an_enhanced_volume():
    image = sitk.Image([20, 22, 24], sitk.sitkFloat32)
    image.SetSpacing((1.0, 1.1, 2.0))
    image.SetOrigin((5, 6, 7))
    angle = 0.1
    image.SetDirection([np.cos(angle), -np.sin(angle), 0, np.sin(angle), np.cos(angle), 0, 0, 0, 1])
    grid = target_grid(image, 0, 2)
    spacing, origin, direction = enlarged_geometry(image, (2, 2, 1))
    assert grid.GetSize() == (40, 44, 24)
    np.testing.assert_allclose(grid.GetSpacing(), spacing)
    np.testing.assert_allclose(grid.GetOrigin(), origin)
    np.testing.assert_allclose(grid.GetDirection(), direction)


def test_the_mask_is_common_to_both():
    mask_3t = image_of(np.ones((6, 10, 10), np.uint8), (1, 1, 1))
    values = np.zeros((6, 20, 20), np.uint8)
    values[:, :, :12] = 1
    mask_7t = image_of(values, (0.5, 0.5, 1), (-0.25, -0.25, 0))
    mask = sitk.GetArrayFromImage(target_mask(mask_3t, mask_7t, IDENTITY, 0, 2))
    np.testing.assert_array_equal(mask, values)
    # Moved by 2 mm, the 7T covers less of the 3T, and what it does not cover is outside.
    moved = sitk.TranslationTransform(3, (2.0, 0.0, 0.0))
    mask = sitk.GetArrayFromImage(target_mask(mask_3t, mask_7t, moved, 0, 2))
    assert mask[:, :, :8].all() and not mask[:, :, 8:].any()


def test_work_stops_when_it_is_cancelled(noise):
    asked = []
    with pytest.raises(Cancelled):
        task = Task(is_cancelled=lambda: asked.append(1) or len(asked) > 3)
        target_image(noise, covering(noise, (1, 1, 1)), IDENTITY, 0, 1.0, task)
    assert len(asked) == 4


def test_samples_beyond_the_border_repeat_it():
    sampler = SincSampler(np.arange(8 * 8 * 8, dtype=np.float32).reshape(8, 8, 8))
    np.testing.assert_allclose(sampler([[-3, 0, 0], [7, 7, 30.5], [2, 3, 4]]), [0, 511, 2 * 64 + 3 * 8 + 4], atol=1e-3)
