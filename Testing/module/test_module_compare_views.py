"""What the result section shows in the slice views: a map in colour, input, result and map side by side."""

import numpy as np
import pytest

VIEWS = ("Red", "Yellow", "Green")


@pytest.fixture
def panel(panel):
    """The opened module, ready to enhance the head with maps."""
    panel._parameterNode.maps = True
    return panel


@pytest.fixture
def enhanced(slicerModule, panel):
    """Function: press the button, wait, and give the result and its maps."""

    def press(planes="acquisition"):
        from CHARMSSRModule.parameter_node import Planes

        panel._parameterNode.planes = Planes(planes)
        panel.ui.enhanceButton.click()
        assert slicerModule.waitUntil(lambda: panel.job is None, 300)
        result = panel._parameterNode.resultVolume
        assert result is not None, panel.ui.messageLabel.text
        return result, panel.logic.mapNodes(result)

    return press


def composite(view):
    import slicer

    return slicer.app.layoutManager().sliceWidget(view).sliceLogic().GetSliceCompositeNode()


def layers():
    """Background, foreground and foreground opacity of each view."""
    return [
        (each.GetBackgroundVolumeID(), each.GetForegroundVolumeID(), round(each.GetForegroundOpacity(), 3))
        for each in map(composite, VIEWS)
    ]


def legend(node):
    import slicer

    return slicer.modules.colors.logic().GetColorLegendDisplayNode(node)


def hidden(panel, *names):
    return [getattr(panel.ui, name).isHidden() for name in names]


# The button


def test_without_a_map_the_button_is_disabled_and_its_tool_tip_says_why(slicerModule, panel, enhanced):
    panel._parameterNode.maps = False
    assert not panel.ui.showMapButton.enabled and panel.ui.showMapButton.toolTip == "There is no result yet"
    enhanced()
    assert (
        not panel.ui.showMapButton.enabled and "Maps of what was added under Slices" in panel.ui.showMapButton.toolTip
    )
    assert hidden(panel, "mapComboBox", "mapOpacitySlider", "mapExplanationLabel") == [True] * 3


def test_one_click_shows_the_map_over_the_result_and_the_next_restores_what_was_there(panel, enhanced):
    import slicer

    result, maps = enhanced()
    other = slicer.util.addVolumeFromArray(np.ones((3, 4, 5), np.int16), name="Other")
    composite("Yellow").SetForegroundVolumeID(other.GetID())
    composite("Yellow").SetForegroundOpacity(0.25)
    before = layers()
    assert panel.ui.showMapButton.enabled and panel.ui.showMapButton.text == "Show map"
    panel.ui.showMapButton.click()
    assert layers() == [(result.GetID(), maps["detail"].GetID(), 0.7)] * 3
    assert panel.ui.showMapButton.text == "Hide map"
    assert legend(maps["detail"]).GetVisibility() and legend(maps["detail"]).GetTitleText() == "Added detail"
    assert "orange made brighter" in panel.ui.mapExplanationLabel.text
    assert hidden(panel, "mapOpacitySlider", "mapOpacityLabel", "mapExplanationLabel") == [False] * 3
    panel.ui.showMapButton.click()
    assert layers() == before
    assert not legend(maps["detail"]).GetVisibility()
    assert panel.ui.showMapButton.text == "Show map" and panel.ui.mapOpacitySlider.isHidden()


def test_title_and_numbers_of_the_legend_are_of_one_size_and_face(panel, enhanced):
    _result, maps = enhanced()
    panel.ui.showMapButton.click()
    node = legend(maps["detail"])
    title, numbers = (
        (letters.GetFontFamilyAsString(), letters.GetFontSize(), letters.GetBold())
        for letters in (node.GetTitleTextProperty(), node.GetLabelTextProperty())
    )
    assert title == numbers


def test_a_view_that_shows_something_else_gets_no_map(panel, enhanced, head):
    result, maps = enhanced()
    composite("Red").SetBackgroundVolumeID(head.GetID())
    panel.ui.showMapButton.click()
    assert [each[:2] for each in layers()] == [(head.GetID(), None)] + [(result.GetID(), maps["detail"].GetID())] * 2


def test_where_no_view_shows_the_result_all_do_with_the_map_and_go_back(panel, enhanced, head):
    result, maps = enhanced()
    for view in VIEWS:
        composite(view).SetBackgroundVolumeID(head.GetID())
    before = layers()
    panel.ui.showMapButton.click()
    assert layers() == [(result.GetID(), maps["detail"].GetID(), 0.7)] * 3
    panel.ui.showMapButton.click()
    assert layers() == before


def test_layers_that_the_user_has_changed_meanwhile_are_left_alone(panel, enhanced, head):
    result, maps = enhanced()
    panel.ui.showMapButton.click()
    composite("Red").SetBackgroundVolumeID(head.GetID())
    composite("Yellow").SetForegroundVolumeID(head.GetID())
    panel.ui.showMapButton.click()
    assert [each[:2] for each in layers()] == [
        (head.GetID(), None), (result.GetID(), head.GetID()), (result.GetID(), None),
    ]  # fmt: skip


