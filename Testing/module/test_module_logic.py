"""process(): what it refuses, what it brings into the scene, and what it leaves alone."""

import errno
import json

import numpy as np
import pytest


def geometry():
    from CHARMSSRModule import geometry

    return geometry


def place(node, ijk):
    """World position of a voxel, parent transform included."""
    import slicer
    import vtk

    world = vtk.vtkMatrix4x4()
    slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(node.GetParentTransformNode(), None, world)
    return (geometry().arrayFromMatrix(world) @ geometry().ijkToRasOfNode(node) @ [*ijk, 1])[:3]


@pytest.fixture
def moved(head):
    """The head under a rigid transform."""
    import slicer

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Registration")
    matrix = geometry().matrixFromArray([[0, -1, 0, 10], [1, 0, 0, -20], [0, 0, 1, 30], [0, 0, 0, 1]])
    transform.SetMatrixTransformToParent(matrix)
    head.SetAndObserveTransformNodeID(transform.GetID())
    return head


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
    from CHARMSSRModule.scene_results import sourceOf

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
    from CHARMSSRModule.scene_results import reportOf

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


@pytest.mark.parametrize("mode", ["refuses", "breaks", "dies at work", "without torch", "forgets the file"])
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
    assert slicerModule.waitUntil(lambda: job.done, 20)
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
    assert slicerModule.waitUntil(lambda: job.done, 20)
    fakeWorker()
    logic.worker.stop()
    assert CHARMSSRLogic().process(head, checkpoint="mine") is not None


def test_a_cancelled_job_leaves_the_scene_as_it_was(slicerModule, logic, fakeWorker, head, sceneState):
    fakeWorker("slow")
    before = sceneState()
    job = logic.process(head, checkpoint="mine", waitForCompletion=False)
    slicerModule.waitUntil(lambda: job.fraction > 0, 20)
    job.cancel()
    assert slicerModule.waitUntil(lambda: job.done, 20)
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
    slicerModule.waitUntil(lambda: job.fraction > 0, 20)
    slicer.mrmlScene.Clear()
    assert job.done and "scene was closed" in job.error
    assert slicerModule.waitUntil(lambda: logic.currentJob() is None, 20)
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []


def test_a_removed_input_drops_the_result(slicerModule, logic, head):
    import slicer

    job = logic.process(head, checkpoint="mine", waitForCompletion=False)
    slicer.mrmlScene.RemoveNode(head)
    assert slicerModule.waitUntil(lambda: job.done, 20)
    assert "removed" in job.error
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []


def test_an_output_that_was_removed_meanwhile_is_replaced_by_a_new_one(slicerModule, logic, head):
    import slicer

    output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "My result")
    job = logic.process(head, output, checkpoint="mine", waitForCompletion=False)
    slicer.mrmlScene.RemoveNode(output)
    assert slicerModule.waitUntil(lambda: job.done, 20)
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
    from CHARMSSRModule.scene_results import reportOf

    result = logic.process(
        head, checkpoint="mine-7t", planes="three", biasCorrection=False, restoreBias=True, skullStrip="none",
        keepSkull=True, dataConsistency="project", device="cpu", precision="float32", batch=3,
    )  # fmt: skip
    assert reportOf(result)["settings_seen"] == {
        "checkpoint": "mine-7t", "planes": "three", "bias_correction": False, "restore_bias": True,
        "skull_strip": "none", "keep_skull": True, "data_consistency": "project", "device": "cpu",
        "precision": "float32", "batch": 3,
    }  # fmt: skip


def test_machine_settings_are_taken_unless_given(logic, head):
    from CHARMSSRModule.machine_settings import setMachineSetting
    from CHARMSSRModule.scene_results import reportOf

    setMachineSetting("Device", "cuda:1")
    setMachineSetting("Batch", 5)
    seen = reportOf(logic.process(head, checkpoint="mine", batch=2))["settings_seen"]
    assert (seen["device"], seen["batch"], seen["precision"]) == ("cuda:1", 2, "auto")


@pytest.mark.parametrize(
    ("option", "value"), [("planes", "diagonal"), ("precision", "float8"), ("batch", -1), ("dataConsistency", "some")]
)
def test_settings_that_do_not_exist_are_refused(logic, head, option, value):
    with pytest.raises(ValueError, match=str(value)):
        logic.process(head, checkpoint="mine", **{option: value})


def test_a_checkpoint_that_does_not_exist_is_refused_with_the_names_there_are(logic, head):
    with pytest.raises(ValueError, match="mine-7t"):
        logic.process(head, checkpoint="no-such-model")


# Inputs


def scalarVolume(array, name="Volume"):
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, array)
    node.CreateDefaultDisplayNodes()
    return node


def noise(shape=(20, 40, 40), dtype=np.float32):
    return np.random.default_rng(1).uniform(0, 1000, shape).astype(dtype)


