"""What files claim, where they are wrong, and what a physicist would warn of."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLab.whole_volume.made_scans import acquired, interpolated
from CHARMSSRLib.acquisition.findings import ZERO_FILLED
from CHARMSSRLib.acquisition.inspect import inspect_image
from CHARMSSRLib.acquisition.tags import age_in_years, made_by_a_network, number, numbers, tags_of
from CHARMSSRLib.files.volume_writer import write_volume


@pytest.fixture(scope="module")
def zero_filled():
    """A phantom whose y axis was refined 1.5 times by zero-filling, and its tags as a scanner writes them."""
    from Testing.phantom import phantom_head

    values = sitk.GetArrayFromImage(phantom_head())
    made, _ = interpolated(acquired(values, (1, 1, 1), 0.02, 1), ZERO_FILLED, (1, 1.5, 1))
    image = sitk.GetImageFromArray(made)
    columns, rows = image.GetSize()[:2]
    tags = {"AcquisitionMatrix": f"0\\{columns}\\{round(rows / 1.5)}\\0", "Rows": str(rows), "Columns": str(columns)}
    return image, tags


@pytest.fixture(scope="module")
def plain(zero_filled):
    """What is found without tags."""
    return inspect_image(zero_filled[0])


def test_tags_that_agree_make_it_surer(zero_filled):
    image, tags = zero_filled
    axis = inspect_image(image, tags).axes[1]
    assert axis.confidence >= 0.95 and "AcquisitionMatrix" in axis.evidence
    assert axis.share == pytest.approx(2 / 3, rel=0.05)


def test_tags_that_agree_let_a_finding_be_acted_upon_that_was_not_sure_enough(zero_filled, monkeypatch):
    from CHARMSSRLib.acquisition import inspect
    from CHARMSSRLib.acquisition.measured_grid import SURE, grid_from_axes
    from CHARMSSRLib.acquisition.scan_settings import filled_in
    from CHARMSSRLib.settings import EnhancementSettings

    image, tags = zero_filled
    find_end = inspect.find_end
    monkeypatch.setattr(
        inspect, "find_end", lambda *one: (end := find_end(*one))._replace(confidence=min(end.confidence, SURE - 0.1))
    )
    size, settings = image.GetSize(), EnhancementSettings()
    alone, with_tags = (filled_in(settings, image, one).axes for one in (None, tags))
    assert not grid_from_axes(size, alone).differs
    assert grid_from_axes(size, with_tags).changed == (False, True, False)


@pytest.mark.parametrize("matrix", ["0\\{half}\\{lines}\\0", "0\\{columns}\\{lines}\\0"])
def test_tags_alone_are_not_acted_upon(zero_filled, matrix):
    """A matrix of half the grid that the voxels do not show: a warning, and nothing is taken away."""
    from CHARMSSRLib.acquisition.measured_grid import grid_from_axes
    from CHARMSSRLib.acquisition.scan_settings import filled_in
    from CHARMSSRLib.settings import EnhancementSettings

    image, tags = zero_filled
    columns, rows = image.GetSize()[:2]
    claimed = matrix.format(half=columns // 2, columns=columns, lines=rows // 3)
    axes = filled_in(EnhancementSettings(), image, {**tags, "AcquisitionMatrix": claimed}).axes
    sizes = grid_from_axes(image.GetSize(), axes).sizes
    assert sizes[0] == columns and sizes[1] == pytest.approx(rows / 1.5, rel=0.05)


def test_tags_that_disagree_are_not_believed_and_the_report_says_so(zero_filled):
    image, tags = zero_filled
    columns, rows = image.GetSize()[:2]
    found = inspect_image(image, {**tags, "AcquisitionMatrix": f"0\\{columns}\\{rows}\\0"})
    assert found.axes[1].share == pytest.approx(2 / 3, rel=0.05)
    assert any("voxels were believed" in warning for warning in found.warnings)


@pytest.mark.parametrize("tags", [
    {"AcquisitionMatrix": "0\\0\\0\\0"}, {"AcquisitionMatrix": "a\\b"}, {"AcquisitionMatrix": [1, None, 2, 3]},
    {"AcquisitionMatrix": "0\\64\\64\\0", "Rows": "7", "Columns": "9"}, {"SliceThickness": "0"},
    {"SliceThickness": "-2"}, {"SliceThickness": True}, {"SliceThickness": {"a": 1}}, {"PatientAge": "old"},
    {"SliceThickness": "5", "SpacingBetweenSlices": "0.001"}, {"ImageType": ["ORIGINAL", 3]},
])  # fmt: skip
def test_odd_tags_change_nothing_that_the_voxels_say(zero_filled, plain, tags):
    odd = inspect_image(zero_filled[0], tags)
    assert [axis.share for axis in odd.axes] == [axis.share for axis in plain.axes]
    assert odd.slices.value in ("unknown", "gap", "overlap", "contiguous")


def test_numbers_are_read_from_tags_or_not_at_all():
    assert number({"a": " 2.5 "}, "a") == 2.5 and number({"a": "2.5\\3"}, "a") == 2.5
    assert [number({"a": value}, "a") for value in ("", "0", "nan", None, [1], "x")] == [None] * 6
    assert numbers({"a": "1\\2"}, "a") == [1, 2] and numbers({"a": "1\\x"}, "a") == []
    assert age_in_years({"PatientAge": "006M"}) == 0.5 and age_in_years({"PatientAge": "40"}) is None


@pytest.mark.parametrize(("tags", "expected"), [
    ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "DRB", "DIS2D"]}, "DRB"),
    ({"SeriesDescription": "Sag T1 AIR Recon DL"}, "AIR RECON"),
    ({"Description": "CHARMSSR 0.1.0"}, "CHARMSSR"),
    ({"ImageType": "ORIGINAL\\PRIMARY\\M\\ND", "SeriesDescription": "drbrain t1"}, None),
    ({}, None),
])  # fmt: skip
def test_images_that_a_network_made_are_known_by_their_tags(tags, expected):
    assert made_by_a_network(tags) == expected


def test_our_own_results_are_recognised(tmp_path, phantom_head):
    write_volume(phantom_head, tmp_path / "result.nii.gz")
    found = inspect_image(phantom_head, tags_of(tmp_path / "result.nii.gz"))
    assert any("by CHARMSSR" in warning for warning in found.warnings)


def test_a_sidecar_tells_the_gap_between_slices(tmp_path, phantom_head):
    sitk.WriteImage(phantom_head, str(tmp_path / "sub-1_T2w.nii"))
    (tmp_path / "sub-1_T2w.json").write_text(json.dumps({"SliceThickness": 2.4}))
    found = inspect_image(phantom_head, tags_of(tmp_path / "sub-1_T2w.nii"))
    assert found.slices.value == "gap" and "2.4 mm thick, 3.6 mm apart" in found.slices.evidence


@pytest.mark.parametrize("content", [
    "", "[]", "{", "null", '{"SliceThickness": "thick"}', '{"SliceThickness": NaN, "EchoTime": [Infinity]}',
])  # fmt: skip
def test_a_broken_sidecar_is_as_none(tmp_path, phantom_head, content):
    sitk.WriteImage(phantom_head, str(tmp_path / "scan.nii"))
    (tmp_path / "scan.json").write_text(content)
    found = inspect_image(phantom_head, tags_of(tmp_path / "scan.nii"))
    assert found.slices.value == "unknown" and json.dumps(found.to_dict(), allow_nan=False)


def test_a_head_that_is_cut_off_is_warned_of(phantom_head):
    size = list(phantom_head.GetSize())
    whole = inspect_image(phantom_head)
    cut = inspect_image(phantom_head[:, : size[1] // 2, :])
    assert not any("cut off at the back" in warning for warning in whole.warnings)
    assert any("cut off at the back" in warning for warning in cut.warnings)


def test_strong_bias_is_warned_of(phantom_head):
    values = sitk.GetArrayFromImage(phantom_head)
    slope = np.linspace(0.25, 2.5, values.shape[2], dtype=np.float32)
    steep = sitk.GetImageFromArray(values * slope)
    steep.CopyInformation(phantom_head)
    assert any("bias field" in warning for warning in inspect_image(steep).warnings)


@pytest.mark.parametrize("name", ["ds000011_sub-04_T1w", "openMS_long_04_FLAIR", "VRD_stroke_T2w"])
def test_the_contrast_of_real_scans_is_told(volume_path, name):
    image = sitk.ReadImage(str(volume_path(name)))
    assert inspect_image(image).contrast.value == name.rsplit("_", 1)[1]


def test_the_axes_of_real_scans_that_are_zero_filled_are_found(volume_path):
    """ds002748: z is 2 mm on 1 mm; openMS: x ends at about 0.75 of the band, y does not (seen in the spectra)."""
    x, y, z = inspect_image(sitk.ReadImage(str(volume_path("ds002748_sub-04_T1w")))).axes
    assert z.is_zero_filled and 0.45 < z.share < 0.65
    x, y, z = inspect_image(sitk.ReadImage(str(volume_path("openMS_long_04_FLAIR")))).axes
    assert x.is_zero_filled and 0.65 < x.share < 0.8 and y.share == 1


@pytest.mark.parametrize("path", ["no/such/file.nii.gz", "n" * 400, "null\0byte"])
def test_what_cannot_be_read_has_no_tags(path):
    assert tags_of(path) == {}
