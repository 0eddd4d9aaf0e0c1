"""The fine-tune section, driven as a user drives it: rows, settings, the button, plots, the result."""

import pytest


@pytest.fixture
def panel(slicerModule, pairs):
    """The opened module with two pairs of scans in the scene and a fake worker that is ready."""
    widget = slicerModule.openModule("CHARMSSR")
    widget._parameterNode.checkpoint = "mine"
    widget.ui.fineTuneCollapsibleButton.collapsed = False
    assert slicerModule.waitUntil(lambda: widget.logic.worker.state != "starting", 300)
    return widget


@pytest.fixture
def section(panel):
    """The section with a row for each pair."""
    panel.fineTunePanel.ui.addPairButton.click()
    panel.fineTunePanel.ui.addPairButton.click()
    return panel.fineTunePanel


@pytest.fixture
def run(slicerModule, panel, section, fakeWorker):
    """Function: press the button with a worker in the given mode; wait for a condition, or for the end."""

    def start(mode="normal", until=None):
        panel.logic.worker.stop()
        fakeWorker(mode)
        section.ui.startButton.click()
        assert slicerModule.waitUntil(until or (lambda: section.job is None), 300)

    return start


@pytest.fixture
def goOn(slicerModule, section, models):
    """Function: let a slow worker go on to its end."""

    def finish():
        (models.parent / "go-on").touch()
        assert slicerModule.waitUntil(lambda: section.job is None, 300)

    return finish


def shown(widget):
    """Whether a user who opens the section and scrolls sees it."""
    return not widget.isHidden()


def row(section, number):
    return list(section.table.rows.values())[number - 1]


def chartCurves(kind):
    """{label: (x, y)} of the chart of this kind, by what its title says."""
    import slicer

    from Testing.host.plot_pictures import curves

    (chart,) = [node for node in slicer.util.getNodesByClass("vtkMRMLPlotChartNode") if kind in node.GetTitle()]
    return curves(chart)


# The table


def test_scans_whose_names_fit_each_other_are_filled_in(section, pairs):
    filled = list(section.table.pairs().values())
    assert [(pair.image3T, pair.image7T, pair.mask3T) for pair in filled] == [(*pair, None) for pair in pairs]
    assert [(pair.subject, pair.contrast) for pair in filled] == [("sub-01", "T1w"), ("sub-02", "T1w")]
    assert row(section, 2).ui.image7TSelector.currentNode() is pairs[1][1]
    assert section.ui.startButton.enabled, section.ui.startButton.toolTip
    section.ui.addPairButton.click()  # nothing is left to fill in
    assert section.table.pairs()["3"][:3] == (None, None, None)
    assert not section.ui.startButton.enabled
    assert section.ui.startButton.toolTip == "Pair 3 (without a name): Choose the 3T scan."


def test_rows_are_removed_one_by_one_and_all_at_once_and_the_volumes_stay(slicerModule, section, pairs):
    import slicer

    row(section, 1).ui.removeButton.click()
    assert list(section.table.rows) == ["2"] and row(section, 1).ui.subjectLineEdit.text == "sub-02"
    section.ui.removeAllButton.click()
    slicerModule.processEvents()
    assert section.table.rows == {} and not section.ui.removeAllButton.enabled
    assert section.ui.startButton.toolTip.startswith("Add a pair first")
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == 4


def test_each_row_says_at_once_why_its_pair_cannot_be_used(section, pairs):
    first = row(section, 1)
    assert not shown(first.ui.reasonLabel) and "can be used" in first.ui.stateLabel.toolTip
    first.ui.image7TSelector.setCurrentNode(pairs[0][0])
    assert shown(first.ui.reasonLabel) and "is chosen as both scans" in first.ui.reasonLabel.text
    assert "sub-01 3T T1w is chosen as both scans" in section.ui.startButton.toolTip
    first.ui.image7TSelector.setCurrentNode(pairs[1][1])
    assert not shown(first.ui.reasonLabel)
    assert "stands in another pair already" in row(section, 2).ui.reasonLabel.text
    first.ui.image7TSelector.setCurrentNode(None)
    assert "Choose the 7T scan" in first.ui.reasonLabel.text
    first.ui.image7TSelector.setCurrentNode(pairs[0][1])
    assert section.ui.startButton.enabled


