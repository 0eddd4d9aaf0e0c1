"""The head mask: covers the head, keeps the air out, indifferent to grid and unit."""

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from CHARMSSRLib.errors import InputError
from CHARMSSRLib.preprocessing.head_mask import head_mask
from CHARMSSRLib.preprocessing.morphology import fill_holes
from CHARMSSRLib.preprocessing.plausibility import volume_ml
from Testing.phantom import phantom_head_and_brain
from Testing.preprocessing.grids import ARRANGEMENTS, arranged_back, lost, rearranged, same_geometry, tilted


@pytest.mark.parametrize("contrast", ["T1w", "T2w"])
def test_the_head_mask_covers_the_brain_and_little_air(contrast):
    image, brain = phantom_head_and_brain(contrast=contrast)
    mask = head_mask(image)
    assert lost(mask, brain) < 0.01
    # Half axes of the phantom's head: 78, 98 and 92 mm, and a neck below.
    head = 4 / 3 * np.pi * 78 * 98 * 92 / 1000
    assert 0.9 * head < volume_ml(mask) < 1.5 * head


def test_the_head_mask_lies_exactly_on_the_images_grid_and_leaves_it_alone(phantom_head):
    oblique = tilted(phantom_head, 20)
    before = sitk.GetArrayFromImage(oblique)
    mask = head_mask(oblique)
    assert mask.GetPixelID() == sitk.sitkUInt8
    assert same_geometry(mask, oblique)
    assert np.array_equal(before, sitk.GetArrayFromImage(oblique))


@pytest.mark.parametrize("order, flips", ARRANGEMENTS[1:])
def test_every_axis_order_gives_the_same_head(phantom_head, order, flips):
    turned = head_mask(rearranged(phantom_head, order, flips))
    back = sitk.GetArrayFromImage(arranged_back(turned, order, flips))
    assert np.array_equal(back, sitk.GetArrayFromImage(head_mask(phantom_head)))


def test_integer_voxels_and_other_units_give_the_same_head(phantom_head):
    mask = sitk.GetArrayFromImage(head_mask(phantom_head))
    integers = sitk.GetArrayFromImage(head_mask(sitk.Cast(phantom_head, sitk.sitkInt16)))
    assert np.mean(mask != integers) < 0.002
    large = sitk.GetArrayFromImage(head_mask(phantom_head * 100.0))
    assert np.mean(mask != large) < 0.002


@pytest.mark.parametrize("share", [0.0, 0.4, 0.5, 0.6, 0.8, 1.0])
def test_holes_are_filled_in_the_volume_and_then_in_each_slice(share):
    for shape in ((9, 17, 13), (1, 9, 9), (4, 1, 8)):
        mask = ndimage.uniform_filter(np.random.default_rng(0).random(shape), 2) < share
        expected = ndimage.binary_fill_holes(mask)
        for one in expected:
            one |= ndimage.binary_fill_holes(one)
        assert np.array_equal(fill_holes(mask), expected)


def test_a_constant_image_is_refused_with_a_reason():
    with pytest.raises(InputError, match="No head"):
        head_mask(sitk.Image(40, 40, 20, sitk.sitkFloat32) + 5)


@pytest.mark.parametrize("name", ["ARC_M2265_T2w", "openMS_long_04_FLAIR"])
def test_real_heads_have_a_plausible_volume(volume_path, name):
    image = sitk.ReadImage(str(volume_path(name)), sitk.sitkFloat32)
    assert 1500 < volume_ml(head_mask(image)) < 5000
