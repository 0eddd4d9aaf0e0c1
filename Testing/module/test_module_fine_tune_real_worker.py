"""The real worker fine-tunes a tiny network on a tiny pair, driven from the section: half a minute, no skill."""

import hashlib
import json
import os

import numpy as np
import pytest

from Testing.module.module_helpers import MODULE_FOLDER
from Testing.small_checkpoint import small_checkpoint

PATIENCE_S = 1200
SCAN = (44, 52, 18), (3.8, 3.9, 8.0)  # size and voxels of the 3T
SEVEN = (62, 73, 25), (2.7, 2.8, 5.7)
SLAB = (62, 73, 16), (2.7, 2.8, 3.0)  # 48 mm of a head


@pytest.fixture
def realSlicer(slicerHost, monkeypatch, tmp_path):
    """The host with the module, the worker that a user gets, and a tiny checkpoint in the user's folder."""
    monkeypatch.delenv("CHARMSSR_PYTHON", raising=False)
    monkeypatch.setenv("CHARMSSR_HOME", str(tmp_path))
    small_checkpoint(tmp_path, "tiny", bias=0.1, card={"margin": 4})  # a bias is an error that every step makes smaller
    slicerHost.loadModule("CHARMSSR", str(MODULE_FOLDER))
    from CHARMSSRModule.jobs import models
    from CHARMSSRModule.jobs.worker_client import sharedWorker

    models._homeOutside = str(tmp_path)
    sharedWorker().stop()
    yield slicerHost
    sharedWorker().stop()


def addBrain(name, size, spacing, seed):
    """A phantom's brain, everything else zero, as a volume node."""
    import SimpleITK as sitk
    import slicer
    from CHARMSSRModule.scene.geometry import ijkToRasFromGrid, matrixFromArray

    from Testing.phantom import phantom_head_and_brain

    head, brain = phantom_head_and_brain(size, spacing, bias=0.05, noise=6, seed=seed)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, sitk.GetArrayFromImage(sitk.Mask(head, brain)))
    grid = {"spacing": head.GetSpacing(), "origin": head.GetOrigin(), "direction": head.GetDirection()}
    node.SetIJKToRASMatrix(matrixFromArray(ijkToRasFromGrid(grid)))
    return node


def addPair(gridOf7T):
    """A 3T scan and a finer 7T scan, which a parent transform has turned and moved."""
    import slicer
    from CHARMSSRModule.scene.geometry import matrixFromArray

    addBrain("sub-01 3T T1w", *SCAN, seed=1)
    seven = addBrain("sub-01 7T T1w", *gridOf7T, seed=2)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    cosine, sine = np.cos(0.1), np.sin(0.1)
    transform.SetMatrixTransformToParent(
        matrixFromArray([[cosine, -sine, 0, 6], [sine, cosine, 0, -4], [0, 0, 1, 5], [0, 0, 0, 1]])
    )
    seven.SetAndObserveTransformNodeID(transform.GetID())


@pytest.fixture
def section(realSlicer):
    """Function: the section with a pair, the 7T on the given grid, and settings for the shortest of runs."""

    def prepared(gridOf7T):
        addPair(gridOf7T)
        panel = realSlicer.openModule("CHARMSSR")
        panel.ui.fineTuneCollapsibleButton.collapsed = False
        section = panel.fineTunePanel
        section.ui.addPairButton.click()
        section.ui.checkpointComboBox.setCurrentIndex(section.ui.checkpointComboBox.findData("tiny"))
        section.ui.learningRateComboBox.setCurrentText("3e-4")
        section.ui.skullStripComboBox.setCurrentIndex(section.ui.skullStripComboBox.findData("none"))
        section.ui.biasCorrectionCheckBox.checked = False
        ui = section.ui
        for box, value in ((ui.stepsSpinBox, 2), (ui.batchSpinBox, 2), (ui.patchSpinBox, 16)):
            box.value = value
        section.ui.validateEverySpinBox.value = 2
        assert section.ui.startButton.enabled, section.ui.startButton.toolTip
        return panel, section

    return prepared


def test_the_button_makes_a_checkpoint_that_enhances(realSlicer, section, tmp_path):
    panel, section = section(SEVEN)
    section.ui.startButton.click()
    job = section.job
    assert realSlicer.waitUntil(lambda: section.job is None, PATIENCE_S)
    assert job.error is None, job.error
    assert [event["step"] for event in job.history] == [0, 2]
    assert job.history[1]["validation_loss"] < job.history[0]["validation_loss"]
    quality = job.verdicts[0]["quality"]
    assert job.verdicts[0]["status"] in ("ok", "warned") and quality["mutual_information"] > 0.3
    assert quality["rotation_degrees"] == pytest.approx(np.degrees(0.1), abs=1)  # the parent transform counts

    weights = (tmp_path / "charms-7t.safetensors").read_bytes()
    card = json.loads((tmp_path / "charms-7t.json").read_text(encoding="utf-8"))
    assert card["sha256"] == hashlib.sha256(weights).hexdigest() and card["seen_7t"] is True
    assert not (tmp_path / "charms-7t.fine-tuning").exists()
    assert job.report["hold_out"] == "slices" and "One" not in section.ui.messageLabel.text
    for text in ("charms-7t", "7T-like", "3T, intensity-matched", "Model after", job.report["verdict"][:30]):
        assert text in section.ui.resultLabel.text, text
    section.ui.reportButton.click()
    assert realSlicer.openedUrls and os.path.isfile(tmp_path / "charms-7t.report.html")
    section.ui.useButton.click()
    assert panel._parameterNode.checkpoint == "charms-7t" and "7T-like." in panel.ui.modelDescriptionLabel.text
    import slicer

    result = panel.logic.process(slicer.util.getNode("sub-01 3T T1w"), checkpoint="charms-7t", skullStrip="none",
                                 biasCorrection=False)  # fmt: skip
    assert result.GetAttribute("CHARMSSR.CheckpointSHA256") == card["sha256"]


def test_a_pair_that_the_worker_cannot_use_is_refused_in_its_row_and_in_a_sentence(realSlicer, section, tmp_path):
    panel, section = section(SLAB)
    section.ui.startButton.click()
    assert realSlicer.waitUntil(lambda: section.job is None, PATIENCE_S)
    (row,) = section.table.rows.values()
    assert "covers only" in row.ui.reasonLabel.text and "can't be used" in row.ui.stateLabel.toolTip
    assert "sub-01 T1w" in section.ui.messageLabel.text and "covers only" in section.ui.messageLabel.text
    assert not section.ui.detailsButton.isVisible() and list(tmp_path.glob("charms-7t*")) == []
