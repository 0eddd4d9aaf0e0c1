"""``resolution``: zero-filled axes are enhanced from what was measured; nothing else changes by a bit."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLab.whole_volume.made_scans import acquired, interpolated
from CHARMSSRLib import EnhancementSettings, enhance
from CHARMSSRLib.acquisition.beyond_the_band import with_what_lay_beyond
from CHARMSSRLib.acquisition.findings import NONE, ZERO_FILLED
from CHARMSSRLib.acquisition.fourier import fourier_resize
from CHARMSSRLib.acquisition.measured_grid import delivered, grid_from_ratios, mask_to_grid, to_grid
from CHARMSSRLib.errors import SettingsError
from Testing.phantom import phantom_head_and_brain
from Testing.small_checkpoint import small_checkpoint


def image_of(values, spacing=(0.9, 0.9, 3.0)):
    image = sitk.GetImageFromArray(np.asarray(values, np.float32))
    image.SetSpacing(spacing)
    image.SetOrigin((-20.0, 31.0, 5.5))
    image.SetDirection(sitk.Euler3DTransform((0, 0, 0), 0.1, -0.2, 0.15).GetMatrix())
    return image


def bounds(image):
    """The outer corners (LPS, mm) of the first and the last voxel."""
    last = [size - 0.5 for size in image.GetSize()]
    return [image.TransformContinuousIndexToPhysicalPoint(corner) for corner in ([-0.5] * 3, last)]


@pytest.fixture(scope="module")
def scans():
    """(a scan that is zero-filled 1.5 times in plane, the same one as it was measured, its brain)."""
    head, brain = phantom_head_and_brain()
    values = sitk.GetArrayFromImage(head)[12:32]
    measured = acquired(values, (1, 1, 1), 0.02, 1)
    zero_filled, _ = interpolated(measured, ZERO_FILLED, (1, 1.5, 1.5))
    plain, _ = interpolated(measured, NONE, (1, 1, 1))
    mask = image_of(sitk.GetArrayFromImage(brain)[12:32])
    mask.SetSpacing((1.35, 1.35, 3.0))
    plain = image_of(plain, (1.35, 1.35, 3.0))
    return image_of(zero_filled), plain, sitk.Cast(mask, sitk.sitkUInt8)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    path = small_checkpoint(tmp_path_factory.mktemp("checkpoints"))
    return EnhancementSettings(checkpoint=path, device="cpu", engine="torch", bias_correction=False)


@pytest.fixture(scope="module")
def looked_at(scans, settings):
    """(what comes of the zero-filled scan, of the other one, sizes of the images that were checked meanwhile)."""
    from CHARMSSRLib.enhancement import enhance as job

    checked, check = [], job.check_image
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "check_image", lambda image: checked.append(image.GetSize()) or check(image))
        results = [enhance(scan, settings, mask=scans[2]) for scan in scans[:2]]
    return (*results, checked)


@pytest.mark.parametrize("sizes", [(31, 41, 21), (32, 41, 21), (45, 53, 24), (62, 82, 21)])
def test_another_grid_keeps_the_outer_edges_and_the_mean(sizes):
    values = 5 + np.random.default_rng(1).random((21, 41, 31)).astype(np.float32)
    coarse = image_of(values)
    other = to_grid(coarse, sizes)
    assert other.GetSize() == sizes and np.allclose(bounds(other), bounds(coarse), atol=1e-6)
    assert sitk.GetArrayFromImage(other).mean() == pytest.approx(values.mean(), rel=0.01)


def test_the_measured_image_is_still_known_by_its_name():
    from CHARMSSRLib.files.uni_names import is_marked_as_uni, mark_as_uni

    image = image_of(np.ones((8, 40, 40)))
    mark_as_uni(image)
    assert is_marked_as_uni(to_grid(image, (32, 32, 8)))


def test_zero_filling_is_undone_to_rounding():
    values = 5 + np.random.default_rng(1).random((4, 41, 31)).astype(np.float32)
    zero_filled = fourier_resize(fourier_resize(values, 62, 1), 47, 2)
    assert np.abs(sitk.GetArrayFromImage(to_grid(image_of(zero_filled), (31, 41, 4))) - values).max() < 1e-4


def test_a_zero_filled_scan_is_enhanced_from_what_was_measured(scans, looked_at):
    zero_filled, result = scans[0], looked_at[0]
    told = result.report["resolution"]
    assert told["measured_mm"][:2] == pytest.approx([1.35, 1.35], rel=0.1) and told["measured_mm"][2] == 3.0
    assert told["sentence"].startswith("The pixels are interpolated: 0.90 mm stated, 1.")
    assert told["sentence"].endswith("Enhanced from the measured ones.")
    assert told["sentence"] in result.report["notes"] and told["sentence"] not in result.report["warnings"]
    assert np.allclose(bounds(result.image), bounds(zero_filled), atol=1e-6)
    assert result.image.GetSpacing()[0] == pytest.approx(told["measured_mm"][0] / 2)
    assert result.image.GetSize() == result.mask.GetSize()
    assert result.report["input"]["size"] == list(zero_filled.GetSize())


def test_what_is_enhanced_is_the_measured_image_itself(scans, settings):
    zero_filled, plain, brain = scans
    sizes = plain.GetSize()
    own = enhance(to_grid(zero_filled, sizes), replace(settings, resolution="stated"), mask=brain)
    by_factor = enhance(zero_filled, replace(settings, resolution="1.5"), mask=brain)
    assert by_factor.image.GetSize() == own.image.GetSize()
    difference = sitk.GetArrayFromImage(by_factor.image) - sitk.GetArrayFromImage(own.image)
    same = (sitk.GetArrayFromImage(by_factor.mask) > 0) & (sitk.GetArrayFromImage(own.mask) > 0)
    assert np.abs(difference[same]).max() < 0.02 * sitk.GetArrayFromImage(own.image).max()
    assert by_factor.report["data_consistency"]["before"] == pytest.approx(
        own.report["data_consistency"]["before"], 0.05
    )


@pytest.mark.parametrize("corrected", [False, True])
def test_what_the_scan_holds_beyond_the_measured_band_is_given_back(corrected):
    """A wave that the measured grid cannot hold: wrongly taken for nothing, it is in the result all the same."""

    def on_grid(values, *sizes):
        for x, y in sizes:
            values = fourier_resize(fourier_resize(values, x, 2), y, 1)
        one = image_of(values)
        one.CopyInformation(to_grid(image, one.GetSize()))
        return one

    y, x = np.ogrid[:48, :64]
    smooth = 100 + 20 * np.sin(2 * np.pi * x / 32) * np.cos(2 * np.pi * y / 24)
    wave = 5 * np.cos(2 * np.pi * 28 * (x + 0.5) / 64)
    values = np.broadcast_to(smooth + wave, (8, 48, 64)).astype(np.float32)
    image = image_of(values)
    lacking = on_grid(values, (48, 48), (128, 96))  # as a network would give it that adds nothing
    field = 0.5 if corrected else 1.0
    given = with_what_lay_beyond(lacking * field, None, image, (48, 48, 8), corrected)
    wanted = sitk.GetArrayFromImage(on_grid(values, (128, 96))) * field
    assert np.abs(sitk.GetArrayFromImage(lacking) * field - wanted).max() > 2
    assert np.abs(sitk.GetArrayFromImage(given) - wanted).max() < (0.15 if corrected else 1e-3)
    assert given.GetSpacing() == lacking.GetSpacing() and given.GetOrigin() == lacking.GetOrigin()
    half = sitk.Cast(lacking > 0, sitk.sitkUInt8)
    half[:64, :, :] = 0
    cut = sitk.GetArrayFromImage(with_what_lay_beyond(sitk.Mask(lacking, half), half, image, (48, 48, 8), corrected))
    assert not cut[:, :, :64].any()


def test_a_zero_filled_scan_has_next_to_nothing_to_give_back(scans):
    zero_filled, plain, _ = scans
    result = sitk.Image(zero_filled) * 0
    given = with_what_lay_beyond(result, None, zero_filled, plain.GetSize(), False)
    power = [float((sitk.GetArrayFromImage(one) ** 2).mean()) for one in (given, zero_filled)]
    assert power[0] < 1e-3 * power[1]


def test_a_scan_that_was_not_interpolated_is_the_same_bit_for_bit(scans, settings, looked_at):
    _, plain, brain = scans
    automatic = looked_at[1]
    stated = enhance(plain, replace(settings, resolution="stated"), mask=brain)
    assert np.array_equal(sitk.GetArrayFromImage(automatic.image), sitk.GetArrayFromImage(stated.image))
    assert "resolution" not in automatic.report and automatic.image.GetSpacing() == stated.image.GetSpacing()


def test_the_result_is_never_coarser_than_the_scan(scans, settings):
    zero_filled, _, brain = scans
    result = enhance(zero_filled, replace(settings, resolution="2.4"), mask=brain)
    assert all(new >= old for new, old in zip(result.image.GetSize(), zero_filled.GetSize()))
    assert np.allclose(bounds(result.image), bounds(zero_filled), atol=1e-6)
    outside = sitk.GetArrayFromImage(result.image)[sitk.GetArrayFromImage(result.mask) == 0]
    assert not outside.any()


def test_delivery_does_not_see_the_background():
    values = np.zeros((8, 12, 12), np.float32)
    values[2:6, 3:9, 3:9] = 100
    image = image_of(values)
    mask = sitk.Cast(image > 0, sitk.sitkUInt8)
    fine = sitk.GetArrayFromImage(delivered(image, mask, (20, 18, 8)))
    assert set(np.unique(np.round(fine, 2))) == {0.0, 100.0}
    assert mask_to_grid(mask, image).GetSize() == image.GetSize()


@pytest.mark.parametrize("text", ["half", "2x2", "-1", "2,,2", "0x0x0x0"])
def test_what_is_no_resolution_is_refused(text):
    with pytest.raises(SettingsError, match="is no resolution"):
        EnhancementSettings(resolution=text)


@pytest.mark.parametrize("text", ["0.5", "9", "1x1x4"])
def test_factors_that_do_not_fit_are_refused(scans, settings, text):
    with pytest.raises(SettingsError, match="does not fit an axis"):
        enhance(scans[1], replace(settings, resolution=text))


def test_no_axis_is_brought_below_32_voxels():
    assert grid_from_ratios((64, 40, 20), (4, 1.1, 1)).sizes == (32, 37, 20)


def test_the_image_is_checked_once(scans, looked_at):
    assert looked_at[2] == [scans[0].GetSize(), scans[1].GetSize()]