def test_rows_follow_what_happens_to_their_scans(section, pairs):
    import slicer
    import vtk

    warp = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Warp")
    warp.SetAndObserveTransformToParent(vtk.vtkThinPlateSplineTransform())
    pairs[0][1].SetAndObserveTransformNodeID(warp.GetID())
    assert "non-linear transform" in row(section, 1).ui.reasonLabel.text
    pairs[0][1].SetAndObserveTransformNodeID(None)
    assert section.ui.startButton.enabled
    voxels = slicer.util.arrayFromVolume(pairs[0][0])
    slicer.util.updateVolumeFromArray(pairs[0][1], voxels)
    assert "hold the same image" in row(section, 1).ui.reasonLabel.text
    slicer.mrmlScene.RemoveNode(pairs[0][1])
    assert "Choose the 7T scan" in row(section, 1).ui.reasonLabel.text


def test_scans_that_lie_apart_or_have_other_names_are_hinted_at_only(section, pairs):
    pairs[0][1].SetOrigin(5000, 0, 0)
    pairs[1][1].SetName("sub-02 7T T2w")
    assert "lie apart" in row(section, 1).ui.reasonLabel.text
    assert "different contrasts" in row(section, 2).ui.reasonLabel.text
    assert section.ui.startButton.enabled


def test_a_row_without_scans_is_nobody(section, slicerModule):
    import slicer

    slicer.mrmlScene.Clear()
    slicerModule.processEvents()
    section.ui.addPairButton.click()
    assert len(section.table.rows) == 1 and not shown(section.ui.pairsHintLabel)


def test_one_person_is_enough_but_the_section_says_how_little_that_tells(section):
    assert not shown(section.ui.pairsHintLabel)
    row(section, 2).ui.subjectLineEdit.text = "sub-01"
    assert "One person only" in section.ui.pairsHintLabel.text and shown(section.ui.pairsHintLabel)
    assert section.ui.startButton.enabled
    section.ui.leaveOneOutCheckBox.checked = True
    assert "at least two people" in section.ui.startButton.toolTip and not section.ui.startButton.enabled


# Settings


def test_every_control_has_a_tool_tip_and_all_fits_into_400_pixels(slicerModule, panel, section):
    endings = ("Selector", "ComboBox", "CheckBox", "SpinBox", "Button", "LineEdit", "Bar", "Edit")
    for ui in (section.ui, row(section, 1).ui):
        controls = [name for name in vars(ui) if name.endswith(endings)]
        assert [name for name in controls if not getattr(ui, name).toolTip] == [] and len(controls) >= 6
    section.ui.moreCollapsibleButton.collapsed = False
    slicerModule.processEvents(0.1)
    assert panel.parent.minimumSizeHint.width() <= 400


@pytest.mark.parametrize(
    ("name", "hint"),
    [("", "Give the new model a name"), ("a b", "letters, digits"), ("mine", "mine-2 is free"),
     ("charms-x2-bicubic", "comes with the extension")],
)  # fmt: skip
def test_the_name_is_checked_while_it_is_typed(section, name, hint):
    assert not shown(section.ui.nameHintLabel)
    section.ui.nameLineEdit.text = name
    assert hint in section.ui.nameHintLabel.text and shown(section.ui.nameHintLabel)
    assert not section.ui.startButton.enabled and hint in section.ui.startButton.toolTip
    section.ui.nameLineEdit.text = "new"
    assert not shown(section.ui.nameHintLabel) and section.ui.startButton.enabled


def test_an_unfinished_run_of_the_same_name_may_go_on(section, models):
    (models / "broken.fine-tuning").mkdir()
    (models / "broken.json").write_text("{}")
    section.ui.nameLineEdit.text = "broken"
    assert "it goes on" in section.ui.nameHintLabel.text and section.ui.startButton.enabled


def test_a_folder_that_cannot_be_written_is_told_before_the_start(section, monkeypatch):
    import os

    monkeypatch.setattr(os, "access", lambda path, mode: False)
    section.refresh()
    assert not section.ui.startButton.enabled and "cannot be written" in section.ui.startButton.toolTip


