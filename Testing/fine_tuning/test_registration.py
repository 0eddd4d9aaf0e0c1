"""A pair from its images to a registered pair, on heads made of formulas and of real anatomy."""

from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from CHARMSSRLab.training.derived_pairs import DerivationSettings, derive_pair
from CHARMSSRLib.errors import BackendError, Cancelled, PairError, SettingsError
from CHARMSSRLib.fine_tuning.pairs import registration
from CHARMSSRLib.fine_tuning.pairs.pair import Pair
from CHARMSSRLib.fine_tuning.pairs.pair_quality import motion_of
from CHARMSSRLib.fine_tuning.pairs.registration import register_pair
from CHARMSSRLib.preprocessing.pipeline import Preprocessed
from CHARMSSRLib.task import Task
from Testing.phantom import phantom_head_and_brain

QUICK = SimpleNamespace(bias_correction=False, skull_strip="none", device="cpu", seed=0)
GRID = {"size": (56, 64, 48), "spacing": (3.2, 3.2, 3.6)}


@pytest.fixture(scope="module")
def head():
    return phantom_head_and_brain(**GRID)[0]


def derived(image, rotation, translation, **options):
    """(Pair, truth)"""
    made = derive_pair(image, DerivationSettings(rotation_degrees=rotation, translation_mm=translation, **options))
    return Pair("anna", "T1w", made.image_3t, made.image_7t), made.transform


def errors_of(registered, truth):
    """(mm, degrees): largest displacement at the corners of the brain's box, and the angle left over."""
    box = sitk.LabelShapeStatisticsImageFilter()
    box.Execute(registered.mask)
    start, size = np.split(np.array(box.GetBoundingBox(1)), 2)
    corners = [start + (size - 1) * [corner >> axis & 1 for axis in range(3)] for corner in range(8)]
    points = [registered.mask.TransformIndexToPhysicalPoint([int(i) for i in corner]) for corner in corners]
    apart = [np.subtract(registered.transform.TransformPoint(point), truth.TransformPoint(point)) for point in points]
    left = sitk.CompositeTransform([truth.GetInverse(), registered.transform])
    return np.linalg.norm(apart, axis=1).max(), motion_of(left, (0.0, 0.0, 0.0))[0]


@pytest.fixture(scope="module")
def far_pair(head):
    """A head turned by 30 degrees and moved by 40 mm, its truth, and its registration."""
    pair, truth = derived(head, (18.0, -15.0, 20.0), (-25.0, 20.0, 24.0), scale=1.5)
    assert 29 < motion_of(truth, (0.0, 0.0, 0.0))[0] < 33
    steps = []
    registered = register_pair(pair, QUICK, Task(lambda fraction, message: steps.append((fraction, message))))
    return pair, truth, registered, steps


def test_a_head_far_off_is_found(far_pair):
    _, truth, registered, _ = far_pair
    millimetres, degrees = errors_of(registered, truth)
    # A tenth of a voxel of 4.8 mm.
    assert millimetres < 0.5 and degrees < 0.2
    assert registered.quality["mutual_information"] > 3 * registered.quality["mutual_information_before"]
    assert registered.quality["mask_overlap"] > 0.95 > registered.quality["mask_overlap_before"]
    assert registered.quality["rotation_degrees"] == pytest.approx(motion_of(truth, (0.0, 0.0, 0.0))[0], abs=0.2)


def test_progress_goes_up_and_names_the_pair(far_pair):
    fractions = [fraction for fraction, _ in far_pair[3]]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    assert all("anna T1w" in message for _, message in far_pair[3])


def test_the_target_lies_on_the_3t(far_pair):
    pair, truth, registered, _ = far_pair
    assert registered.axis == 0
    target, mask = registered.target(2), registered.target_mask(2)
    width, height, depth = registered.image_3t.GetSize()
    assert target.GetSize() == mask.GetSize() == registered.target_grid(2).GetSize() == (2 * width, 2 * height, depth)
    # The "7T" moved by the true transform is the reference; a position wrong by a voxel gives 0.9.
    expected = sitk.GetArrayFromImage(sitk.Resample(registered.image_7t, target, truth, sitk.sitkBSpline3, 0.0))
    inside = sitk.GetArrayViewFromImage(mask) > 0
    found = sitk.GetArrayViewFromImage(target)[inside]
    assert inside.sum() > 50000
    assert np.corrcoef(found, expected[inside])[0, 1] > 0.995


def test_neither_files_nor_the_order_of_the_axes_change_the_result(far_pair, tmp_path):
    """A second run that gets the same voxels in another order comes to the same transform."""
    pair, _, registered, _ = far_pair
    sitk.WriteImage(sitk.DICOMOrient(pair.image_3t, "PIR"), str(tmp_path / "3.nrrd"))
    sitk.WriteImage(sitk.DICOMOrient(pair.image_7t, "RAS"), str(tmp_path / "7.nrrd"))
    again = register_pair(Pair("anna", "T1w", tmp_path / "3.nrrd", tmp_path / "7.nrrd"), QUICK)
    np.testing.assert_allclose(again.transform.GetParameters(), registered.transform.GetParameters(), atol=1e-6)
    np.testing.assert_array_equal(
        sitk.GetArrayViewFromImage(again.image_3t), sitk.GetArrayViewFromImage(registered.image_3t)
    )
    assert again.quality == pytest.approx(registered.quality, abs=1e-3)


