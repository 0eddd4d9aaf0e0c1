"""What cannot be enhanced is refused with a reason; masks come onto the image's grid."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.enhancement.checks import check_image, looks_like_labels, match_mask, same_grid
from CHARMSSRLib.errors import InputError


def noise_image(size=(40, 40, 40), spacing=(3.0, 3.0, 3.0), dtype=np.float32):
    """Image (x, y, z sizes) of noise around 500."""
    array = np.random.default_rng(0).normal(500, 50, size[::-1]).astype(dtype)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    return image


def with_voxel(image, value):
    changed = sitk.Image(image)
    changed[3, 4, 5] = value
    return changed


def test_a_plain_scan_passes_without_warning(phantom_head):
    assert check_image(phantom_head) == []


@pytest.mark.parametrize(
    "pixel_type", [sitk.sitkUInt8, sitk.sitkInt16, sitk.sitkUInt16, sitk.sitkInt32, sitk.sitkFloat64]
)
def test_every_real_pixel_type_passes(phantom_head, pixel_type):
    assert check_image(sitk.Cast(phantom_head / 5, pixel_type)) == []


def test_smallest_allowed_volume_passes():
    check_image(noise_image((32, 32, 16)))
    check_image(noise_image((16, 32, 32)))


@pytest.mark.parametrize("size", [(32, 32, 15), (31, 31, 40), (40, 16, 16), (200, 200, 1)])
def test_too_few_slices_or_too_small_slices_are_refused(size):
    with pytest.raises(InputError, match="too small"):
        check_image(noise_image(size))


def test_wrong_kinds_of_images_are_refused():
    image = noise_image()
    for wrong, words in (
        (sitk.JoinSeries([image, image]), "4-D"),
        (sitk.Compose([image, image, image]), "3 values per voxel"),
        (sitk.RealAndImaginaryToComplex(image, image), "complex"),
        (image[:, :, 3], "2-D"),
        (np.zeros((40, 40, 40)), "not a volume"),
    ):
        with pytest.raises(InputError, match=words):
            check_image(wrong)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_voxels_that_are_not_finite_are_refused(value):
    with pytest.raises(InputError, match="1 voxel that is not a number or infinite"):
        check_image(with_voxel(noise_image(), value))


def test_a_constant_image_is_refused():
    with pytest.raises(InputError, match="constant"):
        check_image(noise_image() * 0 + 7)


@pytest.mark.parametrize("spacing", [(0.05, 1, 1), (1, 1, 11), (1e-9, 1, 1), (1000, 1000, 1000)])
def test_absurd_spacing_is_refused(spacing):
    with pytest.raises(InputError, match="voxel size"):
        check_image(noise_image(spacing=spacing))


def test_axes_that_are_not_at_right_angles_are_refused():
    image = noise_image()
    image.SetDirection((1, 0.01, 0, 0, 1, 0, 0, 0, 1))
    with pytest.raises(InputError, match="sheared"):
        check_image(image)
    image.SetDirection((1, 0.0005, 0, 0, 1, 0, 0, 0, 1))
    assert check_image(image) == []


def test_ct_is_refused_and_other_negative_values_are_warned_about():
    with pytest.raises(InputError, match="as CT has"):
        check_image(with_voxel(noise_image(), -501.0))
    warnings = check_image(with_voxel(noise_image(), -20.0))
    assert len(warnings) == 1 and "negative" in warnings[0]


@pytest.mark.parametrize("spacing", [(1, 1, 1), (10, 10, 10.0)])
def test_an_implausible_field_of_view_is_warned_about(spacing):
    warnings = check_image(noise_image(size=(41, 41, 41), spacing=spacing))
    assert len(warnings) == 1 and "field of view" in warnings[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_label_maps_are_refused(phantom_head, dtype):
    values = sitk.GetArrayFromImage(phantom_head)
    labels = np.digitize(sitk.GetArrayFromImage(sitk.DiscreteGaussian(phantom_head, 9.0)), [100, 300, 500]).astype(
        dtype
    )
    with pytest.raises(InputError, match="label map"):
        check_image(sitk.GetImageFromArray(labels))
    with pytest.raises(InputError, match="label map"):
        check_image(sitk.GetImageFromArray((values > 200).astype(dtype)))


def test_a_coarsely_quantised_scan_is_no_label_map(phantom_head):
    coarse = np.round(sitk.GetArrayFromImage(phantom_head) / 20).astype(np.uint8)
    assert len(np.unique(coarse)) < 64
    assert not looks_like_labels(coarse)


def test_every_real_volume_passes(shared_data):
    from CHARMSSRLib.files.volumes import read_volume

    names = ["VRD_stroke_T1w", "VRD_stroke_FLAIR", "ds000011_sub-04_T1w", "ds002748_sub-05_T1w", "openMS_long_01_T2w"]
    for name in names:
        assert check_image(read_volume(shared_data / "volumes" / f"{name}.nii.gz")) == []


def test_a_mask_on_the_same_grid_is_only_made_binary(phantom_head, phantom_brain):
    matched = match_mask(sitk.Cast(phantom_brain, sitk.sitkInt16) * 1000, phantom_head)
    assert matched.GetPixelID() == sitk.sitkUInt8
    assert np.array_equal(sitk.GetArrayViewFromImage(matched), sitk.GetArrayViewFromImage(phantom_brain))


def test_a_probability_mask_counts_from_one_half(phantom_head, phantom_brain):
    probability = sitk.Cast(phantom_brain, sitk.sitkFloat32) * 0.6 + 0.2
    assert np.array_equal(
        sitk.GetArrayViewFromImage(match_mask(probability, phantom_head)), sitk.GetArrayViewFromImage(phantom_brain)
    )


def test_a_mask_on_another_grid_is_resampled(phantom_head, phantom_brain):
    flipped = sitk.DICOMOrient(phantom_brain, "RSP")
    finer = sitk.Expand(flipped, (1, 2, 1), sitk.sitkNearestNeighbor)
    assert not same_grid(finer, phantom_head)
    matched = match_mask(finer, phantom_head)
    assert same_grid(matched, phantom_head)
    truth, found = sitk.GetArrayViewFromImage(phantom_brain) > 0, sitk.GetArrayViewFromImage(matched) > 0
    assert (truth == found).mean() > 0.999


def test_masks_that_mark_nothing_are_refused(phantom_head, phantom_brain):
    with pytest.raises(InputError, match="empty"):
        match_mask(phantom_brain * 0, phantom_head)
    elsewhere = sitk.Image(phantom_brain)
    elsewhere.SetOrigin((1000.0, 0.0, 0.0))
    with pytest.raises(InputError, match="does not overlap"):
        match_mask(elsewhere, phantom_head)
    with pytest.raises(InputError, match="The mask is 4-D"):
        match_mask(sitk.JoinSeries([phantom_brain, phantom_brain]), phantom_head)