def test_the_choices_reach_the_worker(section, run, models):
    import json

    ui = section.ui
    assert ui.stepsSpinBox.text == "Automatic" and ui.learningRateComboBox.currentText == "Automatic"
    ui.nameLineEdit.text = "own"
    for box, value in ((ui.stepsSpinBox, 30), (ui.batchSpinBox, 2), (ui.patchSpinBox, 24), (ui.seedSpinBox, 7),
                       (ui.validateEverySpinBox, 10), (ui.patienceSpinBox, 3), (ui.holdOutSpinBox, 0)):  # fmt: skip
        box.value = value
    ui.learningRateComboBox.setCurrentText("3e-5")
    ui.checkpointComboBox.setCurrentText("Model mine")
    ui.skullStripComboBox.setCurrentText("None (brain only)")
    ui.biasCorrectionCheckBox.checked = False
    ui.leaveOneOutCheckBox.checked = True
    run()
    settings = json.loads((models.parent / "seen.json").read_text(encoding="utf-8"))["settings"]
    assert {key: value for key, value in settings.items() if key not in ("folder", "device", "precision")} == {
        "name": "own", "checkpoint": "mine", "steps": 30, "batch": 2, "patch": 24, "seed": 7, "validate_every": 10,
        "patience": 3, "hold_out": 0, "learning_rate": 3e-5, "skull_strip": "none", "bias_correction": False,
        "leave_one_out": True,
    }  # fmt: skip


def test_a_saved_scene_brings_table_settings_curves_and_result_back(slicerModule, panel, section, run, tmp_path):
    import slicer

    section.ui.stepsSpinBox.value = 50
    row(section, 1).ui.contrastComboBox.setCurrentText("T2w")
    run()
    (tmp_path / "scene").mkdir()
    assert slicer.mrmlScene.SaveSceneToSlicerDataBundleDirectory(str(tmp_path / "scene"), None)
    slicer.mrmlScene.Clear()
    panel.enter()
    assert section.table.rows == {} and not shown(section.ui.resultLabel)
    slicer.mrmlScene.SetURL(str(next((tmp_path / "scene").glob("*.mrml"))))
    assert slicer.mrmlScene.Import()
    panel.enter()
    names = [[node and node.GetName() for node in pair[:3]] for pair in section.table.pairs().values()]
    assert names == [["sub-01 3T T1w", "sub-01 7T T1w", None], ["sub-02 3T T1w", "sub-02 7T T1w", None]]
    assert row(section, 1).ui.contrastComboBox.currentText == "T2w" and section.ui.stepsSpinBox.value == 50
    assert "beats the intensity-matched baseline" in section.ui.resultLabel.text
    assert section.ui.psnrPlotButton.enabled
    assert list(chartCurves("PSNR")["Fine-tuned, held out"][1]) == [24.1, 25.6, 26.4, 26.2]


# A run


def test_a_run_ends_with_figures_a_model_to_use_and_a_report(slicerModule, panel, section, run, models):
    run()
    assert not shown(section.ui.messageFrame), section.ui.messageLabel.text
    assert section.ui.statusLabel.text.startswith("Done in ") and section.ui.startButton.text == "Fine-tune"
    for text in ("charms-7t", "(7T-like)", "beats the intensity-matched baseline", "26.38 ± 0.41", "0.861",
                 "3T, intensity-matched", "the best after 40", "1 trained on, 1 held out", "6 min 52 s"):  # fmt: skip
        assert text in section.ui.resultLabel.text, text
    assert panel._parameterNode.checkpoint == "mine"
    section.ui.useButton.click()
    assert panel._parameterNode.checkpoint == "charms-7t"
    assert panel.ui.checkpointComboBox.currentText == "Model charms-7t"
    assert "7T-like." in panel.ui.modelDescriptionLabel.text
    section.ui.reportButton.click()
    assert slicerModule.openedUrls == ["file://" + str(models / "charms-7t.report.html")]


def test_verdicts_of_the_worker_stand_in_the_rows_until_a_scan_is_changed(section, run, pairs):
    run("refuses a pair")
    assert "do not fit" in row(section, 2).ui.reasonLabel.text
    tip = row(section, 1).ui.stateLabel.toolTip
    for text in ("0.110 before, 0.420 registered", "(Dice): 0.963", "0.21 mm", "11.3 mm and 4.2 degrees"):
        assert text in tip, text
    row(section, 2).ui.subjectLineEdit.text = "sub-07"
    assert not shown(row(section, 2).ui.reasonLabel)


