"""The panel, driven as a user drives it: selectors, lists, the button."""

import pytest


def select(comboBox, text):
    """Choose the item with this text, as a click on it does."""
    for index in range(comboBox.count):
        if comboBox.itemText(index) == text:
            comboBox.setCurrentIndex(index)
            return
    raise AssertionError(f"{text} is not in the list")


def shown(widget):
    """Whether a user who scrolls sees it: a hidden parent other than a window counts."""
    return not widget.isHidden()


# At rest


def test_the_first_volume_is_chosen_and_the_button_ready(panel, head):
    assert panel.ui.inputSelector.currentNode() is head
    assert panel.ui.enhanceButton.enabled and panel.ui.enhanceButton.text == "Enhance to 7T-like"
    assert panel.ui.gridLabel.text == "→ super-resolved, 1.75 × 1.75 × 8 mm"
    assert "Voxels: 3.5 × 3.5 × 8 → 1.75 × 1.75 × 8 mm" in panel.ui.gridLabel.toolTip
    for widget in (panel.ui.noticeFrame, panel.ui.messageFrame, panel.ui.progressBar, panel.ui.statusLabel):
        assert not shown(widget)


def test_every_control_has_a_tool_tip(panel):
    import slicer

    controls = [
        name for name, widget in vars(panel.ui).items()
        if name.endswith(("Selector", "ComboBox", "CheckBox", "SpinBox", "Button", "LineEdit", "Bar"))
        and not name.endswith("CollapsibleButton")
    ]  # fmt: skip
    assert len(controls) >= 18
    assert [name for name in controls if not getattr(panel.ui, name).toolTip] == []
    assert slicer.app.activeModalWidget() is None


def test_the_panel_fits_into_400_pixels(slicerModule, panel, finish):
    panel.ui.enhanceButton.click()
    finish()
    panel.ui.advancedCollapsibleButton.collapsed = False
    slicerModule.processEvents(0.1)
    assert panel.parent.minimumSizeHint.width() <= 400


def test_each_model_is_listed_with_what_its_result_may_be_called_and_why(panel):
    select(panel.ui.checkpointComboBox, "Model mine")
    assert "Super-resolved." in panel.ui.modelDescriptionLabel.text
    assert "has not seen 7T" in panel.ui.modelDescriptionLabel.toolTip
    assert "What mine &lt;b&gt;can&lt;/b&gt; do" in panel.ui.modelDescriptionLabel.toolTip
    assert panel.ui.gridLabel.text.startswith("→ super-resolved, ")
    select(panel.ui.checkpointComboBox, "Model mine-7t")
    assert "7T-like." in panel.ui.modelDescriptionLabel.text
    assert "pairs of 3T and 7T" in panel.ui.modelDescriptionLabel.toolTip
    assert panel.ui.gridLabel.text.startswith("→ 7T-like, ")


def test_the_automatic_choice_comes_first_then_bundled_models(panel):
    comboBox = panel.ui.checkpointComboBox
    assert [comboBox.itemData(index) for index in range(comboBox.count)] == [
        "auto", "charms-x2-bicubic", "charms-x2-clinical", "mine-7t", "mine",
    ]  # fmt: skip


def test_the_clinical_model_is_chosen_unless_the_user_chooses(panel):
    panel._parameterNode.checkpoint = ""
    panel.enter()
    assert panel.ui.checkpointComboBox.currentText == "CHARMS x2, clinical"
    assert "For clinical scans" in panel.ui.modelDescriptionLabel.toolTip


