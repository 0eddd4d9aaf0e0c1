"""Pictures of the panel in each state, in Testing/output, for eyes; the tests see to it that each state is there.

The worker is the fake one here. Pictures for the documentation are taken in 3D Slicer: Testing/slicer/take_pictures.py.
"""

import pytest

from Testing.module.module_helpers import OUTPUT_FOLDER

WIDTH = 400


@pytest.fixture
def grab(slicerModule):
    """Function: save a picture of the panel; it must not be blank."""

    def save(widget, name):
        import qt

        path = OUTPUT_FOLDER / f"panel-{name}.png"
        slicerModule.grab(widget, str(path), width=WIDTH)
        picture = qt.QImage(str(path))
        assert picture.width() == 2 * WIDTH
        shades = {picture.pixel(x, y) for x in range(0, picture.width(), 9) for y in range(0, picture.height(), 9)}
        assert len(shades) > 20

    return save


@pytest.fixture
def opened(slicerModule, fakeWorker, head):
    """Function: the panel with a worker in the given mode."""

    def openPanel(mode, asPythonSlicer=False):
        fakeWorker(mode, asPythonSlicer)
        widget = slicerModule.openModule("CHARMSSR")
        assert slicerModule.waitUntil(lambda: widget.logic.worker.state != "starting", 300)
        slicerModule.processEvents(0.1)
        return widget

    return openPanel


def test_picture_without_a_volume(slicerModule, opened, grab):
    import slicer

    panel = opened("normal")
    slicer.mrmlScene.Clear()
    slicerModule.processEvents(0.1)
    grab(panel, "empty")


def test_picture_ready(opened, grab):
    grab(opened("normal"), "idle")


def test_picture_running(slicerModule, opened, grab):
    panel = opened("slow")
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job.fraction > 0.1, 300)
    grab(panel, "running")
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job is None, 300)


def test_picture_done_with_all_settings_open(slicerModule, opened, grab):
    panel = opened("warns")
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job is None, 300)
    grab(panel, "done")
    panel.ui.advancedCollapsibleButton.collapsed = False
    grab(panel, "advanced")


def test_pictures_with_a_map_over_the_result_and_side_by_side(slicerModule, opened, grab):
    from CHARMSSRModule.parameter_node import DataConsistency, Planes

    panel = opened("normal")
    parameters = panel._parameterNode
    parameters.planes, parameters.maps, parameters.dataConsistency = Planes.AXIAL, True, DataConsistency.PROJECT
    panel.ui.advancedCollapsibleButton.collapsed = False
    grab(panel, "choices")
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job is None, 300)
    panel.ui.showMapButton.click()
    panel.ui.advancedCollapsibleButton.collapsed = True
    grab(panel, "map")
    saveViews(slicerModule, "overlay", ["Red"])
    panel.ui.compareButton.click()
    saveViews(slicerModule, "side-by-side", ["Red", "Yellow", "Green"])


def saveViews(slicerModule, name, views):
    """Save what slice views show, side by side; each must show something."""
    import numpy as np
    from PIL import Image

    shown = [slicerModule.viewPicture(view, (400, 400)) for view in views]
    assert all(picture.std() > 5 for picture in shown)
    Image.fromarray(np.concatenate(shown, axis=1)).save(OUTPUT_FOLDER / f"views-{name}.png")


def test_picture_of_an_error(slicerModule, opened, grab):
    panel = opened("is killed")
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job is None, 300)
    grab(panel, "error")


@pytest.mark.parametrize("extension", [True, False])
def test_picture_without_an_engine(slicerModule, opened, grab, extension):
    if extension:
        slicerModule.providePackage("PyTorchUtils", PyTorchUtilsLogic=object)
    grab(opened("without ncnn", asPythonSlicer=True), "no-torch" if extension else "no-extension")