def test_the_map_is_seen_in_colour_where_it_says_something_and_the_result_elsewhere(slicerModule, panel, enhanced):
    enhanced()
    composite("Red")
    grey = slicerModule.viewPicture("Red").astype(int)
    panel.ui.mapOpacitySlider.value = 1.0
    panel.ui.showMapButton.click()
    seen = slicerModule.viewPicture("Red").astype(int)
    coloured = np.ptp(seen, axis=2) > 20
    assert np.ptp(grey, axis=2).max() == 0
    assert 0.01 < coloured.mean() < 0.6
    np.testing.assert_array_equal(seen[~coloured], grey[~coloured])
    assert (seen[coloured][:, 2] > seen[coloured][:, 0]).any() and (seen[coloured][:, 0] > seen[coloured][:, 2]).any()


def test_the_slider_sets_the_opacity_and_is_kept_with_the_scene(panel, enhanced):
    enhanced()
    panel.ui.showMapButton.click()
    panel.ui.mapOpacitySlider.value = 0.3
    assert [each[2] for each in layers()] == [0.3] * 3
    assert panel._parameterNode.mapOpacity == pytest.approx(0.3)
    panel._parameterNode.mapOpacity = 0.9
    assert [each[2] for each in layers()] == [0.9] * 3


def test_the_list_offers_each_map_and_switches_what_is_shown(panel, enhanced):
    result, maps = enhanced("three")
    comboBox = panel.ui.mapComboBox
    assert [comboBox.itemText(index) for index in range(comboBox.count)] == [
        "Added detail", "Disagreement of the planes", "Variability",
    ]  # fmt: skip
    assert not comboBox.isHidden()
    before = layers()
    panel.ui.showMapButton.click()
    comboBox.setCurrentIndex(2)
    assert [each[1] for each in layers()] == [maps["variability"].GetID()] * 3
    assert panel._parameterNode.mapName == "variability"
    assert legend(maps["variability"]).GetVisibility() and not legend(maps["detail"]).GetVisibility()
    assert "the larger its error" in panel.ui.mapExplanationLabel.text
    panel.ui.showMapButton.click()
    assert layers() == before and panel.ui.showMapButton.text == "Show map"


def test_a_choice_that_the_next_result_lacks_falls_back_to_its_first_map(panel, enhanced):
    enhanced("three")
    panel.ui.mapComboBox.setCurrentIndex(1)
    _result, maps = enhanced()
    assert panel.ui.mapComboBox.currentText == "Added detail" and list(maps) == ["detail", "variability"]


def test_a_new_result_takes_the_old_map_out_of_the_views(panel, enhanced):
    _result, maps = enhanced()
    panel.ui.showMapButton.click()
    result, _maps = enhanced()
    assert layers() == [(result.GetID(), None, 0.0)] * 3 and not legend(maps["detail"]).GetVisibility()


def test_a_map_that_was_removed_is_no_longer_offered(slicerModule, panel, enhanced):
    import slicer

    _result, maps = enhanced()
    panel.ui.showMapButton.click()
    for node in maps.values():
        slicer.mrmlScene.RemoveNode(node)
    slicerModule.processEvents()
    assert not panel.ui.showMapButton.enabled and panel.ui.showMapButton.text == "Show map"


def test_a_closed_scene_leaves_no_map_behind(slicerModule, panel, enhanced):
    import slicer

    enhanced()
    panel.ui.showMapButton.click()
    slicer.mrmlScene.Clear()
    slicerModule.processEvents()
    assert not panel.ui.showMapButton.enabled and panel.ui.showMapButton.toolTip == "There is no result yet"
    assert [each[:2] for each in layers()] == [(None, None)] * 3


# Side by side


def test_input_result_and_map_stand_in_three_linked_views_of_the_same_slice(panel, enhanced, head):
    import slicer
    from CHARMSSRModule.scene.geometry import arrayFromMatrix

    result, maps = enhanced()
    assert "the map right" in panel.ui.compareButton.toolTip
    panel.ui.compareButton.click()
    manager = slicer.app.layoutManager()
    assert manager._hostShownViews() == list(VIEWS)
    assert layers() == [
        (head.GetID(), None, 0.0), (result.GetID(), None, 0.0), (result.GetID(), maps["detail"].GetID(), 0.7),
    ]  # fmt: skip
    assert all(composite(view).GetLinkedControl() and composite(view).GetHotLinkedControl() for view in VIEWS)
    nodes = [manager.sliceWidget(view).mrmlSliceNode() for view in VIEWS]
    for node in nodes[1:]:
        np.testing.assert_array_equal(arrayFromMatrix(node.GetSliceToRAS()), arrayFromMatrix(nodes[0].GetSliceToRAS()))
        assert node.GetFieldOfView() == pytest.approx(nodes[0].GetFieldOfView())
    assert panel.ui.showMapButton.text == "Hide map"
    # The head is turned by 10 degrees: the views lie in the plane of its slices.
    assert abs(arrayFromMatrix(nodes[0].GetSliceToRAS())[1, 2]) == pytest.approx(0.17365, abs=1e-4)