def vectorVolume():
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "Colours")
    slicer.util.updateVolumeFromArray(node, noise((20, 40, 40, 3), np.uint8))
    return node


def twoComponents():
    import slicer
    import vtk

    image = vtk.vtkImageData()
    image.SetDimensions(40, 40, 20)
    image.AllocateScalars(vtk.VTK_FLOAT, 2)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Complex")
    node.SetAndObserveImageData(image)
    return node


def node(className):
    import slicer

    return slicer.mrmlScene.AddNewNodeByClass(className, "Node")


def labelMap():
    import slicer

    labels = node("vtkMRMLLabelMapVolumeNode")
    slicer.util.updateVolumeFromArray(labels, noise(dtype=np.int16))
    return labels


def spoiled(value):
    array = noise()
    array[10, 20, 20] = value
    return scalarVolume(array)


def withGeometry(matrix):
    volume = scalarVolume(noise())
    volume.SetIJKToRASMatrix(geometry().matrixFromArray(matrix))
    return volume


def underWarp():
    import slicer
    import vtk

    volume = scalarVolume(noise())
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Warp")
    transform.SetAndObserveTransformToParent(vtk.vtkThinPlateSplineTransform())
    volume.SetAndObserveTransformNodeID(transform.GetID())
    return volume


BAD_INPUTS = {
    "nothing": (lambda: None, "Choose an input volume"),
    "a label map": (labelMap, "label map"),
    "colours": (vectorVolume, "several values"),
    "a tensor volume": (lambda: node("vtkMRMLDiffusionTensorVolumeNode"), "several values"),
    "a diffusion series": (lambda: node("vtkMRMLDiffusionWeightedVolumeNode"), "several values"),
    "two components": (twoComponents, "several values"),
    "a sequence": (lambda: node("vtkMRMLSequenceNode"), "is not a volume"),
    "a model": (lambda: node("vtkMRMLModelNode"), "is not a volume"),
    "an empty volume": (lambda: node("vtkMRMLScalarVolumeNode"), "holds no image"),
    "few slices": (lambda: scalarVolume(noise((15, 40, 40))), r"too few slices \(15\)"),
    "few sagittal slices": (lambda: scalarVolume(noise((40, 40, 15))), r"too few slices \(15\)"),
    "small slices": (lambda: scalarVolume(noise((20, 31, 40))), "too small"),
    "NaN": (lambda: spoiled(np.nan), "no number"),
    "infinity": (lambda: spoiled(np.inf), "no number"),
    "a constant": (lambda: scalarVolume(np.full((20, 40, 40), 5, np.int16)), "same value"),
    "a CT": (lambda: scalarVolume(noise() - 1000), "looks like a CT"),
    "shear": (lambda: withGeometry([[1, 0.05, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "right angles"),
    "huge voxels": (lambda: withGeometry(np.diag([1, 1, 40.0, 1])), "1 x 1 x 40 mm"),
    "tiny voxels": (lambda: withGeometry(np.diag([0.01, 0.01, 1, 1])), "0.01 x 0.01 x 1 mm"),
    "a warp": (underWarp, "non-linear transform"),
}


@pytest.mark.parametrize("what", BAD_INPUTS)
def test_bad_input_is_refused_with_a_sentence_and_no_worker(logic, sceneState, what):
    import slicer

    make, sentence = BAD_INPUTS[what]
    slicer.mrmlScene.Clear()
    volume = make()
    before = sceneState()
    with pytest.raises(ValueError, match=sentence) as raised:
        logic.process(volume, checkpoint="mine")
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 200
    assert sceneState() == before
    assert logic.worker.processId == 0


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_every_kind_of_number_is_taken(logic, head, dtype):
    import slicer

    array = noise((16, 32, 32)) / 10
    result = logic.process(scalarVolume(array.astype(dtype)), checkpoint="mine")
    np.testing.assert_allclose(slicer.util.arrayFromVolume(result)[:, ::2, ::2], array.astype(dtype), rtol=1e-6)


@pytest.mark.parametrize(("make", "sentence"), [(lambda head: head, "is the input volume"),
                                                (lambda head: labelMap(), "cannot take the result")])  # fmt: skip
def test_outputs_that_cannot_take_the_result_are_refused(logic, head, make, sentence):
    with pytest.raises(ValueError, match=sentence):
        logic.process(head, make(head), checkpoint="mine")


def sentMask(result):
    """The mask part of the run message."""
    from CHARMSSRModule.scene_results import reportOf

    return reportOf(result)["mask_seen"]


def test_a_label_map_travels_in_the_inputs_coordinates(logic, moved):
    import slicer

    mask = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Brain")
    slicer.util.updateVolumeFromArray(mask, np.ones((6, 7, 8), dtype=np.int16))
    mask.SetIJKToRASMatrix(geometry().matrixFromArray(np.diag([2.0, 3, 4, 1])))
    seen = sentMask(logic.process(moved, maskNode=mask, checkpoint="mine"))
    local = geometry().ijkToRasFromGrid(seen)
    # The mask is under no transform, the input under one: the same world position, seen from below that transform.
    below = np.linalg.inv([[0, -1, 0, 10], [1, 0, 0, -20], [0, 0, 1, 30], [0, 0, 0, 1]])
    np.testing.assert_allclose(local, below @ np.diag([2.0, 3, 4, 1]), atol=1e-9)


def test_the_visible_segments_of_a_segmentation_are_the_mask(logic, moved, sceneState):
    import slicer
    from CHARMSSRModule import masks

    voxels = slicer.util.arrayFromVolume(moved)
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
    painted = np.zeros(voxels.shape, dtype=np.uint8)
    painted[5:9, 10:20, 10:30] = 1
    painted[12:14, 30:40, 10:30] = 2
    slicer.util.updateVolumeFromArray(labels, painted)
    labels.CopyOrientation(moved)
    labels.SetAndObserveTransformNodeID(moved.GetTransformNodeID())
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(moved)
    slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(labels, segmentation)
    segmentation.CreateDefaultDisplayNodes()
    before = sceneState()
    both, grid = masks.maskVoxelsAndGrid(segmentation, moved)
    np.testing.assert_array_equal(both, painted > 0)
    np.testing.assert_allclose(geometry().ijkToRasFromGrid(grid), geometry().ijkToRasOfNode(moved), atol=1e-9)
    assert sceneState().ids == before.ids
    segmentation.GetDisplayNode().SetSegmentVisibility(segmentation.GetSegmentation().GetNthSegmentID(1), False)
    first, grid = masks.maskVoxelsAndGrid(segmentation, moved)
    np.testing.assert_array_equal(first, painted == 1)


def emptyMask(head):
    import slicer

    mask = node("vtkMRMLLabelMapVolumeNode")
    slicer.util.updateVolumeFromArray(mask, np.zeros((4, 4, 4), np.uint8))
    return mask


BAD_MASKS = {
    "an empty label map": (emptyMask, "is empty"),
    "a label map without image": (lambda head: node("vtkMRMLLabelMapVolumeNode"), "holds no image"),
    "a segmentation without segments": (lambda head: node("vtkMRMLSegmentationNode"), "no visible segment"),
    "a model": (lambda head: node("vtkMRMLModelNode"), "cannot be the mask"),
    "the input": (lambda head: head, "is the input volume"),
}


@pytest.mark.parametrize("what", BAD_MASKS)
def test_bad_masks_are_refused_with_a_sentence(logic, head, sceneState, what):
    make, sentence = BAD_MASKS[what]
    mask = make(head)
    before = sceneState()
    with pytest.raises(ValueError, match=sentence):
        logic.process(head, maskNode=mask, checkpoint="mine")
    assert sceneState() == before and logic.currentJob() is None


def test_the_run_message_is_plain_protocol(logic, head):
    from CHARMSSRModule.scene_results import reportOf

    report = reportOf(logic.process(head, checkpoint="mine"))
    assert json.loads(json.dumps(report)) == report and report["mask_seen"] is None


def test_a_sheared_file_is_refused_although_the_reader_has_straightened_it(logic, volume_path):
    import slicer
    from CHARMSSRModule.geometry import ijkToRasOfNode, isSheared

    volume = slicer.util.loadVolume(str(volume_path("odd/shear.nii.gz")))
    assert not isSheared(ijkToRasOfNode(volume))
    with pytest.raises(ValueError, match="right angles"):
        logic.process(volume, checkpoint="mine")


def test_a_file_that_is_gone_or_a_node_that_has_changed_since_counts_as_it_is_now(logic, tmp_path):
    import SimpleITK as sitk
    import slicer

    path = tmp_path / "scan.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(noise()), str(path))
    volume = slicer.util.loadVolume(str(path))
    path.unlink()
    assert logic.process(volume, checkpoint="mine") is not None


ORIENTATIONS = ["RAS", "LAS", "LPI", "PIR", "SPL", "ASL", "ARS", "IRA"]


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_every_axis_order_of_a_real_scan_keeps_its_place_in_the_patient(logic, volume_path, orientation):
    import slicer

    volume = slicer.util.loadVolume(str(volume_path(f"odd/orientations/{orientation}.nii.gz")))
    result = logic.process(volume, checkpoint="mine")
    size = np.array(volume.GetImageData().GetDimensions())
    for corner, larger in (((-0.5, -0.5, -0.5), (-0.5, -0.5, -0.5)), (size - 0.5, size * (2, 2, 1) - 0.5)):
        np.testing.assert_allclose(place(result, larger), place(volume, corner), atol=1e-3)