def test_curves_grow_with_each_validation_and_are_shown_in_a_plot_view(section, run, goOn):
    import slicer

    assert not section.ui.psnrPlotButton.enabled and "No validation" in section.ui.psnrPlotButton.toolTip
    run("slow", lambda: section.job is not None and len(section.job.history) == 2)
    before = slicer.mrmlScene.GetNumberOfNodes()
    assert [list(values) for values in chartCurves("PSNR")["3T, intensity-matched"]] == [[0, 20], [25.2, 25.2]]
    assert [list(values) for values in chartCurves("Loss")["Held out"]] == [[0, 20], [0.034, 0.030]]
    section.ui.psnrPlotButton.click()
    manager, selection = slicer.app.layoutManager(), slicer.app.applicationLogic().GetSelectionNode()
    assert "PlotView1" in manager._hostShownViews()
    assert "PSNR" in slicer.mrmlScene.GetNodeByID(selection.GetActivePlotChartID()).GetTitle()
    goOn()
    assert list(chartCurves("Loss")["Training"][0]) == [0, 20, 40, 60]
    assert slicer.mrmlScene.GetNumberOfNodes() == before  # filled, not made again
    section.ui.lossPlotButton.click()
    assert "Loss" in slicer.mrmlScene.GetNodeByID(selection.GetActivePlotChartID()).GetTitle()


def test_a_second_run_takes_the_plot_nodes_over_and_one_without_validations_leaves_none(section, run):
    import slicer

    def plotNodes():
        kinds = ("vtkMRMLTableNode", "vtkMRMLPlotSeriesNode", "vtkMRMLPlotChartNode")
        return [node for kind in kinds for node in slicer.util.getNodesByClass(kind)]

    run()
    first = plotNodes()
    assert len(first) == 7
    section.ui.nameLineEdit.text = "second"
    run("refuses")
    assert plotNodes() == [] and not section.ui.lossPlotButton.enabled
    run()
    assert len(plotNodes()) == 7 and [node for node in plotNodes() if "second" in node.GetName()]
    section.ui.nameLineEdit.text = "third"
    run()
    assert len(plotNodes()) == 7 and not [node for node in plotNodes() if "second" in node.GetName()]
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in plotNodes()}
    assert [hierarchy.GetItemName(folder) for folder in folders] == ["Fine-tuning of third"]


def test_a_run_that_gained_nothing_says_so_and_offers_no_model(section, run, models):
    run("gains nothing")
    assert "no model was written" in section.ui.resultLabel.text and "Nothing was gained" in section.ui.resultLabel.text
    assert not section.ui.useButton.enabled and section.ui.useButton.toolTip == "No model was written"
    assert section.ui.reportButton.enabled and not (models / "charms-7t.safetensors").exists()


def test_the_button_cancels_and_says_what_was_kept(slicerModule, panel, section, run):
    run("slow", lambda: section.job is not None and len(section.job.history) == 2)
    assert section.ui.startButton.text == "Cancel" and shown(section.ui.progressBar)
    assert section.ui.statusLabel.text == "Step 20 of 60, held out 25.60 dB · about 2 min left"
    assert not panel.ui.enhanceButton.enabled and "still being fine-tuned" in panel.ui.enhanceButton.toolTip
    section.job.cancelGraceMs = 20000  # the worker does answer
    section.ui.startButton.click()
    assert section.ui.startButton.text == "Cancelling…" and not section.ui.startButton.enabled
    assert slicerModule.waitUntil(lambda: section.job is None, 300)
    assert section.ui.statusLabel.text == "Cancelled. The best so far is kept as charms-7t (step 20, 25.60 dB)."
    assert not shown(section.ui.messageFrame) and section.ui.useButton.enabled
    section.ui.useButton.click()
    assert panel._parameterNode.checkpoint == "charms-7t"


@pytest.mark.parametrize(
    ("mode", "sentence", "details"),
    [("refuses", "shows a phone", False), ("breaks", "Something broke.", True),
     ("dies after a validation", "it goes on from where it was", False), ("is killed", "memory ran out", False)],
)  # fmt: skip
def test_an_error_is_a_sentence_and_the_next_press_clears_it(
    slicerModule, panel, section, run, mode, sentence, details
):
    run(mode)
    assert panel.ui.enhanceButton.enabled, panel.ui.enhanceButton.toolTip
    assert sentence in section.ui.messageLabel.text and shown(section.ui.messageFrame)
    assert shown(section.ui.detailsButton) == details and slicerModule.messages == []
    assert section.ui.startButton.enabled and not shown(section.ui.progressBar)
    run()
    assert not shown(section.ui.messageFrame) and "7T-like" in section.ui.resultLabel.text


