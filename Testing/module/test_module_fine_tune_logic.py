"""fineTune(): which pairs it refuses, what it sends to the worker, and how it ends."""

import json

import numpy as np
import pytest


@pytest.fixture
def sent(models):
    """Function: the run message that the fake worker got."""
    return lambda: json.loads((models.parent / "seen.json").read_text(encoding="utf-8"))


def labelMap(node, name="Brain"):
    import slicer

    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", name)
    slicer.util.updateVolumeFromArray(labels, (slicer.util.arrayFromVolume(node) > 100).astype(np.uint8))
    labels.CopyOrientation(node)
    return labels


def transformed(node, matrix):
    import slicer
    from CHARMSSRModule.scene.geometry import matrixFromArray

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    transform.SetMatrixTransformToParent(matrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())
    return node


# A run


def test_a_run_returns_path_name_and_report_and_the_checkpoint_is_listed_as_7t_like(logic, pairs, models):
    from CHARMSSRModule.jobs.models import isSevenTeslaLike, modelCard

    heard = []
    result = logic.fineTune(pairs, name="own", checkpoint="mine", progressCallback=lambda *told: heard.append(told))
    assert result.checkpointPath == str(models / "own.safetensors") and result.name == "own"
    assert "beats the intensity-matched baseline" in result.report["verdict"]
    assert isSevenTeslaLike(modelCard("own"))
    assert heard[0] == (0.0, "Registering sub-01 T1w")
    assert [fraction for fraction, _message in heard] == sorted(fraction for fraction, _message in heard)


def test_without_waiting_a_job_is_returned_that_collects_verdicts_and_validations(slicerModule, logic, pairs):
    job = logic.fineTune(pairs, name="own", checkpoint="mine", waitForCompletion=False)
    events = []
    job.onEventCall(events.append)
    assert not job.done and job.error is None and job.checkpointPath is None
    assert slicerModule.waitUntil(lambda: job.done, 300)
    assert job.error is None and job.result.checkpointPath
    assert [event["step"] for event in job.history] == [0, 20, 40, 60]
    assert {index: event["status"] for index, event in job.verdicts.items()} == {0: "ok", 1: "ok"}
    assert len(events) == 6


def test_a_run_that_gains_nothing_has_no_checkpoint(logic, fakeWorker, pairs, models):
    fakeWorker("gains nothing")
    assert logic.fineTune(pairs, name="own", checkpoint="mine").checkpointPath is None
    assert not (models / "own.safetensors").exists()


# What is sent


def test_settings_reach_the_worker_under_the_librarys_names(logic, pairs, sent, models):
    logic.fineTune(pairs, name="own", checkpoint="mine", learningRate=1e-4, steps=30, batch=2, patch=24,
                   validateEvery=10, patience=3, holdOut=0, leaveOneOut=True, biasCorrection=False, skullStrip="none",
                   device="cpu", precision="bfloat16", seed=5)  # fmt: skip
    assert sent()["task"] == "fine-tune"
    assert sent()["settings"] == {
        "name": "own", "folder": str(models), "checkpoint": "mine", "learning_rate": 1e-4, "steps": 30, "batch": 2,
        "patch": 24, "validate_every": 10, "patience": 3, "hold_out": 0, "leave_one_out": True,
        "bias_correction": False, "skull_strip": "none", "device": "cpu", "precision": "bfloat16", "seed": 5,
    }  # fmt: skip


def test_what_is_not_given_is_left_to_the_library_and_to_this_computers_settings(logic, pairs, sent, models):
    from CHARMSSRModule.jobs.machine_settings import setMachineSetting

    setMachineSetting("Device", "cuda:1")
    setMachineSetting("Precision", "float16")  # which training doesn't have
    logic.fineTune(pairs, name="own")
    assert sent()["settings"] == {
        "name": "own", "folder": str(models), "checkpoint": "charms-x2-clinical", "device": "cuda:1",
        "precision": "auto",
    }  # fmt: skip


