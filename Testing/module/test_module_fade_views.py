"""Scan and result in the same views: flipped or faded, in the same grey levels."""

import pytest

from Testing.module.test_module_compare_views import VIEWS, composite, enhanced, layers, panel  # noqa: F401

# ruff: noqa: F811 - fixtures are named as what they give


@pytest.fixture(autouse=True)
def fourViews(slicerModule):
    import slicer

    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)


@pytest.fixture
def compared(panel, enhanced, head):
    """(panel, scan, result) after an enhancement without maps."""
    panel._parameterNode.maps = False
    return panel, head, enhanced()[0]


def controls(panel):
    ui = panel.ui
    return ui.flipButton, ui.fadeSlider, ui.fadeScanLabel, ui.fadeResultLabel


def test_without_a_result_there_is_nothing_to_flip(panel):
    assert not any(control.enabled for control in controls(panel))
    assert panel.ui.flipButton.toolTip == "There is no result yet" and panel.ui.fadeSlider.value == 0


def test_flip_shows_scan_and_result_in_turn_in_the_same_views(compared):
    panel, head, result = compared
    assert all(control.enabled for control in controls(panel))
    assert layers() == [(result.GetID(), None, 0.0)] * 3 and panel.ui.fadeSlider.value == 100
    for share in (0.0, 1.0, 0.0):
        panel.ui.flipButton.click()
        assert layers() == [(head.GetID(), result.GetID(), share)] * 3
        assert panel.ui.fadeSlider.value == 100 * share


def test_what_is_seen_is_the_scan_then_the_result(slicerModule, compared):
    panel, head, result = compared
    seen = slicerModule.viewPicture("Red").astype(int)
    panel.ui.flipButton.click()
    scan = slicerModule.viewPicture("Red").astype(int)
    panel.ui.flipButton.click()
    assert abs(scan - seen).max() > 5
    assert abs(slicerModule.viewPicture("Red").astype(int) - seen).max() <= 1
    panel.ui.fadeSlider.value = 50
    middle = slicerModule.viewPicture("Red").astype(int)
    assert abs(middle - (scan + seen) / 2).max() <= 2


def test_the_slider_follows_the_views(compared):
    panel, head, result = compared
    panel.ui.fadeSlider.value = 40
    assert layers() == [(head.GetID(), result.GetID(), 0.4)] * 3
    for view in VIEWS:
        composite(view).SetForegroundOpacity(0.0)  # as T does
    assert panel.ui.fadeSlider.value == 0
    panel.ui.flipButton.click()
    assert layers() == [(head.GetID(), result.GetID(), 1.0)] * 3


def test_side_by_side_the_scan_stays_beside_what_fades(compared):
    import slicer

    panel, head, result = compared
    panel.ui.fadeSlider.value = 50
    panel.ui.compareButton.click()
    assert panel.ui.fadeSlider.value == 100  # a hidden view fades, those that are seen don't
    panel.ui.fadeSlider.value = 50
    assert layers()[:2] == [(head.GetID(), None, 0.0), (head.GetID(), result.GetID(), 0.5)]
    panel.ui.compareButton.click()
    assert layers() == [(head.GetID(), result.GetID(), 0.5)] * 3  # as before
    assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView


def test_beside_a_map_only_the_result_fades(panel, enhanced, head):
    result, maps = enhanced()
    panel.ui.compareButton.click()
    panel.ui.flipButton.click()
    assert [each[:2] for each in layers()] == [
        (head.GetID(), None), (head.GetID(), result.GetID()), (result.GetID(), maps["detail"].GetID()),
    ]  # fmt: skip


def test_a_new_result_stands_alone_in_the_views(compared, enhanced):
    panel, head, result = compared
    panel.ui.fadeSlider.value = 50
    second, _maps = enhanced()
    assert second is not result and layers() == [(second.GetID(), None, 0.0)] * 3


def test_a_map_goes_before_scan_and_result_fade_and_comes_over_them(panel, enhanced, head):
    result, maps = enhanced()
    panel.ui.showMapButton.click()
    panel.ui.flipButton.click()
    assert layers() == [(head.GetID(), result.GetID(), 0.0)] * 3 and panel.ui.showMapButton.text == "Show map"
    panel.ui.fadeSlider.value = 50
    panel.ui.showMapButton.click()
    assert layers() == [(result.GetID(), maps["detail"].GetID(), 0.7)] * 3
    panel.ui.showMapButton.click()
    assert layers() == [(head.GetID(), result.GetID(), 0.5)] * 3


@pytest.mark.parametrize("way", ["flipButton", "compareButton"])
def test_grey_levels_stay_alike_whichever_volume_is_adjusted(compared, way):
    panel, head, result = compared
    getattr(panel.ui, way).click()
    scan, enhanced = head.GetDisplayNode(), result.GetDisplayNode()
    for changed, other in ((scan, enhanced), (enhanced, scan)):
        changed.SetAutoWindowLevel(False)
        changed.SetWindowLevel(changed.GetWindow() * 2 + 7, changed.GetLevel() + 3)
        assert (other.GetWindow(), other.GetLevel()) == (changed.GetWindow(), changed.GetLevel())


def test_grey_levels_of_a_closed_scene_are_let_go(slicerModule, compared):
    import slicer

    panel, head, result = compared
    panel.ui.flipButton.click()
    slicer.mrmlScene.Clear()
    slicerModule.processEvents()
    assert not any(control.enabled for control in controls(panel)) and panel.ui.fadeSlider.value == 0


def test_what_a_threshold_hides_of_the_scan_it_hides_of_the_result(panel, enhanced, head):
    head.GetDisplayNode().SetAutoThreshold(False)
    head.GetDisplayNode().SetThreshold(12, 345)
    head.GetDisplayNode().SetApplyThreshold(True)
    result, _maps = enhanced()
    display = result.GetDisplayNode()
    assert display.GetApplyThreshold() and (display.GetLowerThreshold(), display.GetUpperThreshold()) == (12, 345)