def test_a_given_mask_replaces_the_strip(head, monkeypatch):
    monkeypatch.setattr(registration, "register_rigid", lambda *images, **options: sitk.Euler3DTransform())
    monkeypatch.setattr(registration, "refusal", lambda quality: "")  # brain and whole head overlap little
    image, brain = phantom_head_and_brain(size=(40, 44, 36), spacing=(4.4, 4.4, 4.8), seed=2)
    registered = register_pair(Pair("anna", "T1w", image, head, brain), QUICK)
    np.testing.assert_array_equal(sitk.GetArrayViewFromImage(registered.mask), sitk.GetArrayViewFromImage(brain))


def test_both_scans_are_prepared_as_the_settings_say(head, monkeypatch):
    """Bias correction and skull-strip have tests of their own; here they are taken for done."""
    calls = []

    def fake(image, bias_correction, skull_strip, mask, device, task):
        calls.append((image.GetSize(), bias_correction, skull_strip, mask is not None, device))
        halved = 0.5 * image
        return Preprocessed(halved, sitk.Cast(image > 300, sitk.sitkUInt8), None, None, None, {}, ["a remark"])

    monkeypatch.setattr(registration, "preprocess", fake)
    monkeypatch.setattr(registration, "register_rigid", lambda *images, **options: sitk.Euler3DTransform())
    image_3t = phantom_head_and_brain(size=(40, 44, 36), spacing=(4.4, 4.4, 4.8), seed=2)[0]
    settings = SimpleNamespace(bias_correction=True, skull_strip="builtin", device="cpu", seed=0)
    registered = register_pair(Pair("anna", "T1w", image_3t, head), settings)
    assert calls == [(image.GetSize(), True, "builtin", False, "cpu") for image in (image_3t, head)]
    assert registered.image_3t[20, 22, 18] == 0.5 * image_3t[20, 22, 18]
    assert registered.image_7t[20, 22, 18] == 0.5 * head[20, 22, 18]
    assert {"3T: a remark", "7T: a remark"} <= set(registered.warnings)


@pytest.mark.parametrize("asked_before", [0, 3, 40])
def test_work_stops_soon_after_it_is_cancelled(far_pair, asked_before):
    asked = []

    def is_cancelled():
        asked.append(1)
        return len(asked) > asked_before

    with pytest.raises(Cancelled):
        register_pair(far_pair[0], QUICK, Task(is_cancelled=is_cancelled))
    assert len(asked) <= asked_before + 2


def test_reasons_name_the_pair(head):
    with pytest.raises(PairError, match="^anna T1w: The 3T and the 7T scan are the same volume"):
        register_pair(Pair("anna", "T1w", head, head), QUICK)
    with pytest.raises(PairError, match="^anna T1w: There is no file"):
        register_pair(Pair("anna", "T1w", "absent.nii.gz", head), QUICK)


def test_wrong_settings_are_no_fault_of_the_pair(head):
    with pytest.raises(SettingsError):
        register_pair(Pair("anna", "T1w", head, head), SimpleNamespace(skull_strip="by hand"))
    with pytest.raises((SettingsError, BackendError)):
        register_pair(Pair("anna", "T1w", head, head), SimpleNamespace(skull_strip="none", device="cuda:77"))


def test_two_heads_are_refused_although_their_outlines_agree(head, monkeypatch):
    monkeypatch.setattr(registration, "register_rigid", lambda *images, **options: sitk.Euler3DTransform())
    brain = sitk.GetArrayFromImage(phantom_head_and_brain(**GRID)[1])
    heads = []
    for seed in (1, 1, 2):
        folds = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(brain.shape), 1.0)
        noise = np.random.default_rng(10 + len(heads)).normal(0, 2, brain.shape)
        values = brain * sitk.GetArrayFromImage(head) * (1 + 0.4 * folds / folds.std()) + noise
        heads.append(sitk.GetImageFromArray(np.maximum(values, 0).astype(np.float32)))
        heads[-1].CopyInformation(head)
    register_pair(Pair("anna", "T1w", *heads[:2]), QUICK)
    with pytest.raises(PairError, match="^anna T1w: .* different heads"):
        register_pair(Pair("anna", "T1w", heads[0], heads[2]), QUICK)


def test_real_anatomy(volume_path):
    """A stripped brain at a third of its resolution: its known motion is recovered, another's brain is refused."""
    brains = []
    for name in ("ds002748_sub-04_T1w", "ds002748_sub-08_T1w"):
        brain = sitk.ReadImage(str(volume_path(name)), sitk.sitkFloat32)
        brains.append(sitk.BinShrink(brain, [3, 3, 3]))
    pair, truth = derived(brains[0], (20.0, -10.0, 20.0), (-25.0, 20.0, 24.0), scale=1.4, noise=0.03)
    stripped = SimpleNamespace(bias_correction=False, skull_strip="auto", device="cpu", seed=0)
    # The noise of the derived scan fills its background: its brain is given.
    mask = sitk.Resample(sitk.Cast(brains[0] > 0, sitk.sitkUInt8), pair.image_3t, truth, sitk.sitkNearestNeighbor, 0)
    pair = Pair("sub-04", "T1w", pair.image_3t, pair.image_7t, mask)
    registered = register_pair(pair, stripped)
    millimetres, degrees = errors_of(registered, truth)
    assert millimetres < 0.3 and degrees < 0.3
    assert registered.quality["detail_agreement"] > 0.9
    with pytest.raises(PairError, match="different heads"):
        register_pair(Pair("sub-04", "T1w", pair.image_3t, brains[1], mask), stripped)
