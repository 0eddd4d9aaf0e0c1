"""Real DICOM folders: discs, mixed kinds, exports that round, pad, or leave out what others state."""

import os
import shutil

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.enhancement.checks import check_image
from CHARMSSRLib.errors import InputError
from CHARMSSRLib.files.dicom_series import series_of
from CHARMSSRLib.files.volumes import read_scan, read_volume
from Testing.files.dicom_files import (
    OBLIQUE,
    SIZE,
    affine,
    item,
    positions,
    stack,
    write_dicomdir,
    write_enhanced,
    write_presentation_state,
    write_slices,
)
from Testing.files.readers import image_affine


def refusal(path, **options):
    with pytest.raises(InputError) as caught:
        read_scan(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def assert_is_the_stack(folder, **options):
    image = read_scan(folder, **options).image
    assert np.array_equal(sitk.GetArrayFromImage(image), stack())
    assert np.allclose(image_affine(image), affine(), atol=1e-5)


KINDS = {
    "image type: M\\ND (18 images), P\\ND (18 images)": {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]},
    "image type: M\\ND (18 images), M\\ND\\NORM (18 images)": {"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"]},
    "echo time: 2.46 ms (18 images), 4.92 ms (18 images)": {"EchoTime": 4.92},
    "inversion time: 900 ms (18 images), 2700 ms (18": {"InversionTime": 2700},
    "temporal position: 1 (18 images), 2 (18 images)": {"TemporalPositionIdentifier": 2},
    "acquisition number: 1 (18 images), 2 (18 images)": {"AcquisitionNumber": 2},
    "b-value: 0 s/mm2 (18 images), 1000 s/mm2 (18 images)": {"DiffusionBValue": 1000.0},
    "flip angle: 5 degrees (18 images), 20 degrees (18 images)": {"FlipAngle": 20},
    "repetition time: 20 ms (18 images), 2000 ms (18 images)": {"RepetitionTime": 2000},
    "trigger time: 10 ms (18 images), 60 ms (18 images)": {"TriggerTime": 60},
}
FIRST = {
    "EchoTime": 2.46, "InversionTime": 900, "TemporalPositionIdentifier": 1, "AcquisitionNumber": 1,
    "DiffusionBValue": 0.0, "FlipAngle": 5, "RepetitionTime": 20, "TriggerTime": 10,
}  # fmt: skip


@pytest.mark.parametrize("words", KINDS)
def test_one_series_of_several_kinds_is_refused_with_what_was_found(tmp_path, words):
    write_slices(tmp_path, tags=lambda k: FIRST)
    write_slices(tmp_path, stack(seed=4), tags=lambda k: {**FIRST, **KINDS[words]}, first=50)
    message = refusal(tmp_path)
    assert "mixes images of several kinds" in message and words in message


def test_what_a_scanner_changes_from_slice_to_slice_is_no_mixture(tmp_path):
    write_slices(tmp_path, tags=lambda k: {"RepetitionTime": 2000 + k, "TriggerTime": 50 * k, "FlipAngle": 10 + k % 2})
    assert_is_the_stack(tmp_path)


@pytest.mark.parametrize("class_uid", ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"])
def test_ct_is_known_by_its_class_whatever_the_modality_says(tmp_path, class_uid):
    if class_uid.endswith(".2.1"):
        write_enhanced(tmp_path / "a.dcm", class_uid=class_uid)
    else:
        write_slices(tmp_path, tags=lambda k: {"SOPClassUID": class_uid})
    assert "computed tomography" in refusal(tmp_path)


def test_a_few_phase_slices_in_the_place_of_magnitudes_are_noticed(tmp_path):
    def tags(k):
        return {"ImageType": ["ORIGINAL", "PRIMARY", "P" if k in (4, 9) else "M", "ND"]}

    write_slices(tmp_path, tags=tags)
    assert "M\\ND (16 images), P\\ND (2 images)" in refusal(tmp_path)


def test_a_series_of_phase_images_is_refused(tmp_path):
    write_slices(tmp_path / "classic", tags=lambda k: {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]})
    path = write_enhanced(
        tmp_path / "a.dcm", per_frame=lambda n: {"MRImageFrameTypeSequence": item(ComplexImageComponent="PHASE")}
    )
    for one in (tmp_path / "classic", path):
        assert "phase images" in refusal(one)


