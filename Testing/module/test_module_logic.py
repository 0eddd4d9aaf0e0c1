"""process(): what it refuses, what it brings into the scene, and what it leaves alone."""

import dataclasses
import errno

import numpy as np
import pytest

from CHARMSSRLib.settings import EnhancementSettings
from Testing.module.module_helpers import place

# The result in the scene


def test_the_result_has_the_inputs_outer_borders_and_doubled_rows_and_columns(logic, moved):
    result = logic.process(moved, checkpoint="mine")
    size = np.array(moved.GetImageData().GetDimensions())
    assert result.GetImageData().GetDimensions() == (2 * size[0], 2 * size[1], size[2])
    np.testing.assert_allclose(place(result, (-0.5, -0.5, -0.5)), place(moved, (-0.5, -0.5, -0.5)), atol=1e-6)
    np.testing.assert_allclose(place(result, size * (2, 2, 1) - 0.5), place(moved, size - 0.5), atol=1e-6)


def test_every_voxel_arrives_where_the_worker_put_it(logic, head):
    import slicer

    result = logic.process(head, checkpoint="mine")
    before, after = slicer.util.arrayFromVolume(head), slicer.util.arrayFromVolume(result)
    assert after.dtype == np.float32
    np.testing.assert_array_equal(after, before.repeat(2, axis=1).repeat(2, axis=2))


def test_name_transform_folder_and_reference_follow_the_input(logic, moved):
    import slicer
    from CHARMSSRModule.scene.scene_results import sourceOf

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Patient 7")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(moved), folder)
    result = logic.process(moved, checkpoint="mine")
    assert result.GetName() == "Phantom head CHARMS x2"
    assert result.GetParentTransformNode() is moved.GetParentTransformNode()
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(result)) == folder
    assert sourceOf(result) is moved
    second = logic.process(moved, checkpoint="mine")
    assert second is not result and second.GetName() == "Phantom head CHARMS x2_1"


def test_attributes_record_the_checkpoint_and_the_report_travels_with_the_node(logic, head):
    from CHARMSSRModule.scene.scene_results import reportOf

    from CHARMSSRLib import __version__

    result = logic.process(head, checkpoint="mine")
    assert result.GetAttribute("CHARMSSR.Checkpoint") == "mine"
    assert result.GetAttribute("CHARMSSR.CheckpointSHA256") == "ab" * 32
    assert result.GetAttribute("CHARMSSR.Version") == __version__
    assert reportOf(result)["slices"] == {"enhanced": 16, "skipped": 2}


def test_the_result_is_shown_in_the_inputs_grey_levels_and_colours(logic, head):
    import slicer

    display = head.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(321.0, 123.0)
    display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeIron")
    display.SetInterpolate(False)
    shown = logic.process(head, checkpoint="mine").GetDisplayNode()
    assert (shown.GetWindow(), shown.GetLevel(), shown.GetAutoWindowLevel()) == (321.0, 123.0, 0)
    assert shown.GetColorNodeID() == "vtkMRMLColorTableNodeIron" and not shown.GetInterpolate()
    assert shown.GetScene() is slicer.mrmlScene


def test_one_node_with_its_display_is_all_that_is_added(logic, head):
    import slicer

    before = slicer.mrmlScene.GetNumberOfNodes()
    logic.process(head, checkpoint="mine")
    assert slicer.mrmlScene.GetNumberOfNodes() == before + 2


def test_a_given_output_node_takes_the_result_and_keeps_its_name(logic, moved):
    import slicer

    output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "My result")
    assert logic.process(moved, output, checkpoint="mine") is output
    assert output.GetName() == "My result" and output.GetDisplayNode() is not None
    assert output.GetParentTransformNode() is moved.GetParentTransformNode()
    size = np.array(moved.GetImageData().GetDimensions())
    np.testing.assert_allclose(place(output, size * (2, 2, 1) - 0.5), place(moved, size - 0.5), atol=1e-6)