def test_scans_are_sent_where_they_stand_in_the_scene_and_the_nodes_stay_as_they_are(logic, pairs, sent, sceneState):
    import SimpleITK as sitk

    from Testing.module.module_helpers import place

    moved = transformed(pairs[0][1], [[0, -1, 0, 10], [1, 0, 0, -20], [0, 0, 1, 30], [0, 0, 0, 1]])
    before = sceneState()
    logic.fineTune(pairs[:1], name="own", checkpoint="mine")
    assert sceneState() == before
    for node, key in ((pairs[0][0], "image_3t"), (moved, "image_7t")):
        grid = sent()["pairs"][0][key]
        image = sitk.Image(2, 2, 2, sitk.sitkUInt8)
        image.SetSpacing(grid["spacing"])
        image.SetOrigin(grid["origin"])
        image.SetDirection(grid["direction"])
        for ijk in ((0, 0, 0), (5, 6, 7)):
            point = np.array(image.TransformContinuousIndexToPhysicalPoint([float(index) for index in ijk]))
            np.testing.assert_allclose(point * (-1, -1, 1), place(node, ijk), atol=1e-6)


def test_voxels_and_masks_are_sent_as_they_are(slicerModule, logic, fakeWorker, pairs):
    import os

    import slicer

    fakeWorker("slow")
    scan = transformed(pairs[0][0], [[1, 0, 0, 7], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    mask = labelMap(scan)
    mask.SetAndObserveTransformNodeID(scan.GetParentTransformNode().GetID())
    job = logic.fineTune([(*pairs[0], mask)], name="own", checkpoint="mine", waitForCompletion=False)
    folder = job._folder.path
    try:
        np.testing.assert_array_equal(np.load(os.path.join(folder, "pair0_3t.npy")), slicer.util.arrayFromVolume(scan))
        np.testing.assert_array_equal(
            np.load(os.path.join(folder, "pair0_mask.npy")), slicer.util.arrayFromVolume(mask)
        )
        assert slicerModule.waitUntil(lambda: os.path.exists(os.path.join(folder, "message.json")), 300)
        with open(os.path.join(folder, "message.json")) as file:
            pair = json.load(file)["pairs"][0]
        for key in ("spacing", "origin", "direction"):
            np.testing.assert_allclose(pair["mask_3t"][key], pair["image_3t"][key], atol=1e-9)
    finally:
        job.cancel()
        assert slicerModule.waitUntil(lambda: job.done, 300)
    assert not os.path.exists(folder)


def test_subject_and_contrast_are_guessed_from_names_unless_given(logic, addScan, sent):
    from CHARMSSRModule.scene.scan_pairs import ScanPair

    given = ScanPair(addScan("a 3T"), addScan("a 7T", (3, 3, 4)), subject="Anna", contrast="FLAIR")
    logic.fineTune([given, (addScan("b-3T-T2w"), addScan("b-7T-T2w", (3, 3, 4)))], name="own", checkpoint="mine")
    assert [(pair["subject"], pair["contrast"]) for pair in sent()["pairs"]] == [("Anna", "FLAIR"), ("b", "T2w")]


# Refusals


def broken(kind, pairs, addScan):
    """One pair that can't be used, and a word of the reason."""
    import slicer
    import vtk

    scan, seven = pairs[0]
    if kind == "no 7T":
        return (scan, None), "Choose the 7T scan"
    if kind == "one node twice":
        return (scan, scan), "chosen as both scans"
    if kind == "one image twice":
        copy = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, scan, "Copy")
        return (scan, copy), "hold the same image"
    if kind == "a label map":
        return (scan, labelMap(seven)), "label map"
    if kind == "swapped":
        return (seven, scan), "may be swapped"
    if kind == "a warp":
        warp = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Warp")
        warp.SetAndObserveTransformToParent(vtk.vtkThinPlateSplineTransform())
        seven.SetAndObserveTransformNodeID(warp.GetID())
        return (scan, seven), "non-linear transform"
    if kind == "a shear":
        return (transformed(scan, [[1, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), seven), "shears it"
    if kind == "a scaling":
        return (scan, transformed(seven, np.diag([2.0, 2, 2, 1]))), "enlarges or shrinks"
    if kind == "a colour volume":
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Colours")
        return (scan, node), "several values"
    if kind == "a scan as mask":
        return (scan, seven, seven), "as scan and as mask"
    if kind == "a model as mask":
        return (scan, seven, slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "Surface")), "cannot be the mask"
    if kind == "an empty mask":
        labels = labelMap(scan)
        slicer.util.updateVolumeFromArray(labels, slicer.util.arrayFromVolume(labels) * 0)
        return (scan, seven, labels), "is empty"
    if kind == "few slices":
        slicer.util.updateVolumeFromArray(seven, slicer.util.arrayFromVolume(seven)[:9])
        return (scan, seven), "too few slices"
    if kind == "NaN":
        voxels = slicer.util.arrayFromVolume(seven).astype(np.float32)
        voxels[3, 4, 5] = np.nan
        slicer.util.updateVolumeFromArray(seven, voxels)
        return (scan, seven), "no number"
    raise AssertionError(kind)


BROKEN = ("no 7T", "one node twice", "one image twice", "a label map", "swapped", "a warp", "a shear", "a scaling",
          "a colour volume", "a scan as mask", "a model as mask", "an empty mask", "few slices", "NaN")  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_pair_that_cannot_be_used_is_refused_with_a_sentence_and_no_worker(logic, pairs, addScan, sceneState, kind):
    pair, sentence = broken(kind, pairs, addScan)
    before = sceneState()
    with pytest.raises(ValueError, match=sentence) as raised:
        logic.fineTune([pair], name="own", checkpoint="mine")
    assert "\n" not in str(raised.value)
    assert sceneState() == before and logic.worker.processId == 0


def test_an_empty_list_and_things_that_are_no_pairs_are_refused(logic, pairs):
    with pytest.raises(ValueError, match="Add a pair first"):
        logic.fineTune([], name="own")
    with pytest.raises(ValueError, match="A pair is"):
        logic.fineTune([pairs[0][0]], name="own")


def test_a_scan_stands_in_one_pair_only(logic, pairs):
    with pytest.raises(ValueError, match=r"Pair 2 \(sub-02 T1w\): sub-01 7T T1w stands in another pair"):
        logic.fineTune([pairs[0], (pairs[1][0], pairs[0][1])], name="own")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("", "Give the new model a name"), ("  ", "Give the new model a name"), ("a/b", "letters, digits"),
     ("../up", "letters, digits"), ("charms-x2-clinical", "comes with the extension"),
     ("mine", "mine already, which is not overwritten.*mine-2 is free")],
)  # fmt: skip
def test_names_that_cannot_be_taken_are_refused(logic, pairs, models, name, sentence):
    before = (models / "mine.json").read_bytes()
    with pytest.raises(ValueError, match=sentence):
        logic.fineTune(pairs, name=name)
    assert (models / "mine.json").read_bytes() == before


