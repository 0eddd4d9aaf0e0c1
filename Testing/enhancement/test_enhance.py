"""The whole job on a volume: geometry, units, masks, report, cancellation, memory."""

import dataclasses

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CHARMSSRLib import Cancelled, EnhancementSettings, enhance
from CHARMSSRLib.enhancement.checks import check_image
from CHARMSSRLib.errors import BackendError, CheckpointError, InputError, SettingsError

REPORT_KEYS = (
    "checkpoint", "device", "precision", "stages", "peak_memory_bytes", "slices", "data_consistency", "banding",
    "skull_strip", "warnings",
)  # fmt: skip


def array(image):
    return sitk.GetArrayFromImage(image)


def corners(image):
    """Physical positions of the eight outer voxel corners."""
    matrix = np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing())
    size = image.GetSize()
    ends = np.array([[(-0.5, n - 0.5)[bit] for bit, n in zip(bits, size)] for bits in np.ndindex(2, 2, 2)])
    return np.array(image.GetOrigin()) + ends @ matrix.T


def test_the_result_has_finer_slices_within_the_same_physical_bounds(head_crop, enhanced_crop):
    image, result = head_crop[0], enhanced_crop
    assert result.image.GetSize() == (80, 88, 18)
    assert result.image.GetSpacing() == pytest.approx((0.45, 0.55, 1.4))
    assert result.image.GetDirection() == pytest.approx(image.GetDirection())
    assert np.allclose(corners(result.image), corners(image), atol=1e-9)
    assert np.allclose(corners(result.mask), corners(image), atol=1e-9)
    assert result.image.GetPixelID() == sitk.sitkFloat32 and result.mask.GetPixelID() == sitk.sitkUInt8


def test_the_caller_s_image_and_mask_stay_as_they_were(head_crop, settings):
    image, mask = head_crop
    before = array(image).copy(), array(mask).copy(), image.GetOrigin()
    enhance(image, settings, mask)
    assert np.array_equal(array(image), before[0]) and np.array_equal(array(mask), before[1])
    assert image.GetOrigin() == before[2]


@pytest.mark.parametrize("order, flips", [((2, 0, 1), (True, False, False)), ((1, 0, 2), (False, True, True))])
def test_any_axis_order_gives_the_same_result_up_to_the_reordering(head_crop, enhanced_crop, settings, order, flips):
    image, mask = head_crop

    def turn(one):
        return sitk.Flip(sitk.PermuteAxes(one, order), flips)

    turned, expected = enhance(turn(image), settings, turn(mask)), turn(enhanced_crop.image)
    assert turned.image.GetSize() == expected.GetSize()
    assert np.allclose(turned.image.GetOrigin(), expected.GetOrigin(), atol=1e-6)
    assert np.allclose(turned.image.GetDirection(), expected.GetDirection(), atol=1e-9)
    assert np.allclose(array(turned.image), array(expected), atol=1e-4 * array(expected).max())


def test_a_named_plane_overrides_the_acquired_one(head_crop, settings):
    image, mask = head_crop
    result = enhance(image, dataclasses.replace(settings, planes="sagittal"), mask)
    assert result.image.GetSize() == (40, 88, 36)
    assert result.report["slices"]["plane"] == "sagittal"


def test_the_network_s_box_and_slices_are_those_of_the_mask(head_crop, settings):
    image, mask = head_crop
    inside = array(mask)
    inside[:5] = 0
    inside[14:] = 0
    small = sitk.GetImageFromArray(inside)
    small.CopyInformation(mask)
    report = enhance(image, settings, small).report
    assert report["slices"]["enhanced"] == 9 and report["slices"]["skipped"] == 9
    assert report["slices"]["frame_share"] < 9 / 18 + 1e-9


def test_the_report_has_the_keys_that_scripts_rely_on(enhanced_crop):
    report = enhanced_crop.report
    assert set(REPORT_KEYS) <= set(report)
    assert report["checkpoint"]["name"] == "small" and len(report["checkpoint"]["sha256"]) == 64
    assert report["peak_memory_bytes"]["host"] > 1e7 and report["peak_memory_bytes"]["device"] is None
    assert report["data_consistency"]["before"] == report["data_consistency"]["after"] > 0
    assert report["banding"]["input"] >= 0 and report["banding"]["output"] >= 0
    assert report["skull_strip"]["backend"] == "user mask" and report["skull_strip"]["volume_ml"] > 0
    assert report["device"] == "cpu" and report["precision"] == "float32"


def test_intensities_keep_their_units(head_crop, enhanced_crop, settings):
    (image, mask), result = head_crop, enhanced_crop
    back = array(sitk.Resample(result.image, image, sitk.Transform(), sitk.sitkLinear))
    inner = array(sitk.BinaryErode(mask, [3, 3, 0])) > 0
    assert np.corrcoef(back[inner], array(image)[inner])[0, 1] > 0.95
    assert back[inner].mean() == pytest.approx(array(image)[inner].mean(), rel=0.02)
    scaled = enhance(image * 40.0, settings, mask)
    assert np.allclose(array(scaled.image), 40 * array(result.image), atol=1e-3 * 40 * array(image).max())


def test_outside_the_mask_the_result_is_zero_unless_the_skull_is_kept(head_crop, enhanced_crop, settings):
    (image, mask), plain = head_crop, enhanced_crop
    outside = array(plain.mask) == 0
    assert outside.any() and not array(plain.image)[outside].any()
    kept = enhance(image, dataclasses.replace(settings, keep_skull=True), mask)
    assert kept.image.GetSize() == plain.image.GetSize()
    assert (array(kept.image)[outside] != 0).mean() > 0.9


