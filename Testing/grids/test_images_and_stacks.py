"""Volumes become images and stacks become finer without a second copy of what is large."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.grids.geometry import image_of
from CHARMSSRLib.grids.stacks import interpolated


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int16])
@pytest.mark.parametrize("count", [1, 15, 16, 37])
def test_an_image_of_a_view_is_that_of_the_array(dtype, count):
    stack = np.random.default_rng(0).integers(0, 99, (7, count, 5)).astype(dtype)
    view = np.flip(np.moveaxis(stack, 1, 0), 2)
    image, expected = image_of(view), sitk.GetImageFromArray(np.ascontiguousarray(view))
    assert image.GetPixelID() == expected.GetPixelID() and image.GetSize() == expected.GetSize()
    assert np.array_equal(sitk.GetArrayViewFromImage(image), view)


def test_only_the_slices_that_are_wanted_are_interpolated():
    stack = np.random.default_rng(0).random((6, 8, 9), dtype=np.float32)
    all_of_them, some = interpolated(stack, (1, 2, 2)), interpolated(stack, (1, 2, 2), wanted=(1, 4))
    assert np.array_equal(some[[1, 4]], all_of_them[[1, 4]])
    assert not some[[0, 2, 3, 5]].any()
