"""Volumes and masks that process() takes or refuses, and how they travel to the worker."""

import json

import numpy as np
import pytest

from Testing.module.module_helpers import geometry, place


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
    from CHARMSSRModule.scene.scene_results import reportOf

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
    from CHARMSSRModule.scene import masks

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
    from CHARMSSRModule.scene.scene_results import reportOf

    report = reportOf(logic.process(head, checkpoint="mine"))
    assert json.loads(json.dumps(report)) == report and report["mask_seen"] is None


def test_a_sheared_file_is_refused_although_the_reader_has_straightened_it(logic, volume_path):
    import slicer
    from CHARMSSRModule.scene.geometry import ijkToRasOfNode, isSheared

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
    result = logic.process(volume, checkpoint="mine")
    assert slicer.util.arrayFromVolume(result).shape == (20, 80, 80)


ORIENTATIONS = ["RAS", "LAS", "LPI", "PIR", "SPL", "ASL", "ARS", "IRA"]


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_every_axis_order_of_a_real_scan_keeps_its_place_in_the_patient(logic, volume_path, orientation):
    import slicer

    volume = slicer.util.loadVolume(str(volume_path(f"odd/orientations/{orientation}.nii.gz")))
    result = logic.process(volume, checkpoint="mine")
    size = np.array(volume.GetImageData().GetDimensions())
    for corner, larger in (((-0.5, -0.5, -0.5), (-0.5, -0.5, -0.5)), (size - 0.5, size * (2, 2, 1) - 0.5)):
        np.testing.assert_allclose(place(result, larger), place(volume, corner), atol=1e-3)


@pytest.mark.parametrize("value, sentence", [(7.0, "the same value"), (float("nan"), "no number"), (-900.0, "a CT")])
def test_voxels_that_cannot_be_enhanced_are_told_before_the_button_is_pressed(slicerModule, head, value, sentence):
    import numpy as np
    import slicer

    panel = slicerModule.openModule("CHARMSSR")
    voxels = np.array(slicer.util.arrayFromVolume(head), dtype=np.float32)
    good = voxels.copy()
    voxels[3 if value != 7.0 else slice(None)] = value
    slicer.util.updateVolumeFromArray(head, voxels)
    assert not panel.ui.enhanceButton.enabled
    assert sentence in panel.ui.enhanceButton.toolTip and sentence in panel.ui.gridLabel.text
    slicer.util.updateVolumeFromArray(head, good)
    assert sentence not in panel.ui.gridLabel.text


def test_voxels_are_looked_at_once_for_each_state_of_an_image(slicerModule, head, monkeypatch):
    from CHARMSSRModule.scene import input_checks

    looks = []
    monkeypatch.setattr(input_checks, "reasonAgainstVoxels", lambda node: looks.append(node) or "")
    checks = input_checks.VoxelChecks()
    for _ in range(3):
        assert checks.reason(head) == ""
    assert len(looks) == 1
    head.GetImageData().Modified()
    checks.reason(head)
    assert len(looks) == 2
    monkeypatch.setattr(checks, "MOST_VOXELS", 100)
    head.GetImageData().Modified()
    assert checks.reason(head) == "" and len(looks) == 2
