"""Resizing with numpy and scipy gives what torch gives, which the networks were trained with."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from CHARMSSRLib.enhancement.data_consistency import Operator
from CHARMSSRLib.grids import resize
from CHARMSSRLib.grids.cubic import along, cubic_matrix, linear_matrix, resized
from CHARMSSRLib.grids.fourier import fourier_resized
from CHARMSSRLib.grids.stacks import enlarged_mask, interpolated

SIZES = [(1, 1), (2, 3), (5, 8), (17, 12)]


def images_of(height, width):
    return np.random.default_rng(1).random((2, height, width), dtype=np.float32)


def by_torch(images, size, **options):
    return F.interpolate(torch.from_numpy(images)[None], size, align_corners=False, **options)[0].numpy()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", SIZES)
def test_enlarging_is_torchs(size, scale):
    images, large = images_of(*size), (scale * size[0], scale * size[1])
    assert np.abs(resized(images, *large) - by_torch(images, large, mode="bicubic")).max() < 1e-6
    linear = resized(images, *large, linear_matrix)
    assert np.abs(linear - by_torch(images, large, mode="bilinear")).max() < 1e-6


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("more", [0, 1])  # sizes that the factor does not divide
@pytest.mark.parametrize("size", SIZES)
def test_shrinking_is_torchs_with_antialiasing(size, more, scale):
    images = images_of(scale * size[0] + more, scale * size[1] + more)
    assert np.abs(resized(images, *size) - by_torch(images, size, mode="bicubic", antialias=True)).max() < 5e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [(8, 16), (16, 8), (7, 14), (14, 7), (9, 4), (5, 5), (1, 2), (12, 6), (6, 13)])
def test_resizing_the_spectrum_is_the_form_for_tensors(sizes, dtype):
    n, new = sizes
    array = np.random.default_rng(2).random((3, n, 4)).astype(dtype)
    expected = resize.fourier_resize(torch.from_numpy(array), new, 1).numpy()
    output = fourier_resized(array, new, 1)
    assert output.dtype == dtype and output.shape == expected.shape
    assert np.abs(output - expected).max() < 1e-6


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("name", ["bicubic", "kspace"])
def test_the_operators_of_the_data_consistency_are_those_that_degraded_the_training_data(name, scale):
    operator, large = Operator(name, scale), images_of(6 * scale, 5 * scale)
    tensors = torch.from_numpy(large)[:, None]
    down = resize.bicubic_downsample if name == "bicubic" else resize.kspace_truncate
    assert np.abs(operator.down(large) - down(tensors, scale)[:, 0].numpy()).max() < 1e-5
    small = images_of(6, 5)
    if name == "bicubic":
        expected = resize.bicubic_upsample(torch.from_numpy(small)[:, None], scale)
    else:
        expected = torch.from_numpy(small)[:, None]
        for axis in (-2, -1):
            expected = resize.fourier_resize(expected, scale * expected.shape[axis], axis)
    assert np.abs(operator.up(small) - expected[:, 0].numpy()).max() < 1e-5


def test_any_axis_of_any_array_can_be_multiplied():
    array = np.random.default_rng(3).random((3, 4, 5, 6)).astype(np.float32)
    for axis in range(-4, 4):
        matrix = cubic_matrix(array.shape[axis], 9)
        expected = np.moveaxis(np.tensordot(matrix.toarray(), array, (1, axis)), 0, axis)
        output = along(matrix, array, axis)
        assert output.flags.c_contiguous and np.allclose(output, expected, atol=1e-6)


def test_a_stack_keeps_its_mean_and_a_mask_its_volume():
    stack = images_of(6, 7)
    assert np.isclose(interpolated(stack, (2, 2, 2)).mean(), stack.mean(), rtol=0.05)
    mask = np.zeros((6, 12, 12), bool)
    mask[2:4, 3:9, 3:9] = True
    assert abs(enlarged_mask(mask, (1, 2, 2)).sum() / (4 * mask.sum()) - 1) < 0.1
