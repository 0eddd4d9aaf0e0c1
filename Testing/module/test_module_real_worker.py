"""The real worker with the bundled weights, driven from the panel; on real scans where there are any."""

import hashlib
import json
import os

import numpy as np
import pytest

from Testing.module.module_helpers import MODULE_FOLDER, REPOSITORY

PATIENCE_S = 600
CHECKPOINTS = REPOSITORY / "CHARMSSRLib" / "checkpoints"
BUNDLED = "charms-x2-bicubic"  # the checkpoint for the degradation that is made here
# x2 in the plane of the slices: a network without training gains nothing over bicubic interpolation.
LEAST_GAIN_DB = 0.3


@pytest.fixture
def realSlicer(slicerHost, monkeypatch, tmp_path):
    """The host with the module and the worker that a user gets."""
    monkeypatch.delenv("CHARMSSR_PYTHON", raising=False)
    monkeypatch.setenv("CHARMSSR_HOME", str(tmp_path))
    slicerHost.loadModule("CHARMSSR", str(MODULE_FOLDER))
    from CHARMSSRModule.jobs import models
    from CHARMSSRModule.jobs.worker_client import sharedWorker

    models._homeOutside = str(tmp_path)
    sharedWorker().stop()
    yield slicerHost
    sharedWorker().stop()


