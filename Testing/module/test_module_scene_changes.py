"""What happens to the user's choices when scans come and go: a scene is read, a scan removed, another module shown."""

import pytest


@pytest.fixture
def chosen(panel, pairs, addScan):
    """Names of what is chosen in the panel, none of it the first or the last volume: input, output and two pairs."""
    scans = {"input": addScan("Chosen"), "output": addScan("Written over")}
    addScan("Last")
    panel._parameterNode.inputVolume, panel._parameterNode.outputVolume = scans["input"], scans["output"]
    for _pair in pairs:
        panel.fineTunePanel.table.add()
    return choices(panel)


def choices(panel):
    """Names of the chosen nodes, as the parameter node has them; the selectors must agree."""
    parameters = panel._parameterNode
    nodes = [parameters.inputVolume, parameters.outputVolume, parameters.maskNode]
    selectors = [panel.ui.inputSelector, panel.ui.outputSelector, panel.ui.maskSelector]
    table = panel.fineTunePanel.table
    for key, pair in table.pairs().items():
        nodes += pair[:3]
        selectors += table.rows[key]._selectors.values()
    assert [selector.currentNode() for selector in selectors] == nodes
    return [node and node.GetName() for node in nodes]


def saved(folder):
    """Path of the scene, written into a folder."""
    import slicer

    folder.mkdir()
    assert slicer.mrmlScene.SaveSceneToSlicerDataBundleDirectory(str(folder), None)
    return str(next(folder.glob("*.mrml")))


@pytest.mark.parametrize("how", ["Import into an empty scene", "Import into the scene", "Connect"])
@pytest.mark.parametrize("isShown", [True, False])
def test_a_scene_that_is_read_brings_the_choices_that_were_saved_in_it(
    slicerModule, panel, chosen, addScan, tmp_path, how, isShown
):
    import slicer

    path = saved(tmp_path / "scene")
    if how == "Import into an empty scene":
        slicer.mrmlScene.Clear()
        assert panel.ui.inputSelector.currentNode() is None
    else:
        panel._parameterNode.inputVolume = addScan("Another")
    if not isShown:
        panel.parent.exit()
    slicer.mrmlScene.SetURL(path)
    assert slicer.mrmlScene.Connect() if how == "Connect" else slicer.mrmlScene.Import()
    if not isShown:
        panel.parent.enter()
    assert choices(panel) == chosen
    assert panel.ui.enhanceButton.enabled


def test_a_scene_without_choices_gets_its_first_volume_as_input(slicerModule, panel, tmp_path):
    import slicer

    slicer.mrmlScene.RemoveNode(panel._parameterNode.parameterNode)
    path = saved(tmp_path / "scene")
    slicer.mrmlScene.SetURL(path)
    assert slicer.mrmlScene.Connect()
    assert panel._parameterNode.inputVolume.GetName() == "Phantom head"
    assert panel.ui.inputSelector.currentNode() is panel._parameterNode.inputVolume


@pytest.mark.parametrize("name, gone", [("Chosen", 0), ("Written over", 1), ("sub-01 3T T1w", 3), ("sub-02 7T T1w", 7)])
def test_a_removed_scan_leaves_its_place_empty_and_no_other_takes_it(slicerModule, panel, chosen, name, gone):
    import slicer

    slicer.mrmlScene.RemoveNode(slicer.util.getNode(name))
    assert choices(panel) == [None if index == gone else each for index, each in enumerate(chosen)]
    assert panel.ui.enhanceButton.enabled == (gone != 0)


def test_a_removed_mask_leaves_no_mask(panel, head):
    import slicer

    masks = [slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", name) for name in ("one", "two")]
    panel._parameterNode.maskNode = masks[0]
    slicer.mrmlScene.RemoveNode(masks[0])
    assert panel._parameterNode.maskNode is None and panel.ui.maskSelector.currentNode() is None


def test_scans_that_go_while_another_module_is_shown_disturb_nothing(slicerModule, panel, chosen, pairs):
    import slicer

    panel.parent.exit()
    for scans in pairs:
        slicer.mrmlScene.RemoveNode(scans[0])
    slicerModule.raiseErrors()
    slicer.mrmlScene.Clear()
    slicerModule.raiseErrors()
    panel.parent.enter()
    assert choices(panel) == [None, None, None]


def test_after_a_reload_the_old_rows_hear_no_more_of_the_scene(slicerModule, panel, chosen, pairs):
    import slicer

    oldRows = list(panel.fineTunePanel.table.rows.values())
    slicer.util.reloadScriptedModule("CHARMSSR")
    old = [panel.ui.inputSelector, *(row.ui.image3TSelector for row in oldRows)]
    assert [selector.mrmlScene() for selector in old] == [None, None, None]
    slicer.mrmlScene.RemoveNode(pairs[0][0])
    slicerModule.raiseErrors()
    panel = slicer.modules.CHARMSSRWidget
    assert panel._parameterNode.inputVolume.GetName() == "Chosen"


def test_a_scan_that_is_removed_while_it_is_enhanced_ends_the_job_at_once(slicerModule, panel, fakeWorker, head):
    import slicer

    panel.logic.worker.stop()
    fakeWorker("slow")
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job.fraction > 0.1, 300)
    slicer.mrmlScene.RemoveNode(head)
    assert panel.job is None
    sentence = "The input volume was removed while it was being enhanced: nothing was added."
    assert panel.ui.statusLabel.text == f"Phantom head: {sentence}"
    assert slicerModule.waitUntil(lambda: panel.logic.worker.job is None, 300)


def test_the_report_is_a_table_of_the_scene_beside_the_result(slicerModule, panel, head):
    import slicer

    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job is None, 300)
    panel.ui.tableButton.click()
    table = slicer.util.getNode("Phantom head CHARMS x2 report")
    rows = {table.GetCellText(row, 0): table.GetCellText(row, 1) for row in range(table.GetNumberOfRows())}
    assert rows["Slices"] == "16 enhanced, 2 without brain" and rows["Distance to the scan"] == "2.13 %"
    assert slicer.app.applicationLogic().GetSelectionNode().GetActiveTableID() == table.GetID()
    panel.ui.tableButton.click()
    assert len(slicer.util.getNodesByClass("vtkMRMLTableNode")) == 1


def test_cards_are_read_when_a_folder_has_changed_and_not_at_every_change_of_the_scene(
    slicerModule, models, monkeypatch
):
    from CHARMSSRModule.jobs import models as cards

    from CHARMSSRLib.checkpoints import registry
    from Testing.module.module_helpers import writeCheckpoint

    read, original = [], registry.read_card
    monkeypatch.setattr(registry, "read_card", lambda name: read.append(name) or original(name))
    names = [card["name"] for card in cards.availableModels()]
    read.clear()
    panel = slicerModule.openModule("CHARMSSR")
    panel._parameterNode.biasCorrection = False
    assert read == []
    writeCheckpoint(models, "newer", "Model newer")
    assert [card["name"] for card in cards.availableModels()] == [*names, "newer"]
    assert "newer" in read