@pytest.mark.parametrize("mode", ["refuses", "breaks", "dies at work", "without ncnn", "forgets the file"])
def test_after_an_error_the_scene_and_the_given_output_are_as_before(logic, fakeWorker, head, sceneState, mode):
    import slicer

    output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "My result")
    slicer.util.updateVolumeFromArray(output, np.full((3, 4, 5), 9, dtype=np.int16))
    fakeWorker(mode)
    before = sceneState()
    with pytest.raises((ValueError, RuntimeError)) as raised:
        logic.process(head, output, checkpoint="mine")
    assert str(raised.value) and "\n" not in str(raised.value)
    assert sceneState() == before
    assert np.all(slicer.util.arrayFromVolume(output) == 9)


# Running in the background


def test_without_waiting_a_job_is_returned_that_tells_its_progress(slicerModule, logic, head):
    heard = []
    job = logic.process(
        head, checkpoint="mine", waitForCompletion=False, progressCallback=lambda *told: heard.append(told)
    )
    assert not job.done and job.node is None and job.error is None
    assert slicerModule.waitUntil(lambda: job.done, 300)
    assert job.node.GetName() == "Phantom head CHARMS x2" and job.error is None
    assert heard[0] == (0.0, "Enhancing slice 1 of 4 …") and len(heard) == 4
    assert job.report["device"] == "cpu"


def test_a_second_call_is_refused_while_one_runs(slicerModule, logic, fakeWorker, head):
    from CHARMSSRModule.logic import CHARMSSRLogic

    fakeWorker("slow")
    job = logic.process(head, checkpoint="mine", waitForCompletion=False)
    with pytest.raises(RuntimeError, match="Phantom head is still being enhanced"):
        CHARMSSRLogic().process(head, checkpoint="mine")
    job.cancel()
    assert slicerModule.waitUntil(lambda: job.done, 300)
    fakeWorker()
    logic.worker.stop()
    assert CHARMSSRLogic().process(head, checkpoint="mine") is not None


def test_a_cancelled_job_leaves_the_scene_as_it_was(slicerModule, logic, fakeWorker, head, sceneState):
    fakeWorker("slow")
    before = sceneState()
    job = logic.process(head, checkpoint="mine", waitForCompletion=False)
    assert slicerModule.waitUntil(lambda: job.fraction > 0, 300)
    job.cancel()
    assert slicerModule.waitUntil(lambda: job.done, 300)
    assert job.node is None and job.error == "Cancelled: nothing was added."
    assert sceneState() == before


def test_cancelling_from_the_progress_callback_ends_a_waiting_call(logic, fakeWorker, head):
    from CHARMSSRModule.errors import JobCancelled

    fakeWorker("slow")
    with pytest.raises(JobCancelled):
        logic.process(head, checkpoint="mine", progressCallback=lambda *told: logic.currentJob().cancel())


def test_a_closed_scene_drops_the_job_and_gets_nothing(slicerModule, logic, fakeWorker, head):
    import slicer

    fakeWorker("slow")
    job = logic.process(head, checkpoint="mine", waitForCompletion=False)
    assert slicerModule.waitUntil(lambda: job.fraction > 0, 300)
    slicer.mrmlScene.Clear()
    assert job.done and "scene was closed" in job.error
    assert slicerModule.waitUntil(lambda: logic.currentJob() is None, 300)
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []


def test_a_removed_input_drops_the_result(slicerModule, logic, head):
    import slicer

    job = logic.process(head, checkpoint="mine", waitForCompletion=False)
    slicer.mrmlScene.RemoveNode(head)
    assert slicerModule.waitUntil(lambda: job.done, 300)
    assert "removed" in job.error
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []


def test_an_output_that_was_removed_meanwhile_is_replaced_by_a_new_one(slicerModule, logic, head):
    import slicer

    output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "My result")
    job = logic.process(head, output, checkpoint="mine", waitForCompletion=False)
    slicer.mrmlScene.RemoveNode(output)
    assert slicerModule.waitUntil(lambda: job.done, 300)
    assert job.node.GetName() == "Phantom head CHARMS x2"


