"""The figures by which a registration is judged, and its picture."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from CHARMSSRLib.errors import OutputError
from CHARMSSRLib.fine_tuning.pairs import pair_picture as pair_picture_module
from CHARMSSRLib.fine_tuning.pairs.pair_picture import PIXEL_MM, pair_picture, write_pair_picture
from CHARMSSRLib.fine_tuning.pairs.pair_quality import (
    detail_agreement,
    matched_intensities,
    measure_quality,
    motion_of,
    mutual_information,
    refusal,
    remarks,
    residual_shift,
)
from CHARMSSRLib.fine_tuning.pairs.registration import RegisteredPair
from Testing.phantom import phantom_head_and_brain

IDENTITY = sitk.Transform(3, sitk.sitkIdentity)
GRID = {"size": (64, 72, 44), "spacing": (2.6, 2.6, 3.6)}


@pytest.fixture(scope="module")
def head():
    return phantom_head_and_brain(**GRID, bias=0.0)


@pytest.fixture(scope="module")
def t2_head():
    return phantom_head_and_brain(**GRID, contrast="T2w", bias=0.0, seed=1)


@pytest.fixture(scope="module")
def texture():
    """Blobs of a few voxels in a ball, and the ball."""
    array = ndimage.gaussian_filter(np.random.default_rng(5).standard_normal((48, 48, 48)), 1.5)
    z, y, x = np.indices(array.shape) - 23.5
    return (array / array.std()).astype(np.float32), z**2 + y**2 + x**2 < 20**2


def registered(first, second, transform=IDENTITY):
    return RegisteredPair("anna", "T1w", *first, *second, transform)


def test_a_pair_that_fits(head, t2_head):
    quality = measure_quality(*head, *t2_head, IDENTITY)
    assert quality["mask_overlap"] == quality["mask_overlap_before"] == 1
    assert quality["mutual_information"] == quality["mutual_information_before"] > 0.4
    assert quality["coverage"] == 1
    assert quality["residual_shift_mm"] < 0.3
    assert quality["correlation"] > 0.9
    assert quality["rank_correlation"] < -0.4  # bright fluid: the opposite order
    assert quality["detail_agreement"] > 0.8
    assert quality["rotation_degrees"] == quality["translation_mm"] == 0
    json.dumps(quality)


def test_a_shifted_pair_scores_lower(head, t2_head):
    fits = measure_quality(*head, *t2_head, IDENTITY)
    shifted = measure_quality(*head, *t2_head, sitk.TranslationTransform(3, (3.0, -4.0, 0.0)))
    assert shifted["mutual_information"] < 0.8 * fits["mutual_information"]
    assert shifted["mutual_information_before"] == fits["mutual_information"]
    assert shifted["mask_overlap"] < 0.97
    assert shifted["detail_agreement"] < fits["detail_agreement"] - 0.1
    assert shifted["residual_shift_mm"] == pytest.approx(5, abs=1)
    assert shifted["translation_mm"] == pytest.approx(5, abs=1e-3)


def test_coverage_counts_what_the_7t_does_not_show(head):
    quality = measure_quality(*head, *(image[:, :, :24] for image in head), IDENTITY)
    inside = sitk.GetArrayViewFromImage(head[1]) > 0
    assert quality["coverage"] == pytest.approx(inside[:24].sum() / inside.sum(), abs=0.02)
    # The overlap of the masks is judged where both are seen.
    assert quality["mask_overlap"] > 0.99


def test_scans_far_apart_share_nothing_before(head):
    moved = [sitk.Image(image) for image in head]
    for image in moved:
        image.SetOrigin([o + 500 for o in image.GetOrigin()])
    quality = measure_quality(*head, *moved, sitk.TranslationTransform(3, (500.0, 500.0, 500.0)))
    assert quality["mutual_information_before"] == quality["mask_overlap_before"] == 0
    assert quality["mask_overlap"] > 0.99


def test_mutual_information_knows_sameness_and_chance():
    values = np.random.default_rng(0).random(40000)
    assert mutual_information(values, 3 - 2 * values) > 0.95
    assert mutual_information(values, values[::-1]) < 0.02
    assert mutual_information(values[:1], values[:1]) == 0
    assert mutual_information(values * 0, values * 0) == 0


def test_intensities_are_matched_by_their_conditional_mean():
    rng = np.random.default_rng(1)
    source = rng.random((20, 20, 20)).astype(np.float32)
    inside = np.ones(source.shape, bool)
    matched = matched_intensities(source, (1 - source) ** 2 + 0.01 * rng.standard_normal(source.shape), inside)
    assert np.abs(matched - (1 - source) ** 2).max() < 0.05
    assert not matched_intensities(source * 0, source, inside).any()


@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (0.4, -0.3, 0.25), (-2.3, 1.6, 0.0)])
def test_the_residual_shift_is_found_to_a_part_of_a_voxel(texture, shift):
    array, ball = texture
    moved = ndimage.shift(array, shift, order=5, mode="nearest")
    found = residual_shift(array, moved, ball, (1.0, 1.0, 1.0))
    np.testing.assert_allclose(found, shift, atol=0.12)


def test_the_residual_shift_is_in_millimetres(texture):
    array, ball = texture
    moved = ndimage.shift(array, (0.0, 2.0, 0.0), order=3)
    np.testing.assert_allclose(residual_shift(array, moved, ball, (1.0, 0.8, 1.0)), (0, 1.6, 0), atol=0.15)


def test_detail_agrees_in_any_contrast_and_not_by_chance(texture):
    array, ball = texture
    other = ndimage.gaussian_filter(np.random.default_rng(6).standard_normal(array.shape), 1.5).astype(np.float32)
    assert detail_agreement(array, -array, ball, (1, 1, 1)) == pytest.approx(1, abs=1e-3)
    assert detail_agreement(array, other, ball, (1, 1, 1)) == pytest.approx(1 / 3, abs=0.05)
    assert detail_agreement(array, array * 0, ball, (1, 1, 1)) == 0


def test_motion_is_that_of_the_brains_centre():
    transform = sitk.Euler3DTransform((10.0, 20.0, 30.0), 0, np.deg2rad(25.0), 0, (0.0, 3.0, 4.0))
    rotation, distance = motion_of(transform, (10.0, 20.0, 30.0))
    assert rotation == pytest.approx(25) and distance == pytest.approx(5)


GOOD = {
    "mutual_information_before": 0.02, "mutual_information": 0.4, "mask_overlap_before": 0.6, "mask_overlap": 0.97,
    "coverage": 1.0, "residual_shift_mm": 0.05, "correlation": 0.98, "rank_correlation": 0.97,
    "detail_agreement": 0.98, "rotation_degrees": 12.0, "translation_mm": 20.0,
}  # fmt: skip


def test_a_good_pair_is_neither_refused_nor_doubted():
    assert refusal(GOOD) == "" and remarks(GOOD) == []
    # Scans that lay on each other before have nothing to gain.
    assert refusal({**GOOD, "mutual_information_before": 0.41}) == ""


@pytest.mark.parametrize(
    "change, words",
    [
        ({"coverage": 0.25}, "shows only 25 % of the 3T scan's brain"),
        ({"mutual_information_before": 0.5}, "did not raise the mutual information"),
        ({"mask_overlap": 0.75}, "overlap by 75 % only"),
        ({"detail_agreement": 0.54}, "different heads"),
        ({"residual_shift_mm": 2.04}, "still 2.0 mm apart"),
    ],
)
def test_a_failed_registration_is_refused_with_its_reason(change, words):
    assert words in refusal({**GOOD, **change})


@pytest.mark.parametrize(
    "change, words",
    [
        ({"coverage": 0.6}, "shows only 60 % of the brain"),
        ({"rank_correlation": -0.59}, "different contrasts"),
        ({"mask_overlap": 0.85}, "overlap by 85 % only"),
        ({"detail_agreement": 0.75}, "agree less than usual (0.75)"),
        ({"residual_shift_mm": 0.9}, "still 0.9 mm apart"),
    ],
)
def test_what_is_doubtful_is_said_and_not_refused(change, words):
    assert refusal({**GOOD, **change}) == ""
    (remark,) = remarks({**GOOD, **change})
    assert words in remark


def test_the_picture_shows_both_scans(head):
    brighter = (head[0] * 0.0 + 100.0, head[1])
    picture = pair_picture(registered(head, brighter))
    same = pair_picture(registered(head, head))
    assert picture.dtype == np.uint8 and picture.shape == same.shape
    # Brain of 130 x 160 x 130 mm with 12 mm around: two rows and three columns of about that.
    assert 2 * 140 < picture.shape[0] * PIXEL_MM < 2 * 210 and 3 * 140 < picture.shape[1] * PIXEL_MM < 3 * 210
    half = picture.shape[0] // 2
    changed = (picture[:half] != same[:half]).any(axis=2)
    assert 0.3 < changed.mean() < 0.7  # the fields of the second scan
    # Edges are red, and only the lower row has them.
    red = (same[..., 0].astype(int) - same[..., 1]) > 100
    assert red[half:].sum() > 1000 and not red[: half - 4].any()


def test_the_picture_is_written_as_png(head, tmp_path, monkeypatch):
    pair = registered(head, head)
    monkeypatch.setattr(pair_picture_module, "PIXEL_MM", 2.0)  # quicker
    write_pair_picture(pair, tmp_path / "anna.png")
    written = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "anna.png")))
    np.testing.assert_array_equal(written, pair_picture(pair))
    assert [path.name for path in tmp_path.iterdir()] == ["anna.png"]
    with pytest.raises(OutputError, match="cannot be written"):
        write_pair_picture(pair, tmp_path / "absent" / "anna.png")