def test_slices_of_several_acquisitions_that_complete_each_other_are_put_together(tmp_path):
    write_slices(tmp_path, tags=lambda k: {"AcquisitionNumber": 1 + k % 2})
    scan = read_scan(tmp_path)
    assert "several acquisitions" in " ".join(scan.warnings)
    assert np.array_equal(sitk.GetArrayFromImage(scan.image), stack())


def test_a_temporal_position_that_only_counts_the_slices_is_no_mixture(tmp_path):
    write_slices(tmp_path, tags=lambda k: {"TemporalPositionIdentifier": k + 1})
    assert_is_the_stack(tmp_path)
    write_slices(tmp_path, tags=lambda k: {"TemporalPositionIdentifier": 1 + k // 9})
    assert "temporal position" in refusal(tmp_path)


def test_what_is_no_image_on_a_disc_is_skipped(tmp_path):
    write_slices(tmp_path / "IMAGES")
    write_dicomdir(tmp_path / "DICOMDIR")
    write_presentation_state(tmp_path / "IMAGES" / "PS0001.dcm")
    write_presentation_state(tmp_path / "IMAGES" / "PS0002")
    assert_is_the_stack(tmp_path)


def test_a_series_that_is_there_twice_is_read_once(tmp_path):
    write_slices(tmp_path / "A")
    shutil.copytree(tmp_path / "A", tmp_path / "B")
    assert_is_the_stack(tmp_path)


def test_a_series_in_a_folder_above_another_one_can_be_read(tmp_path):
    write_slices(tmp_path)
    write_slices(tmp_path / "below", stack(seed=4), uid="1.2.5", number=7)
    assert_is_the_stack(tmp_path)


def test_one_series_of_several_can_be_named(tmp_path):
    write_slices(tmp_path / "a")
    write_slices(tmp_path / "b", stack(seed=4), uid="1.2.5", number=7)
    assert "--series" in refusal(tmp_path)
    assert_is_the_stack(tmp_path, series="4")
    assert_is_the_stack(tmp_path, series="1.2.3")
    assert "holds no series 9" in refusal(tmp_path, series="9")


@pytest.mark.parametrize("ending", ["", ".dcm", ".IMA", ".1", ".bin"])
def test_files_without_preamble_and_with_any_ending_are_found(tmp_path, ending):
    write_slices(tmp_path, preamble=False, ending=ending)
    assert_is_the_stack(tmp_path)


def test_images_that_each_state_a_series_of_their_own_are_put_together(tmp_path):
    write_slices(tmp_path, series_of=lambda k: f"1.2.3.{k}")
    write_slices(tmp_path, stack(count=3), uid="1.2.8", number=1, first=50, series_of=lambda k: f"1.2.8.{k}")
    write_slices(tmp_path, stack(count=4), uid="1.2.7", number=2, first=80)
    assert_is_the_stack(tmp_path)
    assert "a series of its own" in " ".join(read_scan(tmp_path).warnings)


@pytest.mark.parametrize("value", [-2000, -32768, 32767])
@pytest.mark.parametrize("scaling", [(1, 0), (2, -5)])
def test_declared_padding_becomes_background(tmp_path, value, scaling):
    pixels = stack(dtype=np.int16)
    pixels[:, :4] = value

    def tags(k):
        return {"PixelPaddingValue": value, "RescaleSlope": scaling[0], "RescaleIntercept": scaling[1]}

    write_slices(tmp_path / "classic", pixels, tags=tags)
    scan = read_scan(tmp_path / "classic")
    array = sitk.GetArrayFromImage(scan.image)
    assert not array[:, :4].any() and np.array_equal(array[:, 4:], pixels[:, 4:].astype(int) * scaling[0] + scaling[1])
    assert scan.facts["padding_voxels"] == pixels[:, :4].size and "padding" in " ".join(scan.warnings)
    check_image(scan.image)


def test_padding_with_a_value_that_scans_hold_changes_nothing(tmp_path):
    pixels = stack(dtype=np.int16)
    pixels[:, :4] = 0
    pixels[0, 10, 10] = -3
    write_slices(tmp_path, pixels, tags=lambda k: {"PixelPaddingValue": 0})
    scan = read_scan(tmp_path)
    assert np.array_equal(sitk.GetArrayFromImage(scan.image), pixels) and scan.facts == {}


@pytest.mark.parametrize(
    ("step", "digits"),  # 0.9375 mm in whole millimetres: two slices may round to the same one
    [(step, digits) for step in (0.9375, 1.2, 2.34) for digits in (0, 1, 2) if digits or step > 1],
)
def test_positions_rounded_by_an_export_are_no_gap(tmp_path, step, digits):
    write_slices(tmp_path, places=positions(step=step), text=lambda value: f"{value:.{digits}f}")
    image = read_volume(tmp_path)
    assert image.GetSpacing()[2] == pytest.approx(step, abs=1.1 * 10.0**-digits / (SIZE[0] - 1))
    assert np.array_equal(sitk.GetArrayFromImage(image), stack())


@pytest.mark.parametrize("step", [0.9375, 1.2, 2.34])
def test_a_gap_is_noticed_in_spite_of_rounding(tmp_path, step):
    pixels, places = np.delete(stack(), 7, 0), np.delete(positions(step=step), 7, 0)
    write_slices(tmp_path, pixels, places=places, text=lambda value: f"{value:.1f}")
    assert "missing or unevenly spaced" in refusal(tmp_path)


@pytest.mark.parametrize("error", [1.5e-4, 5e-4, 9e-4])
def test_orientations_slightly_off_right_angles_are_read(tmp_path, error):
    tilted = np.array(OBLIQUE)
    tilted[3:] += error * tilted[:3]
    write_slices(tmp_path, orientation=tuple(tilted), places=positions(orientation=OBLIQUE))
    image = read_volume(tmp_path)
    direction = np.reshape(image.GetDirection(), (3, 3))
    assert np.allclose(direction.T @ direction, np.eye(3), atol=1e-9)
    assert np.allclose(image_affine(image)[:3], affine(OBLIQUE)[:3], atol=2e-3)


def test_orientations_far_off_right_angles_are_refused_for_that_reason(tmp_path):
    tilted = np.array(OBLIQUE)
    tilted[3:] += 5e-3 * tilted[:3]
    write_slices(tmp_path, orientation=tuple(tilted), places=positions(orientation=OBLIQUE))
    assert "not at right angles" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_links_are_followed_and_loops_are_not(tmp_path):
    write_slices(tmp_path / "elsewhere" / "series")
    study = tmp_path / "study"
    study.mkdir()
    (study / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere" / "loop").symlink_to(study, target_is_directory=True)
    assert_is_the_stack(study)


def test_all_series_below_a_folder_are_listed(tmp_path):
    write_slices(tmp_path / "a")
    write_slices(tmp_path / "b", stack(count=3), uid="1.2.5", number=1)
    write_enhanced(tmp_path / "c" / "d" / "e.dcm", series="1.2.6", number=9)
    found = {one.frames[0].number: one for one in series_of(tmp_path)}
    assert sorted(found) == ["1", "4", "9"] and [found[n].is_volume for n in "149"] == [False, True, True]
    assert found["9"].describe(tmp_path) == 'series 9 "T1 MPRAGE" in c/d, 18 images'