def test_choices_are_kept_in_the_parameter_node_and_shown_from_it(panel):
    from CHARMSSRModule.parameter_node import DataConsistency, Planes

    node, ui = panel._parameterNode, panel.ui
    select(ui.planesComboBox, "Sagittal slices")
    select(ui.dataConsistencyComboBox, "Correct the result")
    select(ui.skullStripComboBox, "None (brain only)")
    select(ui.checkpointComboBox, "Model mine-7t")
    ui.biasCorrectionCheckBox.checked = False
    ui.keepSkullCheckBox.checked = True
    ui.restoreBiasCheckBox.checked = True
    assert (node.planes, node.dataConsistency) == (Planes.SAGITTAL, DataConsistency.PROJECT)
    assert (node.skullStrip, node.checkpoint) == ("none", "mine-7t")
    assert (node.biasCorrection, node.keepSkull, node.restoreBias) == (False, True, True)
    assert node.parameterNode.GetParameter("checkpoint") == "mine-7t"

    node.planes, node.skullStrip, node.biasCorrection = Planes.THREE, "deepbet", True
    assert ui.planesComboBox.currentText == "All three, fused"
    assert ui.skullStripComboBox.currentText == "deepbet" and ui.biasCorrectionCheckBox.checked


def test_a_scene_that_names_what_is_not_here_says_so_and_loses_nothing(panel):
    panel._parameterNode.checkpoint = "colleagues-model"
    panel._parameterNode.skullStrip = "synthstrip"
    assert panel.ui.checkpointComboBox.currentText == "colleagues-model (not on this computer)"
    assert panel.ui.skullStripComboBox.currentText == "synthstrip (not installed)"
    assert not panel.ui.enhanceButton.enabled
    assert "colleagues-model is not on this computer" in panel.ui.enhanceButton.toolTip
    panel.initializeParameterNode()
    assert panel._parameterNode.checkpoint == "colleagues-model"


def test_devices_and_backends_come_from_the_worker(panel):
    ui = panel.ui
    assert [ui.deviceComboBox.itemText(i) for i in range(ui.deviceComboBox.count)] == [
        "Automatic", "CPU, 8 threads", "Tesla T4, 15 GB",
    ]  # fmt: skip
    assert ui.deviceLabel.text == "Automatic is Tesla T4, 15 GB; computed by torch"
    assert [ui.skullStripComboBox.itemText(i) for i in range(ui.skullStripComboBox.count)] == [
        "Automatic (deepbet)", "deepbet", "built-in", "None (brain only)",
    ]  # fmt: skip


def test_machine_settings_outlive_the_scene_and_the_panel(slicerModule, panel):
    import slicer
    from CHARMSSRModule.jobs.machine_settings import machineSetting

    select(panel.ui.deviceComboBox, "Tesla T4, 15 GB")
    select(panel.ui.precisionComboBox, "16 bit (bfloat16)")
    panel.ui.batchSpinBox.value = 4
    assert [machineSetting(name) for name in ("Device", "Precision", "Batch")] == ["cuda:0", "bfloat16", 4]
    slicer.mrmlScene.Clear()
    slicer.util.reloadScriptedModule("CHARMSSR")
    ui = slicer.modules.CHARMSSRWidget.ui
    assert ui.deviceComboBox.itemData(ui.deviceComboBox.currentIndex) == "cuda:0"
    assert (ui.precisionComboBox.currentText, ui.batchSpinBox.value) == ("16 bit (bfloat16)", 4)


def test_an_own_folder_of_models_fills_the_list(panel, models, tmp_path):
    import json

    other = tmp_path / "others"
    other.mkdir()
    card = json.loads((models / "mine.json").read_text(encoding="utf-8"))
    (other / "theirs.json").write_text(json.dumps({**card, "name": "theirs", "title": "Model theirs"}))
    (other / "theirs.safetensors").write_bytes(b"")
    panel.ui.checkpointFolderPathLineEdit.currentPath = str(other)
    select(panel.ui.checkpointComboBox, "Model theirs")
    panel.ui.checkpointFolderPathLineEdit.currentPath = ""
    select(panel.ui.checkpointComboBox, "Model mine")


@pytest.mark.parametrize("planes, expected", [("Coronal slices", "1.75 × 3.5 × 4"), ("As acquired", "1.75 × 1.75 × 8")])
def test_the_announced_voxels_follow_the_planes(panel, planes, expected):
    select(panel.ui.planesComboBox, planes)
    assert panel.ui.gridLabel.text.endswith(f", {expected} mm")


