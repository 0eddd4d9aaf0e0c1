"""A scripted module from its loading to its end."""

import os
import subprocess
import sys

import numpy as np
import pytest


def test_a_module_describes_itself_and_registers_its_sample_data(panel, slicerHost):
    import slicer

    module = slicer.modules.example
    assert module.title == "Example" and module.categories == ["Testing"] and module.name == "Example"
    assert slicer.util.modulePath("Example").endswith("Example.py")
    assert [source.sampleName for source in slicer.modules.sampleDataSources["Example"]] == ["ExampleHead"]
    with pytest.raises(AttributeError):
        module.tittle = "x"


def test_the_button_makes_a_new_node(panel, slicerHost, volume):
    import slicer

    assert panel.ui.inputSelector.currentNode() is volume and panel.ui.applyButton.enabled
    panel.ui.applyButton.click()
    result = panel._parameterNode.outputVolume
    assert np.array_equal(slicer.util.arrayFromVolume(result), slicer.util.arrayFromVolume(volume) + 10)
    assert panel.ui.progressBar.value == 100 and slicerHost.statusMessage == "Done"
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    assert hierarchy.GetItemByDataNode(result) > 0


def test_an_error_of_the_logic_is_shown_in_a_box_and_raised(panel, slicerHost, volume):
    panel._parameterNode.amount = 0.0
    panel.ui.applyButton.click()
    assert slicerHost.messages[-1].kind == "critical"
    assert "Could not add." in slicerHost.messages[-1].text and "choose another one" in slicerHost.messages[-1].text
    with pytest.raises(AssertionError, match="ValueError"):
        slicerHost.raiseErrors()


def test_the_self_test_runs_and_a_failing_one_fails(panel, slicerHost):
    slicerHost.runSelfTests("Example")
    testClass = sys.modules["Example"].ExampleTest
    testClass.test_amount_is_added = lambda self: self.fail("as it should")
    with pytest.raises(AssertionError, match="as it should"):
        slicerHost.runSelfTests("Example")


def test_closing_the_scene_takes_the_parameter_node_away_and_gives_a_new_one(panel, slicerHost, volume):
    import slicer

    panel._parameterNode.note = "before"
    for singletonsToo in (0, 1):
        slicer.mrmlScene.Clear(singletonsToo)
        slicerHost.processEvents()
        assert panel._parameterNode is not None and panel._parameterNode.inputVolume is None
        assert panel.ui.inputSelector.nodeCount() == 0 and not panel.ui.applyButton.enabled
    assert panel._parameterNode.note == "nothing"


def test_leaving_and_entering_the_module_disconnects_and_connects(panel, slicerHost):
    import slicer

    slicer.util.selectModule("")
    assert panel._parameterNode is None and not panel.parent.isEntered
    assert slicerHost.openModule("Example") is panel
    assert panel._parameterNode is not None and panel.parent.isEntered


def test_reloading_makes_a_new_panel_and_cleans_up_the_old_one(panel, slicerHost, volume):
    import slicer

    panel.onReload()
    slicerHost.processEvents()
    fresh = slicer.modules.ExampleWidget
    assert fresh is not panel and type(fresh) is not type(panel) and panel.Observations == []
    fresh.ui.applyButton.click()
    assert fresh._parameterNode.outputVolume is not None


def test_unloading_calls_cleanup(panel, slicerHost):
    import slicer

    slicerHost.closeModules()
    assert panel.Observations == [] and not hasattr(slicer.modules, "example")


def test_a_session_starts_without_what_the_last_one_left(slicerHost, panel):
    import slicer

    slicer.app.settings().setValue("Example/Key", 5)
    slicerHost.answer("Cancel")
    slicerHost.reset()
    assert not slicer.app.settings().contains("Example/Key") and slicerHost.messages == []
    assert slicer.util.confirmOkCancelDisplay("Still there?") is True


def test_the_process_looks_like_slicer_while_the_host_runs(slicerHost):
    import slicer

    assert sys.executable == ""
    output = subprocess.run(["PythonSlicer", "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True)
    assert output.stdout.strip() == sys.prefix
    assert os.path.exists(os.path.join(slicer.app.slicerHome, "bin", "PythonSlicer"))
    slicerHost.stop()
    assert sys.executable != ""


def test_an_error_in_an_observer_is_kept(slicerHost, volume):
    volume.AddObserver("ModifiedEvent", lambda caller, event: 1 / 0)
    volume.Modified()
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        slicerHost.raiseErrors()


def test_a_panel_can_be_photographed_with_readable_text(panel, slicerHost, tmp_path):
    from PySide6 import QtGui

    path = slicerHost.grab(panel, str(tmp_path / "pictures" / "panel.png"))
    image = QtGui.QImage(path)
    assert image.width() == 960 and image.height() > 600
    pixels = np.frombuffer(image.convertToFormat(QtGui.QImage.Format_Grayscale8).constBits(), np.uint8)
    assert (pixels < 60).mean() > 0.01  # text is drawn, so there is a font
    assert QtGui.QFontInfo(panel.ui.applyButton.font).family() == "DejaVu Sans"
