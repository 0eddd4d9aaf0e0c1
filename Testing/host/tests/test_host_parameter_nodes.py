"""The stand-in of the parameter node wrapper."""

import enum
import pathlib
from typing import Annotated, Optional, Union

import pytest


class Plane(enum.Enum):
    AXIAL = 1
    THREE = 3


@pytest.fixture
def wrapper(slicerHost):
    import slicer
    from slicer import vtkMRMLLabelMapVolumeNode, vtkMRMLScalarVolumeNode
    from slicer.parameterNodeWrapper import Choice, Default, WithinRange, parameterNodeWrapper

    @parameterNodeWrapper
    class Parameters:
        volume: vtkMRMLScalarVolumeNode
        mask: Union[vtkMRMLLabelMapVolumeNode, vtkMRMLScalarVolumeNode, None]
        plane: Plane = Plane.THREE
        share: Annotated[float, WithinRange(0, 1)] = 0.5
        count: int
        mode: Annotated[str, Choice(["none", "report"]), Default("report")]
        flag: bool = True
        folder: pathlib.Path
        limit: Optional[int]

    return Parameters(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))


def test_defaults_are_written_into_the_node(wrapper):
    node = wrapper.parameterNode
    assert (wrapper.plane, wrapper.share, wrapper.count, wrapper.mode, wrapper.flag) == (
        Plane.THREE,
        0.5,
        0,
        "report",
        True,
    )
    assert (wrapper.volume, wrapper.mask, wrapper.limit) == (None, None, None)
    assert node.GetParameter("plane") == "THREE" and node.GetParameter("flag") == "True"


def test_values_come_back_through_another_wrapper_of_the_same_node(wrapper, volume):
    wrapper.volume, wrapper.mask, wrapper.limit = volume, volume, 7
    wrapper.folder = pathlib.Path("/data")
    again = type(wrapper)(wrapper.parameterNode)
    assert again.volume is volume and again.mask is volume and again.limit == 7
    assert again.folder == pathlib.Path("/data")
    assert wrapper.parameterNode.GetNodeReferenceID("volume") == volume.GetID()


@pytest.mark.parametrize(
    "name, value, error",
    [
        ("share", 1.5, ValueError),
        ("mode", "other", ValueError),
        ("flag", "True", TypeError),
        ("count", 1.5, TypeError),
        ("plane", 1, TypeError),
        ("count", None, ValueError),
        ("limit", "x", TypeError),
    ],
)
def test_wrong_values_are_refused_and_the_old_ones_stay(wrapper, name, value, error):
    before = wrapper.getValue(name)
    with pytest.raises(error):
        setattr(wrapper, name, value)
    assert wrapper.getValue(name) == before


def test_a_node_that_left_the_scene_is_no_value(wrapper, volume):
    import slicer

    wrapper.volume = volume
    slicer.mrmlScene.RemoveNode(volume)
    assert wrapper.volume is None


def test_unknown_names_and_types_are_refused(wrapper):
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    with pytest.raises(ValueError, match="Cannot find a param"):
        wrapper.getValue("other")
    with pytest.raises(NotImplementedError):

        @parameterNodeWrapper
        class Unsupported:
            many: dict


def test_widgets_and_node_follow_each_other(panel, volume):
    node, ui = panel._parameterNode, panel.ui
    ui.keepNameCheckBox.checked = False
    ui.directionBox.currentIndex = 1
    ui.amountSlider.value = 25
    ui.noteEdit.text = "typed"
    assert (node.keepName, node.direction.name, node.amount, node.note) == (False, "DOWN", 25.0, "typed")
    node.keepName, node.amount, node.colour = True, 3.0, "red"
    node.outputVolume = volume
    assert ui.keepNameCheckBox.checked and ui.amountSlider.value == 3.0 and ui.colourBox.currentText == "red"
    assert ui.outputSelector.currentNode() is volume
    assert ui.directionBox.currentText == "Downwards"


def test_after_disconnecting_widgets_change_nothing(panel):
    node = panel._parameterNode
    node.disconnectGui(panel._parameterNodeGuiTag)
    panel.ui.noteEdit.text = "typed"
    assert node.note == "nothing"
    node.note = "written"
    assert panel.ui.noteEdit.text == "typed"


def test_a_slider_needs_limits(wrapper):
    import ctk

    with pytest.raises(RuntimeError, match="unbounded"):
        wrapper.connectParametersToGui({"count": ctk.ctkSliderWidget()})


def test_a_widget_of_a_wrong_kind_is_refused(wrapper):
    import qt

    with pytest.raises(RuntimeError, match="Unable to create GUI connector"):
        wrapper.connectParametersToGui({"flag": qt.QLineEdit()})