def test_voxels_that_are_no_numbers_are_told_when_the_button_is_pressed(section, pairs):
    import numpy as np
    import slicer

    voxels = slicer.util.arrayFromVolume(pairs[1][1]).astype(np.float32)
    voxels[3, 4, 5] = np.nan
    slicer.util.updateVolumeFromArray(pairs[1][1], voxels)
    section.ui.startButton.click()
    assert section.job is None and "Pair 2 (sub-02 T1w): sub-02 7T T1w has voxels" in section.ui.messageLabel.text


def test_without_an_engine_the_button_says_what_is_missing(slicerModule, section, fakeWorker, panel):
    panel.logic.worker.stop()
    fakeWorker("without ncnn", asPythonSlicer=True)
    panel.logic.worker.start()
    assert slicerModule.waitUntil(lambda: panel.logic.worker.startError is not None, 300)
    assert not section.ui.startButton.enabled and "ncnn" in section.ui.startButton.toolTip.lower()


# Ends of the scene and the panel


def test_a_closed_scene_does_not_end_the_run_and_the_new_one_gets_its_result(slicerModule, section, run, goOn, models):
    import slicer

    run("slow", lambda: section.job is not None and section.job.history)
    slicer.mrmlScene.Clear()
    slicerModule.processEvents()
    assert section.job is not None and section.table.rows == {} and section.ui.startButton.text == "Cancel"
    goOn()
    assert "charms-7t" in section.ui.resultLabel.text and (models / "charms-7t.safetensors").exists()
    for kind in ("vtkMRMLScalarVolumeNode", "vtkMRMLTableNode", "vtkMRMLPlotChartNode"):
        assert slicer.util.getNodesByClass(kind) == []


def test_a_run_that_ends_while_another_module_is_shown_is_there_on_return(panel, section, run, goOn):
    run("slow", lambda: section.job is not None and section.job.history)
    panel.parent.exit()
    goOn()
    panel.parent.enter()
    assert "charms-7t" in section.ui.resultLabel.text
    assert len(chartCurves("Loss")["Training"][0]) == 4


def test_reloading_the_module_ends_the_run_which_can_go_on_later(slicerModule, panel, section, run, models):
    import slicer

    run("slow", lambda: section.job is not None and len(section.job.history) == 2)
    job = section.job
    slicer.util.reloadScriptedModule("CHARMSSR")
    assert job.done and "it goes on from where it was" in job.error
    assert panel.logic.worker.processId == 0
    again = slicer.modules.CHARMSSRWidget.fineTunePanel
    assert again is not section and [pair.subject for pair in again.table.pairs().values()] == ["sub-01", "sub-02"]
    assert again.job is None and again.ui.startButton.text == "Fine-tune"


# For eyes


def test_pictures_of_each_state(slicerModule, panel, section, run, goOn, pairs):
    import qt

    from Testing.module.module_helpers import OUTPUT_FOLDER

    def grab(name):
        path = str(OUTPUT_FOLDER / f"panel-fine-tune-{name}.png")
        slicerModule.processEvents(0.05)
        slicerModule.grab(panel, path, width=400)
        assert qt.QImage(path).width() == 800

    for button in ("model", "preprocessing", "result"):
        getattr(panel.ui, button + "CollapsibleButton").collapsed = True
    grab("idle")
    section.ui.addPairButton.click()
    row(section, 3).ui.image3TSelector.setCurrentNode(pairs[0][0])
    row(section, 3).ui.image7TSelector.setCurrentNode(pairs[0][0])
    section.ui.moreCollapsibleButton.collapsed = False
    grab("refused")
    row(section, 3).ui.removeButton.click()
    section.ui.moreCollapsibleButton.collapsed = True
    run("slow", lambda: section.job is not None and len(section.job.history) == 2)
    section.ui.psnrPlotButton.click()
    slicerModule.plotPicture(OUTPUT_FOLDER / "plot-fine-tune-psnr.png")
    grab("running")
    goOn()
    section.ui.lossPlotButton.click()
    slicerModule.plotPicture(OUTPUT_FOLDER / "plot-fine-tune-loss.png")
    grab("done")
    section.ui.nameLineEdit.text = "second"
    run("dies after a validation")
    grab("error")
