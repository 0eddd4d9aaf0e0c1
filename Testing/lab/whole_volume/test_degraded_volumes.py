"""Volumes made coarse in a known way."""

import numpy as np
import pytest
import SimpleITK as sitk
import torch
import torch.nn.functional as F

from CHARMSSRLab.whole_volume.degraded_volumes import averaged, averaged_in_plane, thickened, truncated
from CHARMSSRLab.whole_volume.samples import Sample, cropped, foreground, is_truly_isotropic


def sample_of(array, spacing=(1.0, 1.0, 1.0), mask=None):
    image = sitk.GetImageFromArray(np.asarray(array, np.float32))
    brain = sitk.GetImageFromArray(np.ones(array.shape, np.uint8) if mask is None else mask.astype(np.uint8))
    for one in (image, brain):
        one.SetSpacing(spacing)
        one.SetOrigin((-10.0, 5.0, 3.0))
    return Sample("made", "made-01", "T1w", "val", image, brain)


def bounds(image):
    """Corners of the voxel box, not of the voxel centres."""
    low, high = [-0.5] * 3, [size - 0.5 for size in image.GetSize()]
    return np.array([image.TransformContinuousIndexToPhysicalPoint(corner) for corner in (low, high)])


def wave(size, periods):
    return np.cos(2 * np.pi * periods * (np.arange(size) + 0.5) / size)


@pytest.mark.parametrize(
    "degrade",
    [
        lambda s: truncated(s, 2),
        lambda s: averaged(s, 2),
        lambda s: thickened(s, 4.0),
        lambda s: averaged_in_plane(s, 2),
    ],
)
def test_both_grids_cover_the_same_box(degrade):
    rng = np.random.default_rng(0)
    sample = sample_of(100 + rng.random((24, 20, 16)), (1.0, 1.0, 1.0))
    volume = degrade(sample)
    assert np.allclose(bounds(volume.image), bounds(sample.image))
    assert np.allclose(bounds(volume.mask), bounds(sample.image))
    assert tuple(np.array(volume.coarse.shape) * volume.factors) == volume.truth.shape == (24, 20, 16)


def test_truncation_keeps_slow_waves_where_they_are_and_removes_fast_ones():
    size = 32
    slow = 100 + 10 * wave(size, 3)[:, None, None] + 10 * wave(size, 5)[None, :, None] + 0 * wave(size, 1)
    fast = 10 * wave(size, 12)[:, None, None] + 10 * wave(size, 13)[None, None, :]
    coarse = truncated(sample_of(slow + fast), 2).coarse
    half = size // 2
    expected = 100 + 10 * wave(half, 3)[:, None, None] + 10 * wave(half, 5)[None, :, None] + 0 * wave(half, 1)
    assert np.allclose(coarse, expected, atol=1e-3)


def test_averaging_along_three_axes_is_the_antialiased_bicubic_of_each():
    values = 100 + np.random.default_rng(0).random((8, 12, 10))
    expected = torch.from_numpy(values.astype(np.float32))
    for axis in range(3):
        lines = expected.movedim(axis, 2)
        lines = F.interpolate(lines[:, :, None], (1, lines.shape[2] // 2), mode="bicubic", antialias=True)[:, :, 0]
        expected = lines.movedim(2, axis)
    assert np.allclose(averaged(sample_of(values), 2).coarse, expected.numpy(), atol=1e-3)


def test_thick_slices_are_means_and_odd_ends_are_cut():
    array = np.arange(13 * 4 * 4, dtype=np.float32).reshape(13, 4, 4)
    volume = thickened(sample_of(array, (0.5, 0.5, 0.8)), 3.0)
    assert volume.factors == (4, 1, 1)  # 3.2 mm come nearest
    assert volume.image.GetSpacing() == pytest.approx((0.5, 0.5, 3.2))
    assert np.allclose(volume.coarse, array[:12].reshape(3, 4, 4, 4).mean(1))


def test_noise_has_the_asked_for_share_of_the_range_and_is_the_same_again():
    flat = np.full((32, 32, 32), 200.0)
    flat[0, 0, 0] = 200.5
    noisy = truncated(sample_of(flat), 2, noise=0.03).coarse
    assert noisy.std() == pytest.approx(0.03 * 200, rel=0.05)
    assert np.array_equal(noisy, truncated(sample_of(flat), 2, noise=0.03).coarse)
    assert not np.array_equal(noisy, truncated(sample_of(flat), 2, noise=0.03, seed=1).coarse)


def test_only_voxels_of_both_masks_are_scored():
    mask = np.zeros((16, 16, 16), bool)
    mask[3:12, 4:12, 4:12] = True  # the first coarse voxel is half inside: it counts, its outer half does not
    inside = truncated(sample_of(100 + np.zeros((16, 16, 16)), mask=mask), 2).inside
    assert not (inside & ~mask).any()
    assert inside[4:12, 4:12, 4:12].all()
    assert inside[3].any() == (truncated(sample_of(np.ones(mask.shape), mask=mask), 2).coarse_mask[1].any())


def test_a_crop_is_a_cube_around_the_brain_at_its_place():
    array = np.random.default_rng(0).random((30, 40, 50))
    mask = np.zeros(array.shape, bool)
    mask[2:12, 10:30, 20:40] = True
    sample = sample_of(array, mask=mask)
    small = cropped(sample, 16)
    assert small.image.GetSize() == (16, 16, 16)
    start = sample.image.TransformPhysicalPointToIndex(small.image.GetOrigin())
    assert start == (22, 12, 0)
    assert np.allclose(sitk.GetArrayFromImage(small.image), array[0:16, 12:28, 22:38], atol=1e-6)


def test_black_fluid_inside_a_stripped_brain_is_brain():
    array = np.zeros((20, 20, 20))
    array[4:16, 4:16, 4:16] = 50
    array[9:11, 9:11, 9:11] = 0
    inside = sitk.GetArrayFromImage(foreground(sample_of(array).image))
    assert inside[10, 10, 10] == 1 and inside[2, 2, 2] == 0


def test_what_is_known_of_a_source_outranks_its_grid():
    assert is_truly_isotropic({"subject": "ARC_M2304"}, (1, 1, 1))
    assert is_truly_isotropic({"subject": "somebody"}, (0.9, 0.9, 0.92))
    assert not is_truly_isotropic({"subject": "somebody"}, (0.9, 0.9, 1.2))
    assert not is_truly_isotropic({"subject": "ds002748_sub-04"}, (1, 1, 1))
