"""The stand-ins of ctk and qMRML widgets."""

import pytest


@pytest.fixture
def selector(slicerHost):
    import slicer

    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    box.addEnabled = False
    box.removeEnabled = False
    return box


def _add(name, kind="vtkMRMLScalarVolumeNode"):
    import slicer

    return slicer.mrmlScene.AddNewNodeByClass(kind, name)


def test_a_selector_without_a_scene_is_disabled(selector):
    import slicer

    assert selector.enabled is False
    selector.setMRMLScene(slicer.mrmlScene)
    assert selector.enabled is True and selector.mrmlScene() is slicer.mrmlScene


def test_a_selector_takes_the_first_node_by_itself_only_without_none_and_actions(selector):
    import slicer

    withActions = slicer.qMRMLNodeComboBox()
    withActions.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    for box in (selector, withActions):
        box.setMRMLScene(slicer.mrmlScene)
    node = _add("first")
    assert selector.currentNode() is node
    assert withActions.currentNode() is None and withActions.nodeCount() == 1


def test_a_selector_announces_the_chosen_node_by_three_signals(selector):
    import slicer

    selector.noneEnabled = True
    selector.setMRMLScene(slicer.mrmlScene)
    seen = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", seen.append)
    selector.connect("currentNodeChanged(bool)", seen.append)
    selector.connect("currentNodeIDChanged(QString)", seen.append)
    node = _add("first")
    selector.setCurrentNode(node)
    assert seen == [node, True, node.GetID()]
    selector.setCurrentNodeID("")
    assert seen[3:] == [None, False, ""]


def test_a_renamed_current_node_is_shown_and_announced(selector):
    import slicer

    selector.setMRMLScene(slicer.mrmlScene)
    node = _add("first")
    seen = []
    selector.currentNodeChanged.connect(lambda changed: seen.append(changed.GetName()))
    node.SetName("second")
    assert seen == ["second"]


@pytest.mark.parametrize("noneEnabled", [False, True])
def test_a_removed_current_node_gives_way_to_its_neighbour_even_where_there_is_none(selector, noneEnabled):
    import slicer

    selector.noneEnabled = noneEnabled
    selector.setMRMLScene(slicer.mrmlScene)
    first, middle, last = _add("first"), _add("middle"), _add("last")
    selector.setCurrentNode(middle)
    slicer.mrmlScene.RemoveNode(middle)
    assert selector.currentNode() is last
    slicer.mrmlScene.RemoveNode(last)
    assert selector.currentNode() is first
    slicer.mrmlScene.RemoveNode(first)
    assert selector.currentNode() is None and selector.currentNodeID == ""


@pytest.mark.parametrize("noneEnabled, after", [(False, "first"), (True, None)])
def test_reading_a_scene_empties_the_list_and_fills_it_anew_and_each_is_announced(
    selector, tmp_path, noneEnabled, after
):
    import slicer

    url = str(tmp_path / "scene.mrml")
    for name in ("first", "second"):
        _add(name)
    slicer.mrmlScene.SetURL(url)
    slicer.mrmlScene.Commit()
    slicer.mrmlScene.Clear(0)
    selector.noneEnabled = noneEnabled
    selector.setMRMLScene(slicer.mrmlScene)
    counts = []
    slicer.mrmlScene.AddObserver(slicer.mrmlScene.NodeAddedEvent, lambda *_: counts.append(selector.nodeCount()))
    slicer.mrmlScene.SetURL(url)
    assert slicer.mrmlScene.Import()
    assert set(counts) == {0} and selector.nodeCount() == 2
    selector.setCurrentNode(slicer.util.getNode("second"))
    seen = []
    selector.currentNodeChanged.connect(lambda node: seen.append(node.GetName() if node is not None else None))
    slicer.mrmlScene.SetURL(url)
    assert slicer.mrmlScene.Import()
    current = selector.currentNode()
    assert (current.GetName() if current is not None else None) == after
    assert seen[0] is None and seen[-1] == after


def test_a_selector_hides_child_types_hidden_nodes_and_other_attributes(selector):
    import slicer

    selector.setMRMLScene(slicer.mrmlScene)
    _add("labels", "vtkMRMLLabelMapVolumeNode")
    assert selector.nodeCount() == 1
    selector.hideChildNodeTypes = ["vtkMRMLLabelMapVolumeNode"]
    assert selector.nodeCount() == 0
    _add("hidden").SetHideFromEditors(True)
    assert selector.nodeCount() == 0
    selector.showHidden = True
    assert selector.nodeCount() == 1
    _add("plain")
    selector.showHidden = False
    assert selector.nodeCount() == 1
    selector.addAttribute("vtkMRMLScalarVolumeNode", "Kind", "T1")
    assert selector.nodeCount() == 0


def test_a_selector_makes_a_node_on_request(selector):
    import slicer

    selector.baseName = "Result"
    selector.setMRMLScene(slicer.mrmlScene)
    made = []
    selector.connect("nodeAddedByUser(vtkMRMLNode*)", made.append)
    node = selector.addNode()
    assert made == [node] and selector.currentNode() is node and node.GetName() == "Result"


def test_a_stand_in_has_only_properties_slots_and_invokables(selector, slicerHost):
    import ctk

    for widget, name in (
        (selector, "setNodeTypes"),
        (ctk.ctkCollapsibleButton(), "setCollapsed"),
        (ctk.ctkSliderWidget(), "setMinimum"),
        (ctk.ctkPathLineEdit(), "setFilters"),
    ):
        with pytest.raises(AttributeError):
            getattr(widget, name)


def test_a_collapsible_button_folds_its_contents_away(slicerHost):
    import ctk
    import qt

    button = ctk.ctkCollapsibleButton()
    button.text = "Section"
    inside = qt.QLabel("inside")
    hidden = qt.QLabel("hidden")
    layout = qt.QVBoxLayout(button)
    layout.addWidget(inside)
    layout.addWidget(hidden)
    hidden.hide()
    button.show()
    seen = []
    button.connect("contentsCollapsed(bool)", seen.append)
    openHeight = button.sizeHint().height()
    button.collapsed = True
    assert not inside.visible and button.sizeHint().height() < openHeight and button.checked is False
    button.collapsed = False
    assert inside.visible and not hidden.visible
    assert seen == [True, False]


def test_a_slider_keeps_its_limits_and_announces_its_value(slicerHost):
    import ctk

    slider, seen = ctk.ctkSliderWidget(), []
    slider.minimum, slider.maximum, slider.decimals = -1, 4, 1
    slider.connect("valueChanged(double)", seen.append)
    slider.value = 2.5
    slider.value = 9
    assert seen == [2.5, 4.0]


def test_a_path_is_announced(slicerHost):
    import ctk

    edit, seen = ctk.ctkPathLineEdit(), []
    edit.connect("currentPathChanged(QString)", seen.append)
    edit.currentPath = "folder/model.json"
    assert seen == ["folder/model.json"] and edit.currentPath == "folder/model.json"


def test_what_a_module_shows_in_a_closed_section_waits_until_it_is_opened(slicerHost):
    import ctk
    import qt

    section = ctk.ctkCollapsibleButton()
    layout = qt.QVBoxLayout(section)
    labels = [qt.QLabel(name) for name in ("shown", "hidden", "untouched")]
    for label in labels:
        layout.addWidget(label)
    section.show()
    labels[0].hide()
    section.collapsed = True
    labels[0].visible, labels[1].visible = True, False
    assert [label.visible for label in labels] == [False, False, False]
    section.collapsed = False
    assert [label.visible for label in labels] == [True, False, True]