def test_a_folder_that_cannot_be_written_is_named(logic, pairs, models, monkeypatch):
    import os

    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ValueError, match=f"{models}, cannot be written"):
        logic.fineTune(pairs, name="own")


@pytest.mark.parametrize(("option", "value"), [("steps", -1), ("learningRate", 3.0), ("precision", "float16")])
def test_settings_that_do_not_exist_are_refused(logic, pairs, option, value):
    with pytest.raises(ValueError):
        logic.fineTune(pairs, name="own", checkpoint="mine", **{option: value})


def test_one_job_of_either_kind_at_a_time(slicerModule, logic, fakeWorker, pairs, head):
    fakeWorker("slow")
    job = logic.fineTune(pairs, name="own", checkpoint="mine", waitForCompletion=False)
    for call in (lambda: logic.process(head, checkpoint="mine"), lambda: logic.fineTune(pairs, name="other")):
        with pytest.raises(RuntimeError, match="The model own is still being fine-tuned"):
            call()
    job.cancel()
    assert slicerModule.waitUntil(lambda: job.done, 300)
    job = logic.process(head, checkpoint="mine", waitForCompletion=False)
    with pytest.raises(RuntimeError, match="Phantom head is still being enhanced"):
        logic.fineTune(pairs, name="own")
    job.cancel()
    assert slicerModule.waitUntil(lambda: job.done, 300)


