"""exportDICOM(): a result under its source's study, in a folder or in Slicer's DICOM database."""

import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pydicom
import pytest

from Testing.dicom import hospital


class Database:
    """As much of Slicer's DICOM database as the module asks for."""

    def __init__(self, folder):
        self.folder, self.files = folder, {}

    def add(self, path):
        self.files[str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID)] = str(path)

    def fileForInstance(self, uid):
        return self.files.get(uid, "")


@pytest.fixture
def database(tmp_path, monkeypatch, fakeWorker):
    import slicer

    one = Database(tmp_path / "database")
    one.folder.mkdir()
    monkeypatch.setattr(slicer, "dicomDatabase", one, raising=False)

    def importDicom(folder, dicomDatabase=None, copyFiles=False):
        assert copyFiles
        for path in sorted(Path(folder).glob("*.dcm")):
            dicomDatabase.add(shutil.copy(path, one.folder))

    library = types.ModuleType("DICOMLib")
    library.DICOMUtils = types.SimpleNamespace(importDicom=importDicom)
    monkeypatch.setitem(sys.modules, "DICOMLib", library)
    return one


@pytest.fixture
def scan(database, tmp_path):
    """A volume node as Slicer's DICOM reader leaves it."""
    import slicer
    from CHARMSSRModule.scene.geometry import matrixFromArray

    voxels = hospital.write_series(tmp_path / "in", orientation=hospital.OBLIQUE)
    for path in (tmp_path / "in").glob("*.dcm"):
        database.add(path)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "T1")
    slicer.util.updateVolumeFromArray(node, voxels)
    node.SetIJKToRASMatrix(matrixFromArray(np.diag([-1.0, -1, 1, 1]) @ hospital.affine(hospital.OBLIQUE)))
    uids = [f"{hospital.series_uid('t1')}.{k + 1}" for k in range(len(voxels))]
    node.SetAttribute("DICOM.instanceUIDs", " ".join(uids))
    return node


def test_a_result_becomes_a_series_of_its_sources_study(logic, scan, tmp_path):
    result = logic.process(scan, checkpoint="mine")
    assert logic.reasonNotToExportDICOM(result) == ""
    paths = logic.exportDICOM(result, str(tmp_path / "out"))
    before, after = hospital.read_back(tmp_path / "in"), hospital.read_back(tmp_path / "out")
    assert len(paths) == len(after) == len(before)
    row, column = np.reshape(hospital.OBLIQUE, (2, 3))
    for one, other in zip(before, after):
        assert (other.StudyInstanceUID, other.PatientID) == (one.StudyInstanceUID, one.PatientID)
        assert other.SeriesNumber == one.SeriesNumber + 9000 and (other.Rows, other.Columns) == (80, 72)
        moved = np.array(other.ImagePositionPatient, float) - np.array(one.ImagePositionPatient, float)
        assert np.abs(moved + 0.25 * (0.9 * row + 0.8 * column)).max() < 1e-3
        assert np.array_equal(other.pixel_array, one.pixel_array.repeat(2, 0).repeat(2, 1))


def test_the_series_names_the_settings_that_it_was_made_with(logic, scan, tmp_path):
    result = logic.process(scan, checkpoint="mine", denoise=40, keepSkull=True)
    logic.exportDICOM(result, tmp_path / "out")
    (described,) = {one.DerivationDescription for one in hospital.read_back(tmp_path / "out")}
    assert all(setting in described for setting in ("denoise 40", "keep_skull", "bias_correction", "resolution auto"))


def test_a_transform_in_the_scene_does_not_move_the_series(logic, scan, tmp_path):
    import slicer

    result = logic.process(scan, checkpoint="mine")
    logic.exportDICOM(result, tmp_path / "before")
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    for node in (scan, result):
        node.SetAndObserveTransformNodeID(transform.GetID())
    logic.exportDICOM(result, tmp_path / "after")
    places = [[one.ImagePositionPatient for one in hospital.read_back(tmp_path / name)] for name in ("before", "after")]
    assert places[0] == places[1]


def test_the_database_takes_the_series_and_nothing_is_left_beside_it(logic, scan, database):
    paths = logic.exportDICOM(logic.process(scan, checkpoint="mine"))
    assert len(paths) == hospital.SIZE[0]
    assert {Path(path).parent for path in paths} == {database.folder}


def test_slicers_own_export_finds_study_and_kind_of_the_result(logic, scan):
    """It reads patient and study from the items above, the rest from attributes of the item itself."""
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Test^Subject")
    study = hierarchy.CreateStudyItem(patient, "Head")
    item = hierarchy.GetItemByDataNode(scan) or hierarchy.CreateItem(study, scan)
    hierarchy.SetItemParent(item, study)
    said = {"Modality": "MR", "FrameOfReferenceUID": "1.2.3", "Manufacturer": "Maker", "Model": "Scanner 3T",
            "SeriesNumber": "4", "SeriesDescription": "T1 MPRAGE"}  # fmt: skip
    for name, value in said.items():
        hierarchy.SetItemAttribute(item, f"DICOM.{name}", value)
    result = logic.process(scan, checkpoint="mine")
    found = hierarchy.GetItemByDataNode(result)
    assert hierarchy.GetItemParent(found) == study and hierarchy.GetItemParent(study) == patient
    assert {name: hierarchy.GetItemAttribute(found, f"DICOM.{name}") for name in said} == {
        **said, "SeriesNumber": "9004", "SeriesDescription": f"{result.GetName()}, research only",
    }  # fmt: skip
    assert not result.GetAttribute("DICOM.instanceUIDs")


def test_what_cannot_be_exported_is_refused_with_a_reason(logic, head, scan, database, tmp_path):
    with pytest.raises(ValueError, match="result of this module"):
        logic.exportDICOM(scan, tmp_path / "out")
    assert "not loaded from DICOM" in logic.reasonNotToExportDICOM(logic.process(head, checkpoint="mine"))
    result = logic.process(scan, checkpoint="mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("precious")
    with pytest.raises(ValueError, match="not empty"):
        logic.exportDICOM(result, tmp_path / "full")
    database.files.clear()
    assert "import them again" in logic.reasonNotToExportDICOM(result)
    assert not (tmp_path / "out").exists()


def test_one_button_saves_the_result_into_the_database(slicerModule, scan, database):
    panel = slicerModule.openModule("CHARMSSR")
    panel.ui.inputSelector.setCurrentNode(scan)
    assert slicerModule.waitUntil(lambda: panel.ui.enhanceButton.enabled, 300)
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job is None, 300)
    button = panel.ui.dicomButton
    assert button.visible and button.enabled and "study of T1" in button.toolTip
    before = len(database.files)
    button.click()
    assert len(database.files) == before + hospital.SIZE[0]
    assert not button.enabled and button.text == "Saved as DICOM series"


def test_a_result_of_another_volume_has_no_such_button(slicerModule, head, fakeWorker):
    panel = slicerModule.openModule("CHARMSSR")
    assert slicerModule.waitUntil(lambda: panel.ui.enhanceButton.enabled, 300)
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job is None, 300)
    assert not panel.ui.dicomButton.visible
