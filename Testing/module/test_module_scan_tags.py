"""What a scan's files say beside its voxels reaches the worker: the thickness of slices, and what it is called."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from Testing.dicom import hospital


@pytest.fixture
def series(slicerModule, tmp_path, monkeypatch):
    """Function: a volume node as Slicer's DICOM reader leaves it, of a series with the given tags."""
    import slicer
    from CHARMSSRModule.scene.geometry import matrixFromArray

    files = {}

    class Database:
        def fileForInstance(self, uid):
            return files.get(uid, "")

    monkeypatch.setattr(slicer, "dicomDatabase", Database(), raising=False)

    def make(**tags):
        folder = tmp_path / f"in{len(files)}"
        voxels = hospital.write_series(folder, tags=lambda number: tags)
        for path in folder.glob("*.dcm"):
            files[str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID)] = str(path)
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "3: t1")
        slicer.util.updateVolumeFromArray(node, voxels)
        node.SetIJKToRASMatrix(matrixFromArray(np.diag([-1.0, -1, 1, 1]) @ hospital.affine()))
        node.CreateDefaultDisplayNodes()
        uids = [f"{hospital.series_uid('t1')}.{k + 1}" for k in range(len(voxels))]
        node.SetAttribute("DICOM.instanceUIDs", " ".join(uids))
        return node

    return make


def test_a_job_names_the_scan_and_its_first_dicom_image(logic, series, tmp_path):
    from CHARMSSRModule.scene.scene_results import reportOf

    node = series()
    seen = reportOf(logic.process(node, checkpoint="mine"))["scan_seen"]
    assert seen["name"] == "3: t1" and Path(seen["file"]).parent == tmp_path / "in0"
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    assert reportOf(logic.process(node, checkpoint="mine"))["scan_seen"]["file"] is None


def test_a_job_names_the_file_of_a_volume_as_long_as_it_is_as_it_was_read(logic, head, tmp_path):
    import slicer
    from CHARMSSRModule.scene.scene_results import reportOf

    path = tmp_path / "sub-1_T2w.nii.gz"
    assert slicer.util.saveNode(head, str(path))
    node = slicer.util.loadVolume(str(path))
    assert reportOf(logic.process(node, checkpoint="mine"))["scan_seen"]["file"] == str(path)
    slicer.util.updateVolumeFromArray(node, slicer.util.arrayFromVolume(node) + 1)
    assert reportOf(logic.process(node, checkpoint="mine"))["scan_seen"]["file"] is None


def test_thick_slices_of_a_dicom_series_are_enhanced_by_their_stated_thickness(series, monkeypatch, tmp_path):
    """The real worker, with a small network; a thickness that is none or cannot be is as none."""
    from CHARMSSRModule.jobs import models
    from CHARMSSRModule.logic import CHARMSSRLogic
    from CHARMSSRModule.scene.scene_results import reportOf

    from CHARMSSRLib import CHARMS
    from CHARMSSRLib.checkpoints.loading import save_checkpoint

    monkeypatch.delenv("CHARMSSR_PYTHON", raising=False)
    monkeypatch.setenv("CHARMSSR_HOME", str(tmp_path))
    models._homeOutside = str(tmp_path)
    card = {"name": "small", "intensity": {"kind": "percentile", "upper": 99.9}, "margin": 6,
            "data_consistency_operator": "bicubic", "seen_7t": False}  # fmt: skip
    settings = {
        "checkpoint": str(save_checkpoint(CHARMS(blocks=1, units=1), card, tmp_path / "checkpoints")),
        "planes": "three", "biasCorrection": False, "skullStrip": "none", "device": "cpu",
    }  # fmt: skip
    used = {}
    for stated in (0.6 * hospital.STEP, 0, 900):
        result = CHARMSSRLogic().process(series(SliceThickness=stated), **settings)
        used[stated] = reportOf(result)["slice_profile"]["thickness_mm"]
    assert used == pytest.approx({0.6 * hospital.STEP: 0.6 * hospital.STEP, 0: hospital.STEP, 900: hospital.STEP})
