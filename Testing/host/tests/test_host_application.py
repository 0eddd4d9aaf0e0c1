"""The application around a module: messages, packages, files, views, pictures."""

import numpy as np
import pytest


@pytest.mark.parametrize("answer, result", [("Ok", True), ("Cancel", False)])
def test_a_question_is_answered_as_configured_and_recorded(slicerHost, answer, result):
    import slicer

    slicerHost.answer(answer)
    assert slicer.util.confirmOkCancelDisplay("Install?", windowTitle="PyTorch") is result
    message = slicerHost.messages[-1]
    assert (message.kind, message.title, message.text, message.answer) == ("question", "PyTorch", "Install?", answer)


def test_in_testing_mode_no_box_is_shown(slicerHost):
    import slicer

    with slicerHost.testingMode():
        slicer.util.errorDisplay("Something failed")
        assert slicer.app.testingEnabled()
    assert slicerHost.messages == [] and not slicer.app.testingEnabled()


def test_pip_is_refused_and_recorded(slicerHost):
    import slicer

    with pytest.raises(RuntimeError, match="nothing is installed"):
        slicer.util.pip_install("safetensors")
    assert slicerHost.pipRequests == ["safetensors"]


def test_packages_of_extensions_come_and_go(slicerHost):
    with pytest.raises(ImportError):
        import PyTorchUtils  # noqa: F401
    with pytest.raises(ImportError):
        import slicer.packaging  # noqa: F401
    slicerHost.providePackage("PyTorchUtils", version="2")
    import PyTorchUtils  # noqa: F811

    assert PyTorchUtils.version == "2"
    slicerHost.reset()
    with pytest.raises(ImportError):
        import PyTorchUtils  # noqa: F401, F811


def test_the_package_slicer_shows_none_of_its_utilities(slicerHost):
    import slicer

    assert not hasattr(slicer, "loadUI") and not hasattr(slicer, "arrayFromVolume")
    assert hasattr(slicer, "vtkMRMLScalarVolumeNode") and hasattr(slicer.util, "arrayFromVolume")


def test_a_volume_survives_the_way_through_a_file(slicerHost, volume, tmp_path):
    import slicer
    import vtk

    matrix = vtk.vtkMatrix4x4()
    for row, values in enumerate([(0, 0, -1.5, 10), (2, 0, 0, -20), (0, -0.5, 0, 30), (0, 0, 0, 1)]):
        for column, value in enumerate(values):
            matrix.SetElement(row, column, value)
    volume.SetIJKToRASMatrix(matrix)
    path = str(tmp_path / "head.nii.gz")
    assert slicer.util.saveNode(volume, path)
    loaded = slicer.util.loadVolume(path)
    again = vtk.vtkMatrix4x4()
    loaded.GetIJKToRASMatrix(again)
    assert loaded is not volume and loaded.GetName() == "head"
    assert np.allclose(slicer.util.arrayFromVTKMatrix(again), slicer.util.arrayFromVTKMatrix(matrix), atol=1e-4)
    assert np.array_equal(slicer.util.arrayFromVolume(loaded), slicer.util.arrayFromVolume(volume))


def test_a_missing_file_is_an_error(slicerHost):
    import slicer

    with pytest.raises(RuntimeError, match="Failed to load node"):
        slicer.util.loadVolume("/nowhere/head.nii.gz")


def test_the_three_views_show_the_chosen_volumes_also_after_the_scene_was_cleared(slicerHost):
    import slicer

    slicer.mrmlScene.Clear(1)
    volume = slicer.util.addVolumeFromArray(np.ones((8, 8, 8), np.float32))
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    names = slicer.app.layoutManager().sliceViewNames()
    assert names == ["Red", "Yellow", "Green"]
    for name in names:
        widget = slicer.app.layoutManager().sliceWidget(name)
        assert widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() == volume.GetID()
        assert widget.sliceLogic().GetBackgroundLayer().GetVolumeNode() is volume


def test_a_sample_is_loaded_from_a_file_that_the_test_names_and_never_downloaded(slicerHost, volume, tmp_path):
    import SampleData
    import slicer

    with pytest.raises(ValueError, match="no network"):
        SampleData.downloadSample("MRHead")
    path = str(tmp_path / "MRHead.nrrd")
    slicer.util.saveNode(volume, path)
    SampleData.SampleDataLogic.localFiles["MRHead"] = path
    assert SampleData.SampleDataLogic().downloadSample("MRHead").GetName() == "MRHead"


def test_data_nodes_get_and_lose_their_place_in_the_subject_hierarchy(slicerHost, volume):
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(volume)
    assert hierarchy.GetItemParent(item) == hierarchy.GetSceneItemID()
    slicer.mrmlScene.RemoveNode(volume)
    assert hierarchy.GetNumberOfItems() == 0


def test_a_picture_shows_the_slice_as_windowed_and_oriented(slicerHost):
    import slicer

    array = np.zeros((20, 40, 40), np.float32)
    array[:, 20:, :] = 50.0  # anterior half
    array[:, :, 20:] += 50.0  # the right half of the head, seen on the left
    volume = slicer.util.addVolumeFromArray(array)
    volume.GetDisplayNode().SetAutoWindowLevel(False)
    volume.GetDisplayNode().SetWindowLevelMinMax(0, 100)
    picture = slicerHost.slicePicture(volume, "Axial", size=(40, 40))
    assert picture.shape == (40, 40, 3) and picture.dtype == np.uint8
    quarters = picture[10, 10, 0], picture[10, 30, 0], picture[30, 10, 0], picture[30, 30, 0]
    assert np.allclose(quarters, [255, 127, 127, 0], atol=2)
    volume.GetDisplayNode().SetWindowLevelMinMax(0, 200)
    assert np.isclose(slicerHost.slicePicture(volume, "Axial", size=(40, 40))[10, 10, 0], 127, atol=2)
    with pytest.raises(ValueError, match="Unknown orientation"):
        slicerHost.slicePicture(volume, "Oblique")


def test_a_scene_survives_the_way_through_a_bundle(slicerHost, volume, tmp_path):
    import slicer

    path = str(tmp_path / "scene.mrb")
    assert slicer.mrmlScene.WriteToMRB(path)
    slicer.mrmlScene.Clear(0)
    assert slicer.mrmlScene.ReadFromMRB(path)
    again = slicer.util.getNode("Head")
    assert again is not volume and slicer.util.arrayFromVolume(again).shape == (4, 5, 6)


def test_a_segmentation_becomes_a_label_map_on_the_volumes_grid(slicerHost, volume):
    import slicer
    import vtk

    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Brain")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segmentId = segmentation.GetSegmentation().AddEmptySegment("Brain")
    mask = np.zeros((4, 5, 6), np.uint8)
    mask[1:3, 2:4, 3:5] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, segmentId, volume)
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
    segmentIds = vtk.vtkStringArray()
    segmentIds.InsertNextValue(segmentId)
    assert slicer.vtkSlicerSegmentationsModuleLogic.ExportSegmentsToLabelmapNode(
        segmentation, segmentIds, labels, volume
    )
    assert np.array_equal(slicer.util.arrayFromVolume(labels), mask)


def test_a_label_map_is_shown_in_colours(slicerHost):
    import slicer

    labels = slicer.util.addVolumeFromArray(np.ones((4, 4, 4), np.uint8), nodeClassName="vtkMRMLLabelMapVolumeNode")
    red, green, blue = slicerHost.slicePicture(labels, "Axial", size=(16, 16))[8, 8]
    assert max(red, green, blue) - min(red, green, blue) > 50
