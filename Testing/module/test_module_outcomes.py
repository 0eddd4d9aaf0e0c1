"""What is said under the button: as long as it is true, and of which volume."""

import pytest


def shown(widget):
    return not widget.isHidden()


def test_a_refusal_is_shown_until_something_is_chosen_anew(slicerModule, panel, head):
    import slicer

    panel._parameterNode.maskNode = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Empty")
    panel.ui.enhanceButton.click()
    assert panel.job is None and shown(panel.ui.messageFrame) and "Empty" in panel.ui.messageLabel.text
    slicerModule.processEvents()
    assert shown(panel.ui.messageFrame)
    panel._parameterNode.maskNode = None
    assert not shown(panel.ui.messageFrame)


@pytest.mark.parametrize(("mode", "label"), [("dies at work", "messageLabel"), ("slow", "statusLabel")])
def test_what_became_of_a_volume_that_is_not_chosen_any_more_names_it(
    slicerModule, panel, fakeWorker, finish, addScan, mode, label
):
    panel.logic.worker.stop()
    fakeWorker(mode)
    panel.ui.enhanceButton.click()
    panel._parameterNode.inputVolume = addScan("Another")
    if mode == "slow":
        assert slicerModule.waitUntil(lambda: panel.job.fraction > 0, 300)
        panel.ui.enhanceButton.click()
    finish()
    assert getattr(panel.ui, label).text.startswith("Phantom head: ")


@pytest.mark.parametrize(("mode", "label"), [("dies at work", "messageLabel"), ("slow", "statusLabel"),
                                             ("normal", "statusLabel")])  # fmt: skip
def test_what_became_of_one_volume_is_not_said_of_the_next(
    slicerModule, panel, fakeWorker, finish, addScan, mode, label
):
    panel.logic.worker.stop()
    fakeWorker(mode)
    other = addScan("Another")
    panel.ui.enhanceButton.click()
    if mode == "slow":
        assert slicerModule.waitUntil(lambda: panel.job.fraction > 0, 300)
        panel.ui.enhanceButton.click()
    finish()
    assert shown(getattr(panel.ui, label)) and getattr(panel.ui, label).text
    panel._parameterNode.inputVolume = other
    assert not panel.ui.statusLabel.text and not shown(panel.ui.messageFrame)
