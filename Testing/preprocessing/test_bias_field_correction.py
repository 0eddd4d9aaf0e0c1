"""N4 removes what it should, touches nothing else, and can be cancelled."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import Cancelled, InputError
from CHARMSSRLib.preprocessing import bias_field
from CHARMSSRLib.preprocessing.bias_field import correct_bias_field
from CHARMSSRLib.preprocessing.head_mask import head_mask
from CHARMSSRLib.task import Task
from Testing.phantom import phantom_head_and_brain
from Testing.preprocessing.grids import ARRANGEMENTS, arranged_back, rearranged, same_geometry


@pytest.fixture(scope="module")
def flat_head():
    """A head without a bias field, and its brain."""
    return phantom_head_and_brain(bias=0.0)


@pytest.fixture
def few_iterations(monkeypatch):
    """For what does not depend on how well the field is estimated."""
    monkeypatch.setattr(bias_field, "ITERATIONS", (3, 3, 3))
    monkeypatch.setattr(bias_field, "WORKING_SPACING_MM", 8.0)


def known_field(image):
    """A smooth field of about 0.7 to 1.4, a function of the voxel's place in the volume."""
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, size) for size in image.GetSize()[::-1]), indexing="ij")
    return np.exp(0.35 * x + 0.2 * y * z - 0.15 * z**2).astype(np.float32)


def times(image, factor):
    result = sitk.GetImageFromArray(sitk.GetArrayFromImage(image) * factor)
    result.CopyInformation(image)
    return result


@pytest.mark.parametrize(
    "spacing, size",
    [((2.1, 2.2, 7.2), (96, 96, 24)), ((1.1, 1.1, 5.0), (160, 180, 34))],
    ids=["7.2 mm slices", "5 mm slices"],
)
def test_n4_removes_most_of_a_known_bias_field(spacing, size):
    flat, brain = phantom_head_and_brain(size=size, spacing=spacing, bias=0.0, noise=8.0)
    truth = known_field(flat)
    biased = times(flat, truth)
    corrected = correct_bias_field(biased, head_mask(biased))
    inside = sitk.GetArrayFromImage(brain) > 0
    before = np.log(truth[inside]).std()
    after = (np.log(truth) - np.log(sitk.GetArrayFromImage(corrected.field)))[inside].std()
    assert before > 0.08
    assert after < 0.35 * before


@pytest.mark.parametrize("samples, strides", [(10**6, (1, 1, 1)), (7000, (1, 1, 2)), (1000, (2, 2, 2))])
def test_thinned_samples_are_enough_and_the_field_stays_where_it_is(monkeypatch, samples, strides):
    monkeypatch.setattr(bias_field, "LEAST_SAMPLES", samples)
    factors, shape = (3, 2, 4), (20, 25, 31)
    block = [np.arange(count) for count in shape]
    ramp = 0.1 * block[0][:, None, None] - 0.2 * block[1][:, None] + 0.3 * block[2]
    small = sitk.GetImageFromArray(ramp)
    small.SetSpacing((3.9, 4.0, 4.1))
    thin, mask, places = bias_field._thinned(small, sitk.Cast(small < 1e9, sitk.sitkUInt8))
    assert tuple(np.diff(own)[0] for own in places) == strides and mask.GetSize() == thin.GetSize()
    assert sitk.GetArrayFromImage(mask).sum() >= min(samples, ramp.size)
    centres = [(own + 0.5) * factor - 0.5 for own, factor in zip(places, factors)]
    full = [count * factor for count, factor in zip(shape, factors)]
    found = bias_field._evaluate(sitk.GetArrayFromImage(thin), centres, full)
    z, y, x = ((np.arange(count) + 0.5) / factor - 0.5 for count, factor in zip(full, factors))
    np.testing.assert_allclose(found, 0.1 * z[:, None, None] - 0.2 * y[:, None] + 0.3 * x, atol=1e-4)


def test_n4_leaves_a_flat_head_nearly_flat(flat_head):
    corrected = correct_bias_field(flat_head[0], head_mask(flat_head[0]))
    inside = sitk.GetArrayFromImage(flat_head[1]) > 0
    assert np.log(sitk.GetArrayFromImage(corrected.field)[inside]).std() < 0.05