# Ends before the end


@pytest.mark.parametrize("mode", ["slow", "deaf"])
def test_the_best_so_far_survives_a_cancel_whether_or_not_the_worker_answers(
    slicerModule, logic, fakeWorker, pairs, models, mode
):
    from CHARMSSRModule.errors import JobCancelled

    fakeWorker(mode)
    job = logic.fineTune(pairs, name="own", checkpoint="mine", waitForCompletion=False)
    assert job.cancelGraceMs < 1000
    job.cancelGraceMs = 200 if mode == "deaf" else 20000
    assert slicerModule.waitUntil(lambda: len(job.history) == 2, 300)
    job.cancel()
    assert slicerModule.waitUntil(lambda: job.done, 300)
    assert isinstance(job.exception, JobCancelled)
    assert job.error == "Cancelled. The best so far is kept as own (step 20, 25.60 dB)."
    assert job.checkpointPath == str(models / "own.safetensors") and (models / "own.json").exists()
    assert not (models / "own.fine-tuning").exists()
    assert (logic.worker.processId == 0) == (mode == "deaf")


def test_cancelled_before_anything_was_better_nothing_is_left(slicerModule, logic, fakeWorker, pairs, models):
    fakeWorker("slower")
    job = logic.fineTune(pairs, name="own", checkpoint="mine", waitForCompletion=False)
    assert slicerModule.waitUntil(lambda: job.history, 300)
    job.cancelGraceMs = 20000
    job.cancel()
    assert slicerModule.waitUntil(lambda: job.done, 300)
    assert job.error == "Cancelled. No model was written: nothing better than the start had been found yet."
    assert job.checkpointPath is None and list(models.glob("own*")) == []


def test_when_the_worker_dies_what_was_done_stays_to_go_on_from(logic, fakeWorker, pairs, models):
    fakeWorker("dies after a validation")
    with pytest.raises(RuntimeError, match="exit status 7.*it goes on from where it was"):
        logic.fineTune(pairs, name="own", checkpoint="mine")
    assert (models / "own.fine-tuning").is_dir() and (models / "own.safetensors").exists()
    fakeWorker()
    assert logic.fineTune(pairs, name="own", checkpoint="mine").checkpointPath


@pytest.mark.parametrize(
    ("mode", "kind", "sentence"),
    [("refuses", ValueError, "shows a phone"), ("breaks", RuntimeError, "Something broke"),
     ("dies at work", RuntimeError, "exit status 7"), ("without ncnn", RuntimeError, "ncnn")],
)  # fmt: skip
def test_errors_of_the_worker_are_sentences(logic, fakeWorker, pairs, sceneState, mode, kind, sentence):
    fakeWorker(mode)
    before = sceneState()
    with pytest.raises(kind, match=sentence) as raised:
        logic.fineTune(pairs, name="own", checkpoint="mine")
    assert "\n" not in str(raised.value) and "goes on" not in str(raised.value)
    assert sceneState() == before


def test_a_closed_scene_does_not_end_a_fine_tuning(slicerModule, logic, fakeWorker, pairs, models):
    import slicer

    job = logic.fineTune(pairs, name="own", checkpoint="mine", waitForCompletion=False)
    slicer.mrmlScene.Clear()
    assert not job.done
    assert slicerModule.waitUntil(lambda: job.done, 300)
    assert job.error is None and job.checkpointPath == str(models / "own.safetensors")
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []


def test_closing_the_module_ends_it_with_a_sentence(slicerModule, logic, fakeWorker, pairs):
    fakeWorker("slow")
    job = logic.fineTune(pairs, name="own", checkpoint="mine", waitForCompletion=False)
    assert slicerModule.waitUntil(lambda: job.history, 300)
    logic.stopEverything()
    assert job.done and "it goes on from where it was" in job.error and logic.worker.processId == 0