def test_a_volume_that_cannot_be_enhanced_disables_the_button_and_its_tool_tip_says_why(panel, head):
    import numpy as np
    import slicer

    thin = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Thin")
    slicer.util.updateVolumeFromArray(thin, np.ones((4, 40, 40)))
    panel.ui.inputSelector.setCurrentNode(thin)
    assert not panel.ui.enhanceButton.enabled
    assert panel.ui.enhanceButton.toolTip == "Thin has too few slices (4): at least 16 are needed."
    panel.ui.inputSelector.setCurrentNode(head)
    assert panel.ui.enhanceButton.enabled


def test_the_panel_follows_changes_of_the_chosen_volume(panel, head):
    import numpy as np
    import slicer

    slicer.mrmlScene.RemoveNode(head)
    volume = slicer.util.addVolumeFromArray(np.random.default_rng(0).normal(100, 9, (20, 40, 40)), name="Late")
    assert panel.ui.inputSelector.currentNode() is volume
    assert panel.ui.enhanceButton.enabled, panel.ui.enhanceButton.toolTip
    volume.SetSpacing(1, 1, 30)
    assert not panel.ui.enhanceButton.enabled and "1 x 1 x 30 mm" in panel.ui.enhanceButton.toolTip
    volume.SetSpacing(1, 1, 3)
    assert panel.ui.enhanceButton.enabled and panel.ui.gridLabel.text.endswith(", 0.5 × 0.5 × 3 mm")


def test_two_models_of_the_same_title_are_told_apart_by_name(panel, models):
    for name in ("mine", "mine-7t"):
        path = models / f"{name}.json"
        path.write_text(path.read_text(encoding="utf-8").replace(f"Model {name}", "Model"))
    panel.enter()
    select(panel.ui.checkpointComboBox, "Model: mine")
    select(panel.ui.checkpointComboBox, "Model: mine-7t")


def test_without_a_volume_the_tool_tip_asks_for_one(slicerModule, panel):
    import slicer

    slicer.mrmlScene.Clear()
    slicerModule.processEvents()
    assert not panel.ui.enhanceButton.enabled
    assert panel.ui.enhanceButton.toolTip.startswith("Choose an input volume")


# The button


def test_the_button_adds_a_volume_and_shows_its_figures(slicerModule, panel, finish, head):
    import slicer

    panel.ui.enhanceButton.click()
    assert panel.ui.enhanceButton.text == "Cancel" and shown(panel.ui.progressBar)
    finish()
    result = slicer.util.getNode("Phantom head CHARMS x2")
    assert panel._parameterNode.resultVolume is result
    assert panel.ui.enhanceButton.text == "Enhance to 7T-like" and not shown(panel.ui.progressBar)
    assert panel.ui.statusLabel.text.startswith("Done in ")
    assert panel.ui.resultLabel.text == "<b>Phantom head CHARMS x2</b><br>1.75 × 1.75 × 8 mm, 18.4 s"
    assert not shown(panel.ui.figuresLabel)
    panel.ui.figuresButton.click()
    assert shown(panel.ui.figuresLabel)
    text = panel.ui.figuresLabel.text
    for figure in (
        "mine", "3.5\u00a0×\u00a03.5\u00a0×\u00a08 → 1.75\u00a0×\u00a01.75\u00a0×\u00a08\u00a0mm",
        "16 enhanced, 2 without brain", "built-in, 1432 mL", "2.13 %", "0.0012 → 0.0011", "cpu, float32",
        "18.4 s", "1.9 GB",
    ):  # fmt: skip
        assert figure in text, figure
    red = slicer.app.layoutManager().sliceWidget("Red").sliceLogic().GetSliceCompositeNode()
    assert red.GetBackgroundVolumeID() == result.GetID()