def test_field_times_result_is_the_input_and_the_input_stays_as_it_was(few_iterations, phantom_head):
    before = sitk.Image(phantom_head)
    corrected = correct_bias_field(phantom_head, head_mask(phantom_head))
    assert same_geometry(phantom_head, before)
    assert np.array_equal(sitk.GetArrayFromImage(phantom_head), sitk.GetArrayFromImage(before))
    for image in corrected:
        assert same_geometry(image, phantom_head)
        assert image.GetPixelID() == sitk.sitkFloat32
    product = sitk.GetArrayFromImage(corrected.image) * sitk.GetArrayFromImage(corrected.field)
    np.testing.assert_allclose(product, sitk.GetArrayFromImage(phantom_head), rtol=1e-5)


def test_the_field_keeps_the_unit_and_does_not_depend_on_it(few_iterations, phantom_head):
    mask = head_mask(phantom_head)
    field = sitk.GetArrayFromImage(correct_bias_field(phantom_head, mask).field)
    inside = sitk.GetArrayFromImage(mask) > 0
    assert abs(np.log(field[inside]).mean()) < 1e-3
    tiny = sitk.GetArrayFromImage(correct_bias_field(times(phantom_head, np.float32(1e-4)), mask).field)
    np.testing.assert_allclose(tiny, field, rtol=2e-3)


def test_every_axis_order_gives_the_same_field(few_iterations, phantom_head):
    mask = head_mask(phantom_head)
    expected = sitk.GetArrayFromImage(correct_bias_field(phantom_head, mask).field)
    for order, flips in ARRANGEMENTS[1:3]:
        result = correct_bias_field(rearranged(phantom_head, order, flips), rearranged(mask, order, flips))
        field = sitk.GetArrayFromImage(arranged_back(result.field, order, flips))
        np.testing.assert_allclose(field, expected, rtol=1e-5)


@pytest.mark.parametrize("asked", [1, 2, 4], ids=["before the first level", "between levels", "after the last"])
def test_n4_can_be_cancelled(few_iterations, phantom_head, asked):
    calls = []

    def is_cancelled():
        calls.append(None)
        return len(calls) >= asked

    with pytest.raises(Cancelled):
        correct_bias_field(phantom_head, head_mask(phantom_head), Task(is_cancelled=is_cancelled))
    assert len(calls) == asked


def test_negative_and_zero_voxels_do_no_harm(few_iterations, phantom_head):
    array = sitk.GetArrayFromImage(phantom_head)
    array[:, ::7, ::5] = -30
    array[::6] = 0
    damaged = sitk.GetImageFromArray(array)
    damaged.CopyInformation(phantom_head)
    corrected = correct_bias_field(damaged, head_mask(phantom_head))
    field = sitk.GetArrayFromImage(corrected.field)
    assert np.isfinite(field).all()
    assert 0.3 < field.min() and field.max() < 3


def test_an_empty_mask_is_refused_with_a_reason(phantom_head):
    with pytest.raises(InputError, match="mask"):
        correct_bias_field(phantom_head, sitk.Image(phantom_head.GetSize(), sitk.sitkUInt8))


@pytest.mark.parametrize("slices", [slice(0, 1), slice(20, 21), slice(-1, None)])
def test_a_mask_of_one_slice_or_a_few_voxels_is_enough(few_iterations, slices):
    values = np.random.default_rng(0).normal(100, 5, (40, 30, 20)).astype(np.float32)
    for rows in (slice(None), slice(29, 30), slice(0, 2)):
        mask = np.zeros(values.shape, np.uint8)
        mask[slices, rows, 3:6] = 1
        field = sitk.GetArrayFromImage(correct_bias_field(*map(sitk.GetImageFromArray, (values, mask))).field)
        assert np.isfinite(field).all()
        assert np.log(field[mask > 0]).mean() == pytest.approx(0, abs=1e-4)


def test_tissue_of_one_value_has_no_field():
    values, mask = np.full((20, 20, 20), 300, np.float32), np.zeros((20, 20, 20), np.uint8)
    mask[4:16, 3:18, 5:15] = 1
    values[mask == 0] = 7
    corrected = correct_bias_field(*map(sitk.GetImageFromArray, (values, mask)))
    assert np.array_equal(sitk.GetArrayFromImage(corrected.field), np.ones_like(values))
