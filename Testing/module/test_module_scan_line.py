"""The line under the volume: what the scan really measured, asked of the worker while the interface stays alive."""

import nibabel
import numpy as np
import pytest


@pytest.fixture
def look(slicerModule, fakeWorker, head):
    """Function: the opened panel with a worker in the given mode, once it has looked at the scan."""

    def openPanel(mode="normal", until="found"):
        fakeWorker(mode)
        panel = slicerModule.openModule("CHARMSSR")
        panel._parameterNode.checkpoint = "mine"
        assert slicerModule.waitUntil(lambda: panel._inspection.state == until, 300)
        slicerModule.processEvents(0.1)
        return panel

    return openPanel


def seen(panel):
    return panel._inspection.acquisition["seen"]


def test_the_line_says_contrast_resolution_and_noise_and_its_tool_tip_how_they_were_told(look):
    ui = look().ui
    assert ui.scanLabel.text == "Scan: T1w, pixels as measured, noise 2 %"
    for text in ("left-right: 3.50 mm stated, 3.50 mm measured (the band ends)", "Noise: air around the head",
                 "Contrast: white matter is bright"):  # fmt: skip
        assert text in ui.scanLabel.toolTip
    assert ui.scanWarningLabel.isHidden()


def test_interpolated_pixels_are_named_and_the_announced_voxels_are_those_of_the_library(look, head):
    import SimpleITK as sitk
    from CHARMSSRModule.scene.geometry import enhancedSpacing, ijkToRasOfNode
    from CHARMSSRModule.scene.measured_pixels import measuredSize

    from CHARMSSRLib.acquisition.measured_grid import at_least_as_fine, to_grid
    from CHARMSSRLib.grids.slices import enlargement

    head.SetSpacing(0.5, 0.5, 4.0)
    size = np.tile(head.GetImageData().GetDimensions(), 1) * (2, 2, 1)
    import slicer

    voxels = slicer.util.arrayFromVolume(head).repeat(2, axis=1).repeat(2, axis=2)
    slicer.util.updateVolumeFromArray(head, voxels)
    panel = look("interpolated")
    assert panel.ui.scanLabel.text == "Scan: T1w, interpolated from 1 × 1 × 4 mm, noise 2 %"
    assert panel.ui.gridLabel.text == "→ super-resolved, 0.5 × 0.5 × 4 mm"
    assert "enhanced from the measured 1 × 1 × 4 mm" in panel.ui.gridLabel.toolTip
    panel._parameterNode.resolution = type(panel._parameterNode.resolution)("stated")
    assert panel.ui.gridLabel.text == "→ super-resolved, 0.25 × 0.25 × 4 mm"

    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(head.GetSpacing())
    for planes in ("acquisition", "three"):
        measured = measuredSize(panel._inspection.acquisition, ijkToRasOfNode(head), size, planes)
        coarse = to_grid(image, measured)
        factors = enlargement(coarse.GetSpacing()[::-1], 2, planes)
        enlarged = sitk.Image([one * factor for one, factor in zip(coarse.GetSize(), factors[::-1])], sitk.sitkUInt8)
        fine = at_least_as_fine(enlarged, image.GetSize())
        expected = [step * one / other for step, one, other in zip(image.GetSpacing(), image.GetSize(), fine)]
        assert enhancedSpacing(ijkToRasOfNode(head), planes, 2, size, measured) == pytest.approx(expected)


def test_a_warning_stands_under_the_button_which_does_not_move(slicerModule, look):
    import qt

    panel = look("never looks", until="looking")
    assert panel.ui.scanLabel.text == "Looking at the scan…"

    def place():
        return panel.ui.enhanceButton.mapTo(panel.parent, qt.QPoint(0, 0)).y()

    before = place()
    doubts = ["The head is cut off at the top of the image: partial coverage.", "Brightness varies 3.4 times."]
    axes = [{"direction": "left-right", "spacing_mm": 1.0, "true_mm": 1.0, "interpolation": "none"}]
    panel._inspection._show({"axes": axes, "warnings": doubts})
    panel._refresh()
    slicerModule.processEvents(0.1)
    assert place() == before
    assert panel.ui.scanWarningLabel.text == f"⚠ {doubts[0]} (and 1 more)"
    assert all(text in panel.ui.scanWarningLabel.toolTip for text in doubts)


def test_a_warning_of_what_is_corrected_anyway_is_left_out(look):
    from CHARMSSRLib.acquisition import physicist

    panel = look()
    with open(physicist.__file__, encoding="utf-8") as file:
        (sentence,) = [line for line in file if "correct the bias field" in line]
    panel._inspection.acquisition["warnings"] = [sentence]
    panel._refresh()
    assert panel.ui.scanWarningLabel.isHidden()
    panel._parameterNode.biasCorrection = False
    assert "correct the bias field" in panel.ui.scanWarningLabel.text


def test_the_automatic_model_is_the_one_that_suits_the_scan_with_the_reason(slicerModule, look):
    from CHARMSSRModule.scene.scene_results import reportOf

    panel = look()
    ui, box = panel.ui, panel.ui.checkpointComboBox
    assert box.itemText(0) == "Automatic, by the scan"
    box.setCurrentIndex(0)
    assert panel._parameterNode.checkpoint == "auto" and "charms-x2-bicubic" not in ui.modelCollapsibleButton.text
    assert ui.modelDescriptionLabel.text == "This scan: <b>CHARMS x2, bicubic</b>."
    assert "Its band ends" in ui.modelDescriptionLabel.toolTip
    assert ui.gridLabel.text == "→ super-resolved, 1.75 × 1.75 × 8 mm"
    ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job is None, 300)
    assert reportOf(panel._parameterNode.resultVolume)["settings_seen"]["checkpoint"] == "auto"


