"""Loading .ui files: what doesn't exist is refused."""

from pathlib import Path

import pytest

FORM = """<ui version="4.0"><class>Form</class><widget class="qMRMLWidget" name="Form">
<layout class="QVBoxLayout" name="rows"><item>{item}</item></layout></widget>
<connections>{connections}</connections></ui>"""


def _load(tmp_path, item, connections=""):
    import slicer

    path = Path(tmp_path) / "Form.ui"
    path.write_text(FORM.format(item=item, connections=connections), encoding="utf-8")
    return slicer.util.loadUI(str(path))


def test_custom_widgets_need_no_registration(slicerHost, tmp_path):
    import ctk
    import slicer

    widget = _load(tmp_path, '<widget class="ctkComboBox" name="box"/>')
    ui = slicer.util.childWidgetVariables(widget)
    assert type(widget) is slicer.qMRMLWidget and type(ui.box) is ctk.ctkComboBox


def test_the_scene_reaches_selectors_by_the_connections_of_the_file(slicerHost, tmp_path):
    import slicer

    widget = _load(
        tmp_path,
        '<widget class="qMRMLNodeComboBox" name="box"/>',
        """<connection>
        <sender>Form</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
        <receiver>box</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection>""",
    )
    widget.setMRMLScene(slicer.mrmlScene)
    assert slicer.util.childWidgetVariables(widget).box.mrmlScene() is slicer.mrmlScene


def test_enumerations_of_custom_widgets_are_read(slicerHost, tmp_path):
    import ctk
    import slicer

    item = (
        '<widget class="ctkPathLineEdit" name="edit"><property name="filters">'
        "<set>ctkPathLineEdit::Dirs|ctkPathLineEdit::Writable</set></property></widget>"
    )
    widget = _load(tmp_path, item)
    edit = slicer.util.childWidgetVariables(widget).edit
    assert edit.filters == ctk.ctkPathLineEdit.Dirs | ctk.ctkPathLineEdit.Writable


@pytest.mark.parametrize(
    "item, connections, message",
    [
        ('<widget class="qMRMLUnknownWidget" name="x"/>', "", "qMRMLUnknownWidget"),
        (
            '<widget class="qMRMLNodeComboBox" name="x"><property name="noneEnabld"><bool>true</bool></property>'
            "</widget>",
            "",
            "no property noneEnabld",
        ),
        (
            '<widget class="QCheckBox" name="x"/>',
            "<connection><sender>x</sender><signal>flipped()</signal>"
            "<receiver>Form</receiver><slot>hide()</slot></connection>",
            "flipped",
        ),
        (
            '<widget class="QCheckBox" name="x"/>',
            "<connection><sender>y</sender><signal>toggled(bool)</signal>"
            "<receiver>Form</receiver><slot>hide()</slot></connection>",
            "unknown object y",
        ),
    ],
)
def test_what_does_not_exist_is_refused(slicerHost, tmp_path, item, connections, message):
    with pytest.raises(ValueError, match=message):
        _load(tmp_path, item, connections)


def test_a_missing_file_is_refused(slicerHost):
    import slicer

    with pytest.raises(RuntimeError, match="file not found"):
        slicer.util.loadUI("/nowhere/Form.ui")


def test_an_empty_layout_is_no_attribute_of_the_panel_and_a_filled_one_is(slicerHost, tmp_path):
    import slicer

    nested = '<layout class="QVBoxLayout" name="inner">{}</layout>'
    filled = nested.format('<item><widget class="QLabel" name="label"/></item>')
    for item, found in ((nested.format(""), False), (filled, True)):
        ui = slicer.util.childWidgetVariables(_load(tmp_path, item))
        assert hasattr(ui, "inner") is found
