"""The report of a result as a table node: saved with the scene, shown in Slicer's table view."""

import slicer
import vtk
from slicer.i18n import tr as _

from .free_name import freeName
from .scene_results import placeBeside

TABLE_ROLE = "CHARMSSR.ReportTable"


def tableOfReport(resultNode, rows):
    """The table of a result's report, made when it is first asked for and written anew after that.

    Args:
        rows: (title, value) of each figure, as texts.
    """
    table = resultNode.GetNodeReference(TABLE_ROLE)
    if table is None:
        name = freeName(_("{name} report").format(name=resultNode.GetName()))
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
        placeBeside(table, resultNode)
        resultNode.SetNodeReferenceID(TABLE_ROLE, table.GetID())
    with slicer.util.NodeModify(table):
        table.RemoveAllColumns()
        for title, values in ((_("Figure"), [row[0] for row in rows]), (_("Value"), [row[1] for row in rows])):
            column = vtk.vtkStringArray()
            column.SetName(title)
            for value in values:
                column.InsertNextValue(value)
            table.AddColumn(column)
    return table


def showTable(table):
    """Show a table node in the table view of the layout that has one below the slices."""
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView)
    selection = slicer.app.applicationLogic().GetSelectionNode()
    selection.SetActiveTableID(table.GetID())
    slicer.app.applicationLogic().PropagateTableSelection()
