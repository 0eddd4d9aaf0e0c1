"""Gaps and overlap of thick slices: what a slice holds of the finer ones, and where the thickness comes from."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.acquisition.scan_settings import filled_in
from CHARMSSRLib.acquisition.tags import tags_of
from CHARMSSRLib.enhancement.data_consistency import Operator, project
from CHARMSSRLib.enhancement.through_plane import _make_means_agree
from CHARMSSRLib.errors import SettingsError
from CHARMSSRLib.grids.slice_profile import profile_matrix
from CHARMSSRLib.grids.stacks import interpolated_across
from CHARMSSRLib.settings import EnhancementSettings


@pytest.mark.parametrize(("thickness", "row"), [
    (1.0, [0.25, 0.25, 0.25, 0.25, 0, 0, 0, 0, 0, 0, 0, 0]),
    (0.5, [0, 0.5, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    (0.75, [1 / 6, 1 / 3, 1 / 3, 1 / 6, 0, 0, 0, 0, 0, 0, 0, 0]),
    (2.0, [1 / 6] * 6 + [0] * 6),  # what would lie before the first slice is not there
])  # fmt: skip
def test_a_slice_is_the_mean_over_its_thickness(thickness, row):
    matrix = profile_matrix(12, 3, thickness, "float64").toarray()
    assert np.allclose(matrix[0], row) and np.allclose(matrix.sum(1), 1)
    assert np.allclose(matrix[::-1, ::-1], matrix)


def test_overlapping_slices_share_what_lies_between_them():
    matrix = profile_matrix(12, 3, 2.0, "float64").toarray()
    assert np.allclose(matrix[1], [0, 0, *[1 / 8] * 8, 0, 0])


@pytest.mark.parametrize("thickness", [0.5, 1.0, 1.2, 1.8])
def test_what_was_acquired_is_what_the_result_gives_back(thickness):
    random = np.random.default_rng(3)
    fine = random.random((24, 16, 16)).astype(np.float32)
    operator, mask = Operator("bicubic", 2, 4, thickness), np.ones((6, 8, 8), bool)
    acquired = operator.down_stack(fine)
    flat = operator.down(fine)
    assert np.allclose(acquired, np.tensordot(profile_matrix(24, 6, thickness).toarray(), flat, (1, 0)), atol=1e-5)
    output = np.zeros_like(fine)
    before = float(np.linalg.norm(acquired))
    project(output, acquired, mask, operator)
    after = float(np.linalg.norm(operator.down_stack(output) - acquired))
    assert after < (0.01 if thickness <= 1.2 else 0.2) * before


@pytest.mark.parametrize("thickness", [0.4, 2.0])
def test_the_right_thickness_brings_the_new_slices_nearer_to_the_truth(thickness):
    """A smooth course across the slices, seen by slices with gaps or overlap, and brought back with both profiles."""
    place = np.arange(96) / 96
    course = 3 + np.sin(2 * np.pi * 6 * place) + 0.5 * np.cos(2 * np.pi * 3 * place)
    fine = np.broadcast_to(course.astype(np.float32)[:, None, None], (96, 4, 4)).copy()
    seen = np.tensordot(profile_matrix(96, 24, thickness).toarray(), fine, (1, 0)).astype(np.float32)
    errors = {}
    for assumed in (1.0, thickness):
        output = interpolated_across(seen, 4)
        _make_means_agree(output, seen, assumed)
        errors[assumed] = float(np.abs(output - fine)[12:-12].mean())
    assert errors[thickness] < 0.8 * errors[1.0]


@pytest.mark.parametrize(("stated", "planes", "given", "expected"), [
    (2.0, "three", 0, 2.0), (5.4, "three", 0, 5.4), (3.6, "three", 0, 0), (None, "three", 0, 0),
    ("thick", "three", 0, 0), (400, "three", 0, 0), (2.0, "acquisition", 0, 0), (2.0, "three", 4.5, 4.5),
])  # fmt: skip
def test_the_thickness_comes_from_the_tags_unless_it_was_given(tmp_path, phantom_head, stated, planes, given, expected):
    path = tmp_path / "sub-1_T2w.nii.gz"
    path.write_bytes(b"")  # its header is not read
    (tmp_path / "sub-1_T2w.json").write_text(json.dumps({"SliceThickness": stated}))
    settings = EnhancementSettings(planes=planes, slice_thickness=float(given))
    assert filled_in(settings, phantom_head, tags_of(path)).settings.slice_thickness == expected


@pytest.mark.parametrize("checkpoint", ["charms-x2-clinical", "auto"])
@pytest.mark.parametrize("resolution", ["auto", "stated"])
def test_the_thickness_is_the_same_whatever_else_is_left_to_the_scan(phantom_head, checkpoint, resolution):
    settings = EnhancementSettings(planes="three", checkpoint=checkpoint, resolution=resolution)
    told = filled_in(settings, phantom_head, {"SliceThickness": 2.0})
    assert told.settings.slice_thickness == 2.0 and told.settings.checkpoint == "charms-x2-clinical"
    assert (told.axes is None) is (checkpoint != "auto" and resolution == "stated")
    assert (told.choice is None) is (checkpoint != "auto")


def test_a_thickness_that_cannot_be_is_refused(checkpoint):
    from CHARMSSRLib import enhance

    image = sitk.GetImageFromArray(np.random.default_rng(1).random((16, 40, 40)).astype(np.float32))
    image.SetSpacing((2.0, 2.0, 5.0))
    settings = EnhancementSettings(checkpoint=checkpoint, device="cpu", planes="three", slice_thickness=50.0)
    with pytest.raises(SettingsError, match="50 mm thick do not fit a scan with one every 5 mm"):
        enhance(image, settings)
    with pytest.raises(SettingsError, match="slice thickness must be a number"):
        EnhancementSettings(slice_thickness=-1.0)