def test_the_choices_reach_the_worker(slicerModule, panel, finish):
    from CHARMSSRModule.scene.scene_results import reportOf

    select(panel.ui.planesComboBox, "Axial slices")
    select(panel.ui.skullStripComboBox, "built-in")
    select(panel.ui.deviceComboBox, "CPU, 8 threads")
    panel.ui.biasCorrectionCheckBox.checked = False
    panel.ui.batchSpinBox.value = 2
    panel.ui.enhanceButton.click()
    finish()
    seen = reportOf(panel._parameterNode.resultVolume)["settings_seen"]
    assert (seen["planes"], seen["skull_strip"], seen["device"]) == ("axial", "builtin", "cpu")
    assert (seen["bias_correction"], seen["batch"], seen["checkpoint"]) == (False, 2, "mine")
    assert (seen["resolution"], seen["denoise"], seen["quality"], seen["engine"]) == ("auto", "auto", "plain", "auto")


def test_noise_quality_pixels_and_engine_reach_the_worker(slicerModule, panel, finish):
    from CHARMSSRModule.scene.scene_results import reportOf

    panel._parameterNode.checkpoint = ""
    panel.ui.noiseAutomaticCheckBox.checked = False
    panel.ui.noiseSlider.value = 30
    panel.ui.bestQualityCheckBox.checked = True
    select(panel.ui.resolutionComboBox, "As the file states")
    select(panel.ui.engineComboBox, "ncnn")
    panel.ui.enhanceButton.click()
    finish()
    seen = reportOf(panel._parameterNode.resultVolume)["settings_seen"]
    assert (seen["resolution"], seen["denoise"], seen["quality"], seen["engine"]) == ("stated", "30", "best", "ncnn")
    assert panel.ui.modelCollapsibleButton.toolTip.endswith("noise \u221230 %, best quality</p>")
    assert panel.ui.slicesCollapsibleButton.text == "Slices: As acquired, stated pixels"
    assert panel.ui.advancedCollapsibleButton.text == "Advanced: ncnn"


def test_noise_is_automatic_until_the_user_takes_the_slider(panel):
    parameters, ui = panel._parameterNode, panel.ui
    ui.modelCollapsibleButton.collapsed = False
    parameters.checkpoint = ""
    assert ui.noiseAutomaticCheckBox.checked and not shown(ui.noiseSlider) and parameters.noise == -1
    assert panel._noisePanel.setting() == "auto" and "noise" not in ui.modelCollapsibleButton.toolTip
    ui.noiseAutomaticCheckBox.checked = False
    assert shown(ui.noiseSlider) and (ui.noiseSlider.value, parameters.noise) == (70, 70)
    ui.noiseSlider.value = 0
    assert parameters.noise == 0 and ui.modelCollapsibleButton.toolTip.endswith("noise kept</p>")
    parameters.checkpoint = "mine"  # has no such control
    assert not ui.noiseAutomaticCheckBox.enabled and not shown(ui.noiseSlider) and parameters.noise == 0
    assert "as it was measured" in ui.noiseAutomaticCheckBox.toolTip and panel._noisePanel.setting() == "auto"
    parameters.checkpoint = "charms-x2-clinical"
    assert shown(ui.noiseSlider) and (ui.noiseSlider.value, panel._noisePanel.setting()) == (0, "0")
    ui.noiseAutomaticCheckBox.checked = True
    assert parameters.noise == -1 and panel._noisePanel.setting() == "auto"


def test_the_engines_of_the_library_are_listed_and_missing_ones_marked(slicerModule, panel, fakeWorker):
    def texts():
        return [panel.ui.engineComboBox.itemText(i) for i in range(panel.ui.engineComboBox.count)]

    assert texts() == ["Automatic", "PyTorch", "ncnn"]
    panel.logic.worker.stop()
    fakeWorker("without torch")
    panel.logic.worker.start()
    assert slicerModule.waitUntil(lambda: panel.logic.worker.state == "ready", 300)
    assert texts() == ["Automatic", "PyTorch (not installed)", "ncnn"]


def test_warnings_of_the_worker_are_shown(panel, fakeWorker, finish):
    panel.logic.worker.stop()
    fakeWorker("warns")
    panel.ui.enhanceButton.click()
    finish()
    assert "⚠ The mask is larger than brains are." in panel.ui.resultLabel.text


