"""The built-in skull-strip: against deepbet on real heads, in any axis order, and its files."""

import json
import shutil

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import BackendError, Cancelled
from CHARMSSRLib.grids.orientation import LPSFrame
from CHARMSSRLib.preprocessing.head_mask import head_mask
from CHARMSSRLib.preprocessing.skull_strip import builtin, deepbet_backend, strip_skull
from CHARMSSRLib.task import Task
from Testing.preprocessing.grids import ARRANGEMENTS, arranged_back, dice, lost, rearranged, same_geometry, tilted


@pytest.mark.parametrize("name", ["ds000011_sub-04_T1w", "ARC_M2304_T1w"])
def test_on_heads_it_has_not_seen_it_agrees_with_deepbet_and_loses_little(volume_path, name):
    assert deepbet_backend.is_available(), "deepbet judges: pip install deepbet"
    image = sitk.ReadImage(str(volume_path(name)), sitk.sitkFloat32)
    head = head_mask(image)
    judge = strip_skull(image, "deepbet", head=head)
    assert judge.warnings == [], "deepbet's own mask must be plausible to judge by"
    ours = strip_skull(image, "builtin", head=head)
    assert ours.warnings == []
    assert dice(ours.mask, judge.mask) >= 0.90
    assert lost(ours.mask, judge.mask) <= 0.03


@pytest.mark.parametrize("name", ["openMS_long_04_T2w", "openMS_long_04_FLAIR"])
def test_thick_t2w_and_flair_slices_give_a_plausible_mask(volume_path, name):
    image = sitk.ReadImage(str(volume_path(name)), sitk.sitkFloat32)
    result = strip_skull(image, "builtin")
    assert result.warnings == [] and same_geometry(result.mask, image)


@pytest.fixture(scope="module")
def phantom_strip():
    from Testing.phantom import phantom_head_and_brain

    image, brain = phantom_head_and_brain()
    return image, brain, strip_skull(image, "builtin")


def test_a_phantom_head_is_stripped_plausibly(phantom_strip):
    image, brain, result = phantom_strip
    assert result.warnings == []
    assert dice(result.mask, brain) > 0.85
    assert lost(result.mask, brain) < 0.1


@pytest.mark.parametrize("order, flips", ARRANGEMENTS[1:3])
def test_every_axis_order_gives_the_same_mask(phantom_strip, order, flips):
    image, _, expected = phantom_strip
    turned = rearranged(tilted(image, 5), order, flips)
    result = strip_skull(turned, "builtin")
    assert same_geometry(result.mask, turned)
    back = arranged_back(result.mask, order, flips)
    assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(expected.mask))


def test_the_image_stays_as_it_was_and_cancelling_works(phantom_head):
    before = sitk.GetArrayFromImage(phantom_head)
    asked = []

    def is_cancelled():
        asked.append(None)
        return len(asked) > 1

    with pytest.raises(Cancelled):
        strip_skull(phantom_head, "builtin", task=Task(is_cancelled=is_cancelled))
    assert np.array_equal(sitk.GetArrayFromImage(phantom_head), before)


def test_the_networks_input_is_a_3_mm_grid_around_the_head(phantom_head):
    frame = LPSFrame(phantom_head)
    upright, head = frame.enter(phantom_head), frame.enter(head_mask(phantom_head))
    values, grid = builtin.network_input(upright, head)
    assert grid.GetSpacing() == (3.0, 3.0, 3.0) and values.shape == grid.GetSize()[::-1]
    assert all(size % 16 == 0 for size in grid.GetSize())
    assert 0 <= values.min() and values.max() <= 1.5
    covered = sitk.Resample(head, grid, sitk.Transform(), sitk.sitkNearestNeighbor)
    volumes = [np.count_nonzero(sitk.GetArrayFromImage(each)) * np.prod(each.GetSpacing()) for each in (covered, head)]
    assert volumes[0] == pytest.approx(volumes[1], rel=0.02)


def test_air_alone_is_an_error_and_not_a_mask():
    noise = sitk.GetImageFromArray(np.random.default_rng(0).normal(0, 1, (40, 60, 60)).astype(np.float32))
    noise.SetSpacing((3.0, 3.0, 4.0))
    with pytest.raises(BackendError):
        builtin.strip(noise, sitk.Image(noise.GetSize(), sitk.sitkUInt8))


def test_the_weights_are_small_and_match_their_card():
    assert builtin.WEIGHTS.stat().st_size < 3_000_000
    card = json.loads(builtin.WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["task"] == "skull-strip" and card["licence"] and card["training"]["command"]
    assert all(key in card["validation"] for key in ("protocol", "validation"))


@pytest.mark.parametrize("engine", ["ncnn", "torch"])
def test_damaged_weights_are_refused_in_a_sentence(engine, tmp_path):
    weights = tmp_path / builtin.WEIGHTS.name
    shutil.copy(builtin.WEIGHTS, weights)
    shutil.copy(builtin.WEIGHTS.with_suffix(".json"), weights.with_suffix(".json"))
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1
    weights.write_bytes(bytes(content))
    with pytest.raises(BackendError, match="damaged"):
        builtin._network(str(weights), engine)
    assert (
        type(builtin._network(str(builtin.WEIGHTS), engine)).__name__
        == {"ncnn": "NcnnStripUNet", "torch": "StripUNet"}[engine]
    )


def test_the_network_without_torch_is_the_same_function():
    values = np.random.default_rng(0).random((16, 48, 32), dtype=np.float32)
    both, weights = np.stack([values, values[:, :, ::-1]]), str(builtin.WEIGHTS)
    expected = builtin._with_torch(both, "cpu", weights)
    span = expected.max() - expected.min()
    assert np.abs(np.stack(builtin._with_ncnn(both, weights)) - expected).max() < 1e-5 * span
