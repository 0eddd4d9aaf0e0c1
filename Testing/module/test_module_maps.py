"""Maps of a result: nodes of the scene, in fitting colours, tied to their result."""

import numpy as np
import pytest

from Testing.module.module_helpers import geometry, place


def enhanceWithMaps(logic, head, **options):
    return logic.process(head, checkpoint="mine", maps=True, **options)


# Nodes


def test_each_map_of_the_worker_becomes_a_volume_beside_the_result(logic, moved):
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Patient 7")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(moved), folder)
    result = enhanceWithMaps(logic, moved, planes="three")
    maps = logic.mapNodes(result)
    assert list(maps) == ["detail", "disagreement", "variability"]
    voxels = slicer.util.arrayFromVolume(result)
    np.testing.assert_allclose(slicer.util.arrayFromVolume(maps["variability"]), voxels / 10)
    for name, node in maps.items():
        assert node.GetName() == f"Phantom head CHARMS x2 {name}"
        assert node.GetParentTransformNode() is moved.GetParentTransformNode()
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == folder
        np.testing.assert_allclose(geometry().ijkToRasOfNode(node), geometry().ijkToRasOfNode(result), atol=1e-9)
        np.testing.assert_allclose(place(node, (3, 2, 1)), place(result, (3, 2, 1)), atol=1e-9)


def test_maps_are_found_by_the_documented_node_references(logic, head):
    result = enhanceWithMaps(logic, head)
    maps = logic.mapNodes(result)
    assert list(maps) == ["detail", "variability"]
    for name, node in maps.items():
        assert result.GetNodeReference("CHARMSSR.Map." + name) is node
        assert node.GetNodeReference("CHARMSSR.Result") is result
        assert node.GetAttribute("CHARMSSR.Map") == name


def test_without_maps_there_are_none(logic, head):
    assert logic.mapNodes(logic.process(head, checkpoint="mine")) == {}
    assert logic.mapNodes(head) == {} and logic.mapNodes(None) == {}


@pytest.mark.parametrize("mode", ["forgets a map", "refuses", "dies at work"])
def test_after_an_error_no_map_and_no_result_is_left(logic, fakeWorker, head, sceneState, mode):
    fakeWorker(mode)
    before = sceneState()
    with pytest.raises((ValueError, RuntimeError)):
        enhanceWithMaps(logic, head)
    assert sceneState() == before


def test_after_cancelling_no_map_is_left(slicerModule, logic, fakeWorker, head, sceneState):
    fakeWorker("slow")
    before = sceneState()
    job = enhanceWithMaps(logic, head, waitForCompletion=False)
    assert slicerModule.waitUntil(lambda: job.fraction > 0, 300)
    job.cancel()
    assert slicerModule.waitUntil(lambda: job.done, 300)
    assert sceneState() == before


def test_a_users_volume_of_the_same_name_is_left_alone(logic, head):
    import slicer

    mine = slicer.util.addVolumeFromArray(np.full((3, 4, 5), 9, np.int16), name="Phantom head CHARMS x2 detail")
    maps = logic.mapNodes(enhanceWithMaps(logic, head))
    assert maps["detail"] is not mine and maps["detail"].GetName() == "Phantom head CHARMS x2 detail_1"
    assert np.all(slicer.util.arrayFromVolume(mine) == 9)


def test_an_overwritten_result_has_its_own_maps_overwritten(logic, head):
    import slicer

    output = enhanceWithMaps(logic, head, planes="three")
    first = logic.mapNodes(output)
    volumes = len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"))
    slicer.util.updateVolumeFromArray(head, slicer.util.arrayFromVolume(head) * 2)
    assert logic.process(head, output, checkpoint="mine", maps=True, planes="three") is output
    second = logic.mapNodes(output)
    assert second == first
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == volumes
    np.testing.assert_allclose(
        slicer.util.arrayFromVolume(second["variability"]), slicer.util.arrayFromVolume(output) / 10
    )


def test_maps_that_no_longer_fit_their_result_are_let_go_and_not_deleted(logic, head):
    import slicer

    output = enhanceWithMaps(logic, head)
    former = logic.mapNodes(output)
    logic.process(head, output, checkpoint="mine")
    assert logic.mapNodes(output) == {}
    for node in former.values():
        assert slicer.mrmlScene.GetNodeByID(node.GetID()) is node
        assert node.GetNodeReference("CHARMSSR.Result") is None


def test_a_users_copy_of_a_result_keeps_the_originals_maps_as_they_were(logic, head):
    import slicer

    output = enhanceWithMaps(logic, head)
    original = logic.mapNodes(output)["detail"]
    before = np.array(slicer.util.arrayFromVolume(original))
    copy = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "My copy")
    copy.SetNodeReferenceID("CHARMSSR.Map.detail", original.GetID())  # as cloning in the Data module does
    slicer.util.updateVolumeFromArray(head, slicer.util.arrayFromVolume(head) * 3)
    logic.process(head, copy, checkpoint="mine", maps=True)
    assert logic.mapNodes(copy)["detail"] is not original
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(original), before)
    assert logic.mapNodes(output)["detail"] is original


