"""The panel when the scene, the panel or the application ends; what a saved scene brings back."""

import pytest


def test_closing_the_scene_while_running_adds_nothing_and_the_panel_is_usable_again(
    slicerModule, panel, fakeWorker, finish
):
    import slicer
    from CHARMSSRModule.self_test import addPhantomHead

    panel.logic.worker.stop()
    fakeWorker("slow")
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job.fraction > 0, 300)
    slicer.mrmlScene.Clear()
    assert panel.job is None
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []
    assert slicerModule.waitUntil(lambda: panel.logic.currentJob() is None, 300)
    head = addPhantomHead()
    panel._parameterNode.checkpoint = "mine"
    panel.ui.inputSelector.setCurrentNode(head)
    assert panel.ui.enhanceButton.enabled, panel.ui.enhanceButton.toolTip


def test_reloading_the_module_while_running_drops_the_job(slicerModule, panel, fakeWorker, sceneState):
    import slicer

    panel.logic.worker.stop()
    fakeWorker("slow")
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job.fraction > 0, 300)
    job, before = panel.job, sceneState()
    slicer.util.reloadScriptedModule("CHARMSSR")
    assert job.done and job.node is None
    assert panel.logic.worker.processId == 0
    slicerModule.processEvents(0.3)
    assert sceneState() == before
    assert slicer.modules.CHARMSSRWidget is not panel
    assert slicer.modules.CHARMSSRWidget.ui.enhanceButton.text == "Enhance to 7T-like"


def test_the_developers_reload_reads_every_file_again(slicerModule, panel, monkeypatch):
    import sys

    import slicer

    before = sys.modules["CHARMSSRModule.panel.widget"]
    for name in [name for name in sys.modules if name.split(".")[0] in ("CHARMSSRModule", "CHARMSSRLib")]:
        monkeypatch.setitem(sys.modules, name, sys.modules[name])  # other tests go on with what they have imported
    panel.onReload()
    assert sys.modules["CHARMSSRModule.panel.widget"] is not before
    assert type(slicer.modules.CHARMSSRWidget) is not type(panel)
    slicer.modules.CHARMSSRWidget.cleanup()


def test_closing_the_module_ends_the_worker_process(slicerModule, panel):
    import os

    process = panel.logic.worker.processId
    assert process
    slicerModule.closeModules()
    with pytest.raises(OSError):
        os.kill(process, 0)


def test_a_result_that_arrives_while_another_module_is_shown_is_there_on_return(slicerModule, panel, finish):
    import slicer

    panel.ui.enhanceButton.click()
    panel.parent.exit()
    finish()
    panel.parent.enter()
    assert panel._parameterNode.resultVolume is slicer.util.getNode("Phantom head CHARMS x2")
    assert "Phantom head CHARMS x2" in panel.ui.resultLabel.text


def test_a_saved_scene_brings_choices_and_figures_back(slicerModule, panel, finish, tmp_path):
    import slicer

    panel.ui.planesComboBox.setCurrentIndex(2)  # coronal slices
    panel.ui.enhanceButton.click()
    finish()
    (tmp_path / "scene").mkdir()
    assert slicer.mrmlScene.SaveSceneToSlicerDataBundleDirectory(str(tmp_path / "scene"), None)
    slicer.mrmlScene.Clear()
    slicer.mrmlScene.SetURL(str(next((tmp_path / "scene").glob("*.mrml"))))
    assert slicer.mrmlScene.Import()
    panel.enter()
    assert panel.ui.planesComboBox.currentText == "Coronal slices"
    assert "16 enhanced" in panel.ui.figuresLabel.text
    assert panel.ui.compareButton.enabled