def middlePart(path, size=(112, 128, 16)):
    """The central part of a real scan as (array (k, j, i), IJK -> RAS)."""
    import SimpleITK as sitk

    image = sitk.DICOMOrient(sitk.ReadImage(str(path), sitk.sitkFloat32), "LPS")
    image = sitk.RegionOfInterest(image, size, [(whole - part) // 2 for whole, part in zip(image.GetSize(), size)])
    ijkToLps = np.eye(4)
    ijkToLps[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    ijkToLps[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image), np.diag([-1.0, -1.0, 1.0, 1.0]) @ ijkToLps


def halved(array, ijkToRas):
    """The scan as a scanner of half the in-plane resolution would give it."""
    import torch

    from CHARMSSRLab.training.degradations import degrade

    low = degrade(torch.from_numpy(array)[:, None], 2, "bicubic")[:, 0].numpy()
    lowIjkToRas = ijkToRas @ np.diag([2.0, 2.0, 1.0, 1.0])
    lowIjkToRas[:3, 3] = (ijkToRas @ [0.5, 0.5, 0, 1])[:3]
    return low, lowIjkToRas


def psnr(candidate, reference, mask):
    error = np.mean((candidate[mask] - reference[mask]) ** 2)
    return 10 * np.log10(np.percentile(reference[mask], 99.9) ** 2 / error)


def bicubic(low):
    import torch

    larger = torch.nn.functional.interpolate(
        torch.from_numpy(low)[:, None], scale_factor=2, mode="bicubic", align_corners=False
    )
    return larger[:, 0].numpy()


def addVolume(array, ijkToRas, name, className="vtkMRMLScalarVolumeNode"):
    import slicer
    from CHARMSSRModule.scene.geometry import matrixFromArray

    node = slicer.mrmlScene.AddNewNodeByClass(className, name)
    slicer.util.updateVolumeFromArray(node, array)
    node.SetIJKToRASMatrix(matrixFromArray(ijkToRas))
    node.CreateDefaultDisplayNodes()
    return node


def test_the_button_beats_bicubic_interpolation_on_a_real_scan(realSlicer, volume_path):
    import slicer
    from CHARMSSRModule.parameter_node import DataConsistency
    from CHARMSSRModule.scene.geometry import ijkToRasOfNode
    from CHARMSSRModule.scene.scene_results import reportOf, sourceOf

    name = BUNDLED
    reference, ijkToRas = middlePart(volume_path("ds002748_sub-04_T1w"))
    low, lowIjkToRas = halved(reference, ijkToRas)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Registration")
    scan = addVolume(low, lowIjkToRas, "Scan")
    scan.SetAndObserveTransformNodeID(transform.GetID())
    mask = addVolume((low > 0).astype(np.uint8), lowIjkToRas, "Brain", "vtkMRMLLabelMapVolumeNode")
    mask.SetAndObserveTransformNodeID(transform.GetID())

    panel = realSlicer.openModule("CHARMSSR")
    parameters = panel._parameterNode
    panel.ui.inputSelector.setCurrentNode(scan)
    panel.ui.maskSelector.setCurrentNode(mask)
    panel.ui.biasCorrectionCheckBox.checked = False
    parameters.checkpoint, parameters.dataConsistency = name, DataConsistency.REPORT
    messages = []
    panel.ui.enhanceButton.click()
    process = panel.logic.worker.processId
    panel.job.onProgressCall(lambda fraction, message: messages.append(message))
    assert realSlicer.waitUntil(lambda: panel.job is None, PATIENCE_S)
    assert panel.ui.messageFrame.isHidden(), panel.ui.messageLabel.text

    result = slicer.util.getNode("Scan CHARMS x2")
    output = slicer.util.arrayFromVolume(result)
    np.testing.assert_allclose(ijkToRasOfNode(result), ijkToRas, atol=1e-4)
    assert output.shape == reference.shape and sourceOf(result) is scan
    assert result.GetParentTransformNode() is transform
    inside = (reference > 0) & (low > 0).repeat(2, axis=1).repeat(2, axis=2)
    gain = psnr(output, reference, inside) - psnr(bicubic(low), reference, inside)
    assert gain > LEAST_GAIN_DB, f"{gain:.2f} dB"

    weights = (CHECKPOINTS / f"{name}.safetensors").read_bytes()
    assert result.GetAttribute("CHARMSSR.CheckpointSHA256") == hashlib.sha256(weights).hexdigest()
    assert (
        result.GetAttribute("CHARMSSR.CheckpointSHA256")
        == json.loads((CHECKPOINTS / f"{name}.json").read_text(encoding="utf-8"))["sha256"]
    )
    assert process not in (0, os.getpid()) and panel.logic.worker.processId == process
    report = reportOf(result)
    assert report["slices"]["enhanced"] == 16 and "Enhancing slice 16 of 16" in " ".join(messages)
    for key in ("stages", "peak_memory_bytes", "data_consistency", "banding", "skull_strip", "warnings"):
        assert key in report


def test_the_workers_own_refusals_arrive_as_value_errors(realSlicer):
    from CHARMSSRModule.logic import CHARMSSRLogic
    from CHARMSSRModule.self_test import addPhantomHead

    name = BUNDLED
    head = addPhantomHead()
    far = np.eye(4)
    far[:3, 3] = 5000
    mask = addVolume(np.ones((5, 6, 7), np.uint8), far, "Far away", "vtkMRMLLabelMapVolumeNode")
    logic = CHARMSSRLogic()
    with pytest.raises(ValueError, match="overlap"):
        logic.process(head, maskNode=mask, checkpoint=name)
    with pytest.raises(ValueError, match="synthstrip|SynthStrip"):
        logic.process(head, skullStrip="synthstrip", checkpoint=name)
    with pytest.raises(ValueError, match="cuda"):
        logic.process(head, device="cuda:7", checkpoint=name)


def test_a_damaged_checkpoint_of_the_user_is_refused_with_a_sentence(realSlicer, tmp_path):
    from CHARMSSRModule.logic import CHARMSSRLogic
    from CHARMSSRModule.self_test import addPhantomHead

    name = BUNDLED
    card = json.loads((CHECKPOINTS / f"{name}.json").read_text(encoding="utf-8"))
    weights = bytearray((CHECKPOINTS / f"{name}.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "mine.json").write_text(json.dumps({**card, "name": "mine"}), encoding="utf-8")
    (tmp_path / "mine.safetensors").write_bytes(weights)
    head = addPhantomHead()
    with pytest.raises(ValueError, match="damaged"):
        CHARMSSRLogic().process(head, checkpoint="mine")
    pickle = tmp_path / "theirs.pt"
    pickle.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ValueError, match="theirs"):
        CHARMSSRLogic().process(head, checkpoint=str(pickle))


def test_the_self_test_of_the_module_passes(realSlicer):
    realSlicer.runSelfTests("CHARMSSR")


def test_the_panel_test_for_the_real_application_passes_here_too(realSlicer, monkeypatch):
    import unittest

    monkeypatch.syspath_prepend(str(MODULE_FOLDER / "Testing" / "Python"))
    suite = unittest.defaultTestLoader.loadTestsFromName("CHARMSSRPanelTest")
    with realSlicer.testingMode():
        outcome = unittest.TextTestRunner(verbosity=0).run(suite)
    assert outcome.wasSuccessful() and outcome.testsRun == 5 and not outcome.skipped