def test_a_map_chosen_as_the_output_becomes_a_result(logic, head):
    first = enhanceWithMaps(logic, head)
    chosen = logic.mapNodes(first)["variability"]
    assert logic.process(head, chosen, checkpoint="mine", maps=True) is chosen
    assert chosen.GetAttribute("CHARMSSR.Map") is None and not chosen.GetDisplayNode().GetApplyThreshold()
    assert list(logic.mapNodes(chosen)) == ["detail", "variability"] and chosen not in logic.mapNodes(chosen).values()
    assert list(logic.mapNodes(first)) == ["detail"]


def test_maps_survive_a_saved_scene_with_their_colours(slicerModule, logic, head, tmp_path):
    import slicer

    enhanceWithMaps(logic, head)
    (tmp_path / "scene").mkdir()
    assert slicer.mrmlScene.SaveSceneToSlicerDataBundleDirectory(str(tmp_path / "scene"), None)
    slicer.mrmlScene.Clear()
    slicer.mrmlScene.SetURL(str(next((tmp_path / "scene").glob("*.mrml"))))
    assert slicer.mrmlScene.Import()
    maps = logic.mapNodes(slicer.util.getNode("Phantom head CHARMS x2"))
    assert list(maps) == ["detail", "variability"]
    colors = maps["detail"].GetDisplayNode().GetColorNode()
    rgba = [0.0] * 4
    colors.GetColor(128, rgba)
    assert colors.GetNumberOfColors() == 256 and rgba[3] == 0
    enhanceWithMaps(logic, slicer.util.getNode("Phantom head"))
    tables = [node for node in slicer.util.getNodesByClass("vtkMRMLColorTableNode") if "CHARMS" in node.GetName()]
    assert len(tables) == 2


# Colours


def test_a_signed_map_has_colours_symmetric_around_a_transparent_zero(logic, head):
    import slicer

    node = logic.mapNodes(enhanceWithMaps(logic, head))["detail"]
    display, voxels = node.GetDisplayNode(), slicer.util.arrayFromVolume(node)
    assert display.GetLevel() == 0 and not display.GetAutoWindowLevel()
    ends = np.percentile(np.abs(voxels[voxels != 0]), 95)
    assert display.GetWindow() / 2 == pytest.approx(ends, rel=0.05)
    table = np.array([color(display, index) for index in range(256)])
    assert (table[90:166, 3] == 0).all() and (table[:90, 3] == 1).all() and (table[166:, 3] == 1).all()
    assert table[20, 2] > table[20, 0] and table[235, 0] > table[235, 2]  # blue below, orange above


def test_other_maps_go_from_a_transparent_zero_up(logic, head):
    import slicer

    node = logic.mapNodes(enhanceWithMaps(logic, head))["variability"]
    display, voxels = node.GetDisplayNode(), slicer.util.arrayFromVolume(node)
    assert display.GetWindowLevelMin() == pytest.approx(0)
    assert display.GetWindowLevelMax() == pytest.approx(np.percentile(voxels[voxels > 0], 95), rel=0.05)
    assert display.GetApplyThreshold()
    assert display.GetLowerThreshold() == pytest.approx(0.3 * display.GetWindowLevelMax())
    assert display.GetUpperThreshold() >= voxels.max()


def test_an_empty_map_has_a_range_all_the_same(slicerModule):
    from CHARMSSRModule.scene.map_colors import mapRange

    assert mapRange(np.zeros((2, 3, 4), np.float32), signed=True) == (-1.0, 1.0)
    low, high = mapRange(np.array([np.nan, np.inf, -3.0, 0.0]).reshape(1, 2, 2), signed=True)
    assert (low, high) == (-3.0, 3.0)


def color(display, index):
    rgba = [0.0] * 4
    display.GetColorNode().GetColor(index, rgba)
    return rgba


# The worker's words


def test_a_map_of_a_newer_worker_gets_a_role_that_a_scene_file_can_hold(slicerModule, head):
    from CHARMSSRModule.scene.geometry import gridFromIjkToRas, ijkToRasOfNode
    from CHARMSSRModule.scene.result_maps import attachMaps, mapNodes, unfinishedMaps

    grid = gridFromIjkToRas(ijkToRasOfNode(head))
    made = unfinishedMaps({"new map; 2": grid}, lambda image: np.ones((2, 3, 4), np.float32))
    attachMaps(head, made, lambda node: None)
    assert list(mapNodes(head)) == ["new_map__2"]
