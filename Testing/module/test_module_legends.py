"""Legends of the maps: one size of letters, and in a view exactly as long as the map is."""

import math

import pytest
import vtk


@pytest.fixture
def maps(slicerModule, panel):
    """Maps of a result in the scene, by name; no view shows one yet."""
    import slicer

    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)  # whatever was there before
    panel._parameterNode.maps = True
    panel.ui.enhanceButton.click()
    assert slicerModule.waitUntil(lambda: panel.job is None, 300)
    return panel.logic.mapNodes(panel._parameterNode.resultVolume)


def view(name):
    import slicer

    widget = slicer.app.layoutManager().sliceWidget(name)
    return widget.mrmlSliceNode(), widget.mrmlSliceCompositeNode()


def legend(node):
    import slicer

    return slicer.modules.colors.logic().GetColorLegendDisplayNode(node)


def numbers(mapNode):
    node, display = legend(mapNode), mapNode.GetDisplayNode()
    low, step = display.GetWindowLevelMin(), display.GetWindow() / (node.GetNumberOfLabels() - 1)
    return [node.GetLabelFormat() % (low + step * index) for index in range(node.GetNumberOfLabels())]


def drawnSize(mapNode, viewWidth):
    """Size of the letters that Slicer draws: the largest with which each number fits beside the bar."""
    width = math.floor(legend(mapNode).GetSize()[0] * viewWidth)
    room = width - math.ceil(0.2 * width) + 5

    def fits(size):
        letters = vtk.vtkTextProperty()
        letters.ShallowCopy(legend(mapNode).GetLabelTextProperty())
        letters.SetFontSize(size)
        for text in numbers(mapNode):
            box = [0] * 4
            vtk.vtkTextRenderer.GetInstance().GetBoundingBox(letters, text, box, 72)
            if box[1] - box[0] + 1 > room:
                return False
        return True

    return max(size for size in range(2, 60) if fits(size))


def test_the_legends_of_all_maps_have_letters_of_one_size_and_three_digits(panel, maps):
    for viewWidth in (256, 335, 487, 1001):
        for name in ("Red", "Yellow", "Green"):
            view(name)[0].SetDimensions(viewWidth, 700, 1)
        for name, node in maps.items():
            panel._resultPanel._overlay.show(node, panel._parameterNode.resultVolume, 0.7)
            assert drawnSize(node, viewWidth) == 16, (name, viewWidth)
            assert sum(letter.isdigit() for letter in numbers(node)[-1]) == 3, numbers(node)


@pytest.mark.parametrize(
    ("top", "expected"),
    [(250, "%.0f"), (100, "%.0f"), (99.9, "%.1f"), (10, "%.1f"), (3.6, "%.2f"), (0.823, "%.2f"), (0.15, "%.3f"),
     (0.004, "%.5f"), (0, "%.0f")],
)  # fmt: skip
def test_numbers_can_be_told_apart_and_have_no_exponents(slicerModule, top, expected):
    from CHARMSSRModule.scene.map_legends import labelFormat

    assert labelFormat(top) == expected
    assert top == 0 or len({expected % (top * step / 4) for step in range(5)}) == 5


def test_a_legend_goes_when_other_volumes_are_shown_and_comes_back_with_its_map(panel, maps, addScan):
    import slicer

    panel.ui.showMapButton.click()
    assert legend(maps["detail"]).GetVisibility() and panel.ui.showMapButton.text == "Hide map"
    changes = []
    legend(maps["detail"]).AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: changes.append(event))
    slicer.util.setSliceViewerLayers(background=addScan("Another"), foreground=None)
    assert changes and not legend(maps["detail"]).GetVisibility()
    assert panel.ui.showMapButton.text == "Show map" and panel.ui.mapOpacitySlider.isHidden()
    view("Red")[1].SetForegroundVolumeID(maps["detail"].GetID())  # by hand, in the view's own controls
    assert legend(maps["detail"]).GetVisibility() and panel.ui.showMapButton.text == "Hide map"


def test_a_view_that_lets_go_of_the_map_has_slicer_look_again_while_others_keep_it(panel, maps, addScan):
    panel.ui.showMapButton.click()
    changes = []
    legend(maps["detail"]).AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: changes.append(event))
    view("Red")[1].SetForegroundVolumeID(addScan("Another").GetID())
    assert changes and legend(maps["detail"]).GetVisibility()


def test_a_map_in_a_view_that_the_layout_has_not_is_not_shown(slicerModule, panel, maps):
    import slicer

    manager = slicer.app.layoutManager()
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpGreenSliceView)
    panel.ui.showMapButton.click()
    assert panel.ui.showMapButton.text == "Hide map"
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    assert panel.ui.showMapButton.text == "Show map"
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    assert panel.ui.showMapButton.text == "Hide map"


def test_a_legend_that_was_made_for_another_view_fits_the_one_where_its_map_is(panel, maps):
    red = view("Red")[0]
    panel.ui.showMapButton.click()
    wide = legend(maps["detail"]).GetSize()
    for name in ("Red", "Yellow", "Green"):
        view(name)[0].SetDimensions(900, 1200, 1)
    assert legend(maps["detail"]).GetSize()[0] < wide[0] and legend(maps["detail"]).GetPosition()[1] > 0.9
    assert red.GetDimensions()[0] == 900 and drawnSize(maps["detail"], 900) == 16


def test_a_legend_that_the_user_has_hidden_stays_hidden_while_the_views_change_size(panel, maps):
    panel.ui.showMapButton.click()
    legend(maps["detail"]).SetVisibility(False)  # in the module Colors
    view("Red")[0].SetDimensions(700, 500, 1)
    assert not legend(maps["detail"]).GetVisibility()


def test_the_list_names_the_map_that_is_seen(panel, maps):
    view("Red")[1].SetForegroundVolumeID(maps["variability"].GetID())
    assert panel.ui.mapComboBox.currentText == "Variability" and "mirrored" in panel.ui.mapExplanationLabel.text


def test_a_map_is_no_scan_and_a_result_is_named_for_what_it_is(slicerModule, panel, maps):
    from CHARMSSRModule.scene.input_checks import reasonAgainstNode

    assert "is a map of what was added to a scan" in reasonAgainstNode(maps["detail"])
    panel._parameterNode.inputVolume = maps["variability"]
    assert not panel.ui.enhanceButton.enabled and "choose the scan itself" in panel.ui.gridLabel.text
    panel._parameterNode.inputVolume = panel._parameterNode.resultVolume
    assert panel.ui.enhanceButton.enabled
    assert panel.ui.scanWarningLabel.text.startswith("\u26a0 Phantom head CHARMS x2 is a result itself")


def test_a_result_that_is_removed_leaves_the_views_to_its_scan(slicerModule, panel, maps, head):
    import slicer

    panel.ui.showMapButton.click()
    slicer.mrmlScene.RemoveNode(panel._parameterNode.resultVolume)
    slicerModule.processEvents()
    layers = [view(name)[1] for name in ("Red", "Yellow", "Green")]
    assert {(each.GetBackgroundVolumeID(), each.GetForegroundVolumeID()) for each in layers} == {(head.GetID(), None)}
    assert not legend(maps["detail"]).GetVisibility() and panel.ui.showMapButton.text == "Show map"
    assert not panel.ui.showMapButton.enabled


def test_the_layout_of_three_views_is_known_before_a_scene_is_read_that_was_saved_in_it(slicerModule):
    import slicer

    assert slicer.app.layoutManager().layoutLogic().GetLayoutNode().IsLayoutDescription(5402)