def test_progress_shows_stage_slices_and_remaining_time(slicerModule, panel, fakeWorker, finish):
    panel.logic.worker.stop()
    fakeWorker("slow")
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job.fraction > 0.02, 300)
    assert panel.ui.statusLabel.text.startswith("Enhancing slice ")
    assert panel.ui.statusLabel.text.endswith("… · about 12 s left")
    assert panel.ui.progressBar.value > 0
    panel.ui.enhanceButton.click()
    finish()


def test_the_same_button_cancels_and_the_scene_stays_as_it_was(slicerModule, panel, fakeWorker, finish, sceneState):
    panel.logic.worker.stop()
    fakeWorker("slow")
    before = sceneState()
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job.fraction > 0, 300)
    panel.ui.enhanceButton.click()
    assert panel.ui.enhanceButton.text == "Cancelling…" and not panel.ui.enhanceButton.enabled
    finish()
    assert panel.ui.statusLabel.text == "Cancelled: nothing was added." and not shown(panel.ui.messageFrame)
    assert panel.ui.enhanceButton.enabled
    assert sceneState() == before


def test_a_worker_that_is_busy_with_a_long_step_is_killed_and_another_one_got_ready(slicerModule, panel, fakeWorker):
    panel.logic.worker.stop()
    fakeWorker("deaf")
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job.fraction > 0, 300)
    first = panel.logic.worker.processId
    assert panel.job.cancelGraceMs < 1000
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job is None, 300)
    assert panel.ui.statusLabel.text == "Cancelled: nothing was added."
    assert slicerModule.waitUntil(lambda: panel.logic.worker.state == "ready", 300)
    assert panel.logic.worker.processId not in (0, first)


@pytest.mark.parametrize(
    ("mode", "sentence", "details"),
    [
        ("refuses", "The image shows a phone", False),
        ("breaks", "Something broke.", True),
        ("dies at work", "ended before it was done", True),
        ("is killed", "memory ran out", False),
    ],
)
def test_an_error_is_a_sentence_in_the_panel(
    slicerModule, panel, fakeWorker, finish, sceneState, mode, sentence, details
):
    panel.logic.worker.stop()
    fakeWorker(mode)
    before = sceneState()
    panel.ui.enhanceButton.click()
    finish()
    assert sentence in panel.ui.messageLabel.text and shown(panel.ui.messageFrame)
    assert shown(panel.ui.detailsButton) == details
    assert panel.ui.enhanceButton.enabled and sceneState() == before
    assert slicerModule.messages == []  # no box to click away
    if details:
        panel.ui.detailsButton.click()
        assert sentence in slicerModule.messages[-1].text and slicerModule.messages[-1].detail


def test_the_next_press_clears_the_error_and_starts_the_worker_anew(slicerModule, panel, fakeWorker, finish):
    panel.logic.worker.stop()
    fakeWorker("dies at work")
    panel.ui.enhanceButton.click()
    finish()
    fakeWorker()
    panel.ui.enhanceButton.click()
    assert not shown(panel.ui.messageFrame)
    finish()
    assert panel._parameterNode.resultVolume is not None


def test_voxels_of_a_large_image_are_judged_when_the_button_is_pressed(slicerModule, panel, head, monkeypatch):
    import numpy as np
    import slicer

    monkeypatch.setattr(type(panel._voxelChecks), "MOST_VOXELS", 100)
    array = slicer.util.arrayFromVolume(head).astype(np.float32)
    array[3, 4, 5] = np.nan
    slicer.util.updateVolumeFromArray(head, array)
    panel.ui.enhanceButton.click()
    assert panel.job is None
    assert "no number" in panel.ui.messageLabel.text and shown(panel.ui.messageFrame)


def test_a_job_of_the_console_disables_the_button_and_its_tool_tip_says_why(slicerModule, panel, fakeWorker, head):
    from CHARMSSRModule.logic import CHARMSSRLogic

    panel.logic.worker.stop()
    fakeWorker("slow")
    job = CHARMSSRLogic().process(head, checkpoint="mine", waitForCompletion=False)
    assert slicerModule.waitUntil(lambda: job.fraction > 0, 300)
    assert not panel.ui.enhanceButton.enabled
    assert "Phantom head is still being enhanced" in panel.ui.enhanceButton.toolTip
    job.cancel()
    assert slicerModule.waitUntil(lambda: job.done, 300)
    assert panel.ui.enhanceButton.enabled


