"""The whole preprocessing: order of the stages, a user's mask, cancellation, nothing changed."""

import numpy as np
import pytest
import SimpleITK as sitk

from CHARMSSRLib.errors import Cancelled
from CHARMSSRLib.preprocessing import bias_field, pipeline
from CHARMSSRLib.preprocessing.pipeline import preprocess
from CHARMSSRLib.preprocessing.skull_strip import SkullStrip
from CHARMSSRLib.task import Task
from Testing.preprocessing.grids import same_geometry


@pytest.fixture(autouse=True)
def few_iterations(monkeypatch):
    monkeypatch.setattr(bias_field, "ITERATIONS", (3, 3, 3))
    monkeypatch.setattr(bias_field, "WORKING_SPACING_MM", 8.0)


@pytest.fixture
def true_strip(monkeypatch, phantom_brain):
    """A skull-strip that knows the answer; records what it was given."""
    calls = []

    def strip_skull(image, backend, device, task, head):
        calls.append((image, backend, head))
        return SkullStrip(phantom_brain, "known", 1300.0, ["a warning of the strip"])

    monkeypatch.setattr(pipeline, "strip_skull", strip_skull)
    return calls


def test_the_stages_run_in_order_and_report_their_seconds(phantom_head, phantom_brain, true_strip):
    messages = []
    result = preprocess(phantom_head, skull_strip="auto", task=Task(lambda fraction, text: messages.append(fraction)))
    assert list(result.stages) == ["head mask", "bias correction", "skull strip"]
    assert all(seconds >= 0 for seconds in result.stages.values())
    assert messages == sorted(messages) and messages[-1] == 1.0
    assert result.strip.backend == "known" and result.warnings == ["a warning of the strip"]
    assert np.array_equal(sitk.GetArrayFromImage(result.mask), sitk.GetArrayFromImage(phantom_brain))
    stripped_image = sitk.GetArrayFromImage(true_strip[0][0])
    assert np.array_equal(stripped_image, sitk.GetArrayFromImage(result.image)), "the strip sees the corrected image"


def test_the_input_is_never_changed_and_every_result_lies_on_its_grid(phantom_head, true_strip):
    whole = sitk.Cast(phantom_head, sitk.sitkInt16)
    before = sitk.GetArrayFromImage(whole)
    result = preprocess(whole)
    assert np.array_equal(sitk.GetArrayFromImage(whole), before) and whole.GetPixelID() == sitk.sitkInt16
    for image in (result.image, result.mask, result.head, result.field):
        assert same_geometry(image, whole)
    assert result.image.GetPixelID() == sitk.sitkFloat32


def test_a_users_mask_replaces_the_head_mask_and_the_strip(phantom_head, phantom_brain, true_strip):
    labelled = phantom_brain * 7
    result = preprocess(phantom_head, mask=labelled)
    assert true_strip == [] and result.strip is None
    for mask in (result.mask, result.head):
        assert np.array_equal(sitk.GetArrayFromImage(mask), sitk.GetArrayFromImage(phantom_brain))
    assert result.warnings == []


def test_a_users_mask_of_implausible_volume_gets_a_warning(phantom_head):
    tiny = sitk.Image(phantom_head.GetSize(), sitk.sitkUInt8)
    tiny.CopyInformation(phantom_head)
    tiny[40:60, 40:60, 20:30] = 1
    result = preprocess(phantom_head, mask=tiny)
    assert any("ml" in warning for warning in result.warnings)


def test_without_a_strip_the_mask_is_the_heads(phantom_head, true_strip):
    result = preprocess(phantom_head, skull_strip="none")
    assert true_strip == [] and result.strip is None
    assert np.array_equal(sitk.GetArrayFromImage(result.mask), sitk.GetArrayFromImage(result.head))


def test_without_bias_correction_the_values_stay_as_they_are(phantom_head, true_strip):
    result = preprocess(phantom_head, bias_correction=False)
    assert result.field is None and "bias correction" not in result.stages
    assert np.array_equal(sitk.GetArrayFromImage(result.image), sitk.GetArrayFromImage(phantom_head))


@pytest.mark.parametrize("after", [0, 2, 4])
def test_preprocessing_can_be_cancelled_at_any_stage(phantom_head, true_strip, after):
    calls = []

    def is_cancelled():
        calls.append(None)
        return len(calls) > after

    with pytest.raises(Cancelled):
        preprocess(phantom_head, task=Task(is_cancelled=is_cancelled))
