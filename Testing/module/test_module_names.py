"""Names of what is added: free ones, the lowest, and nothing is overwritten."""

import slicer


def names():
    return [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")]


def test_a_name_that_has_become_free_is_taken_again(logic, head):
    first, second, third = (logic.process(head, checkpoint="mine", maps=True) for _run in range(3))
    assert [node.GetName() for node in (first, second, third)] == [
        "Phantom head CHARMS x2", "Phantom head CHARMS x2_1", "Phantom head CHARMS x2_2",
    ]  # fmt: skip
    for node in (second, *logic.mapNodes(second).values()):
        slicer.mrmlScene.RemoveNode(node)
    again = logic.process(head, checkpoint="mine", maps=True)
    assert again.GetName() == "Phantom head CHARMS x2_1"
    assert [node.GetName() for node in logic.mapNodes(again).values()] == [
        "Phantom head CHARMS x2_1 detail", "Phantom head CHARMS x2_1 variability",
    ]  # fmt: skip
    assert len(set(names())) == len(names())


def test_a_table_of_figures_takes_a_free_name_too(slicerModule, panel, finish):
    panel.ui.enhanceButton.click()
    finish()
    for _time in range(2):
        panel.ui.tableButton.click()
        (table,) = slicer.util.getNodesByClass("vtkMRMLTableNode")
        assert table.GetName() == "Phantom head CHARMS x2 report"
        slicer.mrmlScene.RemoveNode(table)