def test_in_three_views_the_map_button_acts_on_the_third_only(panel, enhanced, head):
    result, maps = enhanced("three")
    panel.ui.compareButton.click()
    panel.ui.showMapButton.click()
    assert [each[:2] for each in layers()] == [(head.GetID(), None), (result.GetID(), None), (result.GetID(), None)]
    panel.ui.showMapButton.click()
    panel.ui.mapComboBox.setCurrentIndex(1)
    assert [each[:2] for each in layers()] == [
        (head.GetID(), None), (result.GetID(), None), (result.GetID(), maps["disagreement"].GetID()),
    ]  # fmt: skip


def test_comparing_while_a_map_is_shown_keeps_input_and_result_free_of_it(panel, enhanced, head):
    result, _maps = enhanced()
    panel.ui.showMapButton.click()
    panel.ui.compareButton.click()
    assert [each[:2] for each in layers()][:2] == [(head.GetID(), None), (result.GetID(), None)]


def test_without_maps_two_views_are_shown(panel, enhanced):
    import slicer

    panel._parameterNode.maps = False
    enhanced()
    panel.ui.compareButton.click()
    manager = slicer.app.layoutManager()
    assert manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView
    assert manager._hostShownViews() == ["Red", "Yellow"]


def test_a_result_whose_input_is_gone_cannot_be_compared_and_says_so(slicerModule, panel, enhanced, head):
    import slicer

    enhanced()
    slicer.mrmlScene.RemoveNode(head)
    slicerModule.processEvents()
    assert not panel.ui.compareButton.enabled
    assert panel.ui.compareButton.toolTip == "The input of this result is not in the scene"


# Explanations


def test_each_choice_is_explained_in_a_sentence_of_its_tool_tip(panel):
    from CHARMSSRModule.parameter_node import DataConsistency, Planes

    for choices, name, list_ in (
        (Planes, "planes", panel.ui.planesComboBox),
        (DataConsistency, "dataConsistency", panel.ui.dataConsistencyComboBox),
    ):
        seen = set()
        for choice in choices:
            setattr(panel._parameterNode, name, choice)
            text = list_.toolTip
            assert text.count("<p>") == 2 and text.endswith(".</p>") and ". " not in text
            seen.add(text)
        assert len(seen) == len(list(choices))


def test_what_three_directions_and_maps_mean_depends_on_the_voxels(panel, head):
    from CHARMSSRModule.parameter_node import Planes

    panel._parameterNode.planes = Planes.THREE
    assert "slices are thick" in panel.ui.planesComboBox.toolTip
    assert panel.ui.mapsCheckBox.toolTip == "<p>Adds a colour map of the added detail.</p>"
    assert panel.ui.gridLabel.text.endswith(", 1.75 × 1.75 × 2 mm")
    head.SetSpacing(3.5, 3.5, 4)
    assert "three times as long" in panel.ui.planesComboBox.toolTip
    assert "three directions disagree" in panel.ui.mapsCheckBox.toolTip
    assert "3.5 × 3.5 × 4 → 1.75 × 1.75 × 2 mm" in panel.ui.gridLabel.toolTip
    panel._parameterNode.planes = Planes.AXIAL
    assert "four times as long" in panel.ui.mapsCheckBox.toolTip


def test_maps_are_off_unless_asked_for(slicerModule, panel):
    import slicer

    assert panel.ui.mapsCheckBox.checked
    slicer.mrmlScene.Clear()
    slicerModule.processEvents()
    assert not panel.ui.mapsCheckBox.checked and panel._parameterNode.maps is False
    panel.ui.mapsCheckBox.checked = True
    assert panel._parameterNode.maps is True


def test_the_second_click_shows_the_views_as_they_were(panel, enhanced, head):
    import slicer
    from CHARMSSRModule.scene.geometry import arrayFromMatrix

    enhanced()
    manager, button = slicer.app.layoutManager(), panel.ui.compareButton
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView)
    nodes = [manager.sliceWidget(view).mrmlSliceNode() for view in VIEWS]
    composite("Red").SetForegroundVolumeID(head.GetID())
    composite("Red").SetForegroundOpacity(0.25)
    nodes[1].SetFieldOfView(77.0, 66.0, 1.0)

    def state():
        planes = [arrayFromMatrix(node.GetSliceToRAS()).tolist() for node in nodes]
        links = [(composite(view).GetLinkedControl(), composite(view).GetHotLinkedControl()) for view in VIEWS]
        return manager.layout, layers(), planes, [node.GetFieldOfView() for node in nodes], links

    before = state()
    button.click()
    assert state() != before and button.text == "As before" and "as they were before" in button.toolTip
    button.click()
    assert state() == before and button.text == "Side by side"


def test_after_a_new_result_the_views_come_back_with_it(panel, enhanced, head):
    import slicer

    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    enhanced()
    panel.ui.compareButton.click()
    second, _maps = enhanced()
    assert panel.ui.compareButton.text == "Side by side"
    panel.ui.compareButton.click()
    panel.ui.compareButton.click()
    assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    assert layers() == [(second.GetID(), None, 0.0)] * 3