def test_a_scan_that_the_worker_cannot_look_at_says_why(look):
    panel = look("cannot look", until="refused")
    assert panel.ui.scanLabel.isHidden() and panel.ui.scanWarningLabel.text == "⚠ The scan is a riddle."


def test_a_scan_is_looked_at_once_and_again_when_its_voxels_change(slicerModule, look, head, addScan):
    import slicer

    panel = look()
    other = addScan("Other")
    first = seen(panel)["sum"]
    assert first == slicer.util.arrayFromVolume(head).sum()
    panel._parameterNode.inputVolume = other
    assert slicerModule.waitUntil(lambda: panel._inspection.state == "found", 300)
    assert seen(panel)["sum"] != first
    panel._parameterNode.inputVolume = head
    assert panel._inspection.state == "found" and seen(panel)["sum"] == first  # remembered
    voxels = slicer.util.arrayFromVolume(head) + 1
    slicer.util.updateVolumeFromArray(head, voxels)
    assert slicerModule.waitUntil(
        lambda: panel._inspection.state == "found" and seen(panel)["sum"] == voxels.sum(), 300
    )


def test_a_job_can_start_while_the_worker_looks_and_its_death_takes_no_files_along(slicerModule, look):
    import os

    import slicer

    panel = look("never looks", until="looking")
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job is None, 300)
    assert panel._parameterNode.resultVolume is not None
    panel.logic.worker.stop()
    assert [name for name in os.listdir(slicer.app.temporaryPath) if name.startswith("CHARMSSR-")] == []
    assert panel._inspection.state == "nothing"


def test_voxels_are_handed_over_in_pieces(slicerModule, look, monkeypatch):
    from CHARMSSRModule.jobs.inspection import Inspection

    monkeypatch.setattr(Inspection, "PIECE_BYTES", 10_000)
    monkeypatch.setattr(Inspection, "_writePiece", counted(Inspection._writePiece))
    panel = look()
    assert Inspection._writePiece.calls > 5 and panel._inspection.state == "found"


def counted(function):
    def call(self):
        call.calls += 1
        function(self)

    call.calls = 0
    return call


def test_the_real_library_finds_what_the_line_shows(head):
    """The fake worker's answer has the shape of the library's."""
    import SimpleITK as sitk
    import slicer
    from CHARMSSRModule.panel.scan_panel import scanDetails, scanLine

    from CHARMSSRLib.acquisition.inspect import inspect_image

    image = sitk.GetImageFromArray(slicer.util.arrayFromVolume(head))
    image.SetSpacing(head.GetSpacing())
    found = inspect_image(image).to_dict()
    assert scanLine(found).startswith("Scan: ") and len(scanDetails(found)) >= 3


@pytest.mark.parametrize(
    ("sform", "qform", "expected"),
    [
        ((0, 1), (12, 1), "12 mm apart: Slicer takes its "),
        ((0, 1), (0, 1), ""),
        ((0, 1), (12, 0), ""),  # a form with the code 0 is not there
        ("mirrored", (0, 1), "check left and right"),
    ],
)
def test_a_file_with_two_positions_says_which_one_is_taken(slicerModule, tmp_path, sform, qform, expected):
    import slicer
    from CHARMSSRModule.scene.scan_files import formsSentence

    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    image = nibabel.Nifti1Image(np.arange(20 * 40 * 40, dtype=np.int16).reshape(40, 40, 20), affine)

    def moved(distance):
        matrix = affine.copy()
        matrix[0, 3] += distance
        return matrix

    if sform == "mirrored":
        image.set_sform(np.diag([-1.0, 1, 1, 1]) @ affine, 1)
    else:
        image.set_sform(moved(sform[0]), sform[1])
    image.set_qform(moved(qform[0]), qform[1])
    path = tmp_path / "scan.nii.gz"
    nibabel.save(image, path)
    node = slicer.util.loadVolume(str(path))
    sentence = formsSentence(node)
    assert expected in sentence and bool(sentence) == bool(expected)
    if "Slicer takes its" in expected:
        taken = "sform" if abs(node.GetOrigin()[0]) < 1 else "qform"
        assert f"takes its {taken}," in sentence


def test_a_scan_that_was_left_while_the_worker_looked_at_it_is_not_looked_at_twice(slicerModule, look, addScan, head):
    panel = look("never looks", until="looking")
    inspection, asked, ask = panel._inspection, [], panel.logic.worker.ask
    assert slicerModule.waitUntil(lambda: inspection._writing is None, 300)
    panel.logic.worker.ask = lambda *arguments, **fields: asked.append(fields["folder"]) or ask(*arguments, **fields)
    other = addScan("Other")
    for node in (other, head, other, head):
        panel._parameterNode.inputVolume = node
        assert inspection.state == "looking"
        assert slicerModule.waitUntil(lambda: inspection._writing is None, 300)
    del panel.logic.worker.ask
    assert len(asked) == 1  # the other one, once