# Comparing


def test_compare_shows_both_volumes_in_one_plane_with_the_same_grey_levels(slicerModule, panel, finish, head):
    import slicer

    assert not panel.ui.compareButton.enabled and panel.ui.compareButton.toolTip == "There is no result yet"
    panel.ui.enhanceButton.click()
    finish()
    head.GetDisplayNode().SetAutoWindowLevel(False)
    head.GetDisplayNode().SetWindowLevel(400, 300)
    panel.ui.compareButton.click()
    manager, result = slicer.app.layoutManager(), panel._parameterNode.resultVolume
    assert manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView
    left, right = (manager.sliceWidget(name).sliceLogic() for name in ("Red", "Yellow"))
    assert left.GetSliceCompositeNode().GetBackgroundVolumeID() == head.GetID()
    assert right.GetSliceCompositeNode().GetBackgroundVolumeID() == result.GetID()
    assert left.GetSliceCompositeNode().GetLinkedControl() and right.GetSliceCompositeNode().GetLinkedControl()
    from CHARMSSRModule.scene.geometry import arrayFromMatrix

    planes = [arrayFromMatrix(logic.GetSliceNode().GetSliceToRAS()) for logic in (left, right)]
    assert (planes[0] == planes[1]).all()
    assert left.GetSliceNode().GetFieldOfView()[0] == pytest.approx(right.GetSliceNode().GetFieldOfView()[0])
    assert result.GetDisplayNode().GetWindow() == 400 and result.GetDisplayNode().GetLevel() == 300
    assert panel.ui.linkViewsButton.checked
    # The head is turned by 10 degrees: the view lies in the plane of its slices.
    across = arrayFromMatrix(left.GetSliceNode().GetSliceToRAS())[:3, 2]
    assert abs(across[1]) == pytest.approx(0.17365, abs=1e-4)


def test_views_are_linked_and_unlinked(panel):
    from CHARMSSRModule.scene.compare_views import viewsAreLinked

    panel.ui.linkViewsButton.click()
    assert viewsAreLinked()
    panel.ui.linkViewsButton.click()
    assert not viewsAreLinked()


def test_while_another_volume_is_chosen_the_job_is_named(slicerModule, panel, fakeWorker, finish, head, addScan):
    panel.logic.worker.stop()
    fakeWorker("slow")
    status, parameters = panel.ui.statusLabel, panel._parameterNode
    other = addScan("Other")
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job.fraction > 0.02, 300)
    assert status.text.startswith("Enhancing slice ")
    parameters.inputVolume = other
    assert status.text.startswith(f"{head.GetName()}: Enhancing slice ")
    panel.ui.enhanceButton.click()
    finish()
    assert status.text == f"{head.GetName()}: Cancelled: nothing was added."
    panel.logic.worker.stop()
    fakeWorker("normal")
    parameters.inputVolume = head
    panel.ui.enhanceButton.click()
    parameters.inputVolume = other
    finish()
    assert status.text.startswith(f"{head.GetName()}: Done in ")
    parameters.inputVolume = head
    assert status.text == ""  # it said nothing about this one


def test_a_scan_whose_voxels_have_changed_since_is_named(panel, finish, head):
    import slicer

    panel.ui.enhanceButton.click()
    finish()
    assert "has changed since" not in panel.ui.resultLabel.text
    voxels = slicer.util.arrayFromVolume(head).copy()
    slicer.util.updateVolumeFromArray(head, voxels[::-1].copy())  # as another frame of a sequence
    assert f"⚠ {head.GetName()} has changed since: it shows other voxels" in panel.ui.resultLabel.text
    slicer.util.updateVolumeFromArray(head, voxels)
    assert "has changed since" not in panel.ui.resultLabel.text
    head.SetAttribute("any", "thing")
    head.GetDisplayNode().SetWindowLevel(3, 4)
    assert "has changed since" not in panel.ui.resultLabel.text