def test_projecting_makes_the_degraded_result_the_input(head_crop, settings):
    image, mask = head_crop
    report = enhance(image, dataclasses.replace(settings, data_consistency="project"), mask).report
    assert report["data_consistency"]["before"] > 1e-3
    assert report["data_consistency"]["after"] <= 1e-3


def test_no_data_consistency_means_no_figure(head_crop, settings):
    image, mask = head_crop
    figures = enhance(image, dataclasses.replace(settings, data_consistency="none"), mask).report["data_consistency"]
    assert figures["before"] is None and figures["after"] is None


def test_the_restored_bias_is_the_one_that_was_removed(head_crop, settings):
    image, mask = head_crop
    ramp = np.linspace(0.6, 1.4, 40, dtype=np.float32)[None, None, :]
    shaded = sitk.GetImageFromArray(array(image).astype(np.float32) * ramp)
    shaded.CopyInformation(image)
    corrected = dataclasses.replace(settings, bias_correction=True)
    plain = enhance(shaded, corrected, mask)
    restored = array(enhance(shaded, dataclasses.replace(corrected, restore_bias=True), mask).image)
    inside = array(plain.mask) > 0
    plain = array(plain.image)
    left, right = inside.copy(), inside.copy()
    left[:, :, 28:], right[:, :, :52] = False, False
    assert restored[right].mean() / restored[left].mean() > 1.2 * plain[right].mean() / plain[left].mean()


def test_the_detail_map_holds_what_lies_beyond_the_input_s_band(head_crop, enhanced_crop, settings):
    image, mask = head_crop
    assert enhanced_crop.maps == {}
    result = enhance(image, dataclasses.replace(settings, maps=True), mask)
    detail = array(result.maps["detail"])
    assert result.maps["detail"].GetSize() == result.image.GetSize()
    assert 0 < np.abs(detail).mean() < np.abs(array(result.image)).mean() / 5


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_batches_of_any_size_agree(head_crop, enhanced_crop, settings, batch):
    image, mask = head_crop
    one = array(enhanced_crop.image)
    other = array(enhance(image, dataclasses.replace(settings, batch=batch), mask).image)
    assert np.abs(one - other).max() <= 1e-5 * one.max()


def test_cropping_changes_next_to_nothing(phantom_head, phantom_brain, settings, monkeypatch):
    from CHARMSSRLib.enhancement import slice_wise as module
    from CHARMSSRLib.grids.slices import plan_slices

    head, brain = (sitk.RegionOfInterest(one, [96, 96, 16], [0, 0, 18]) for one in (phantom_head, phantom_brain))
    brain[:, :, :7], brain[:, :, 9:] = 0, 0
    cropped = array(enhance(head, settings, brain).image)

    def whole_frame(foreground, margin, longest):
        plan = plan_slices(foreground, 0, margin)
        return [dataclasses.replace(plan, rows=slice(0, foreground.shape[1]), columns=slice(0, foreground.shape[2]))]

    monkeypatch.setattr(module, "plan_runs", whole_frame)
    whole = array(enhance(head, settings, brain).image)
    inside = whole > 0
    change = np.sqrt(np.square(cropped - whole)[inside].mean()) / np.percentile(whole[inside], 99.9)
    assert change < 3e-3


def test_progress_rises_to_one_with_a_message_each_time(head_crop, settings):
    image, mask = head_crop
    seen = []
    looking = dataclasses.replace(settings, resolution="auto")
    enhance(image, looking, mask, progress=lambda fraction, message: seen.append((fraction, message)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert all(message for _, message in seen)
    assert any("slice 18 of 18" in message for _, message in seen)


@pytest.mark.parametrize("after", [0, 2, 5])
def test_a_cancelled_run_raises_cancelled(head_crop, settings, after):
    image, mask = head_crop
    asked = []

    def is_cancelled():
        asked.append(1)
        return len(asked) > after

    with pytest.raises(Cancelled):
        enhance(image, settings, mask, is_cancelled=is_cancelled)


def test_cancelling_is_asked_between_batches_of_slices(head_crop, settings):
    image, mask = head_crop
    asked = []
    enhance(image, dataclasses.replace(settings, batch=2), mask, is_cancelled=lambda: bool(asked.append(1)))
    assert len(asked) >= 9


def test_empty_masks_missing_checkpoints_and_devices_are_refused_in_words(head_crop, settings):
    image, mask = head_crop
    with pytest.raises(InputError, match="empty"):
        enhance(image, settings, mask * 0)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        enhance(image, dataclasses.replace(settings, checkpoint="charms-x9"), mask)
    with pytest.raises(SettingsError, match="device"):
        enhance(image, dataclasses.replace(settings, device="tpu"), mask)
    if not torch.cuda.is_available():
        with pytest.raises(BackendError, match="cuda"):
            enhance(image, dataclasses.replace(settings, device="cuda"), mask)
    with pytest.raises(SettingsError, match="batch"):
        EnhancementSettings(batch=-1)
    with pytest.raises(SettingsError, match="Unknown setting"):
        EnhancementSettings.from_dict({"speed": 3})
    (doubt,) = check_image(image)
    assert "36 x 48.4 x 25.2 mm is unusual" in doubt


def test_a_skull_strip_backend_that_cannot_run_is_refused_before_the_work(head_crop, settings):
    image, _ = head_crop
    messages = []
    with pytest.raises(SettingsError, match="backend"):
        strange = dataclasses.replace(settings, skull_strip="scissors")
        enhance(image, strange, progress=lambda *said: messages.append(said))
    assert messages == []