def test_a_full_disk_is_one_sentence(logic, head, sceneState, monkeypatch):
    def full(path, array):
        open(path, "wb").close()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    before = sceneState()
    with pytest.raises(RuntimeError, match="No space left on device"):
        logic.process(head, checkpoint="mine")
    assert sceneState() == before and logic.currentJob() is None


# Settings


def test_the_settings_reach_the_worker_under_the_librarys_names(logic, head):
    from CHARMSSRModule.scene.scene_results import reportOf

    result = logic.process(
        head, checkpoint="mine-7t", planes="three", biasCorrection=False, restoreBias=True, skullStrip="none",
        keepSkull=True, dataConsistency="project", maps=True, resolution="2x2x1", denoise=40, quality="best",
        engine="torch", device="cpu", precision="float32", batch=3,
    )  # fmt: skip
    assert reportOf(result)["settings_seen"] == {
        "checkpoint": "mine-7t", "planes": "three", "bias_correction": False, "restore_bias": True,
        "skull_strip": "none", "keep_skull": True, "data_consistency": "project", "maps": True,
        "resolution": "2x2x1", "denoise": 40, "quality": "best", "engine": "torch",
        "device": "cpu", "precision": "float32", "batch": 3,
    }  # fmt: skip


def test_every_setting_of_the_library_has_a_keyword_and_nothing_else_has_one(logic, head, pairs):
    from CHARMSSRModule.scene.scene_results import reportOf

    result = logic.process(head, checkpoint="mine", denoise="40", quality="best", resolution="stated", engine="torch")
    seen = reportOf(result)["settings_seen"]
    assert (seen["denoise"], seen["quality"], seen["resolution"], seen["engine"]) == ("40", "best", "stated", "torch")
    with pytest.raises(TypeError, match="no setting sharpness; there are checkpoint, planes, .*biasCorrection"):
        logic.process(head, checkpoint="mine", sharpness=3)
    with pytest.raises(TypeError, match="no setting rate; there are .*learningRate"):
        logic.fineTune(pairs, name="own", checkpoint="mine", rate=3)


def test_a_settings_object_counts_and_keywords_come_on_top(logic, head):
    from CHARMSSRModule.jobs.machine_settings import setMachineSetting
    from CHARMSSRModule.scene.scene_results import reportOf

    setMachineSetting("Device", "cuda:1")
    wanted = EnhancementSettings(checkpoint="mine", quality="best", keep_skull=True, device="cpu")
    seen = reportOf(logic.process(head, settings=wanted, keepSkull=False, planes="axial"))["settings_seen"]
    assert seen == dataclasses.asdict(dataclasses.replace(wanted, keep_skull=False, planes="axial"))


def test_machine_settings_are_taken_unless_given(logic, head):
    from CHARMSSRModule.jobs.machine_settings import setMachineSetting
    from CHARMSSRModule.scene.scene_results import reportOf

    setMachineSetting("Device", "cuda:1")
    setMachineSetting("Batch", 5)
    seen = reportOf(logic.process(head, checkpoint="mine", batch=2))["settings_seen"]
    assert (seen["device"], seen["batch"], seen["precision"]) == ("cuda:1", 2, "auto")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("planes", "diagonal"),
        ("precision", "float8"),
        ("batch", -1),
        ("dataConsistency", "some"),
        ("denoise", 140),
        ("resolution", "fine"),
        ("quality", "superb"),
        ("engine", "abacus"),
    ],
)
def test_settings_that_do_not_exist_are_refused(logic, head, option, value):
    with pytest.raises(ValueError, match=str(value)):
        logic.process(head, checkpoint="mine", **{option: value})


def test_a_checkpoint_that_does_not_exist_is_refused_with_the_names_there_are(logic, head):
    with pytest.raises(ValueError, match="mine-7t"):
        logic.process(head, checkpoint="no-such-model")
