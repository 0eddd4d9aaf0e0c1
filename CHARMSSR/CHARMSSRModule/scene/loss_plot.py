"""Training and validation figures of a fine-tuning as Slicer's plots: one table, four series, two charts."""

import numpy as np
import slicer
from slicer.i18n import tr as _

LOSS, PSNR = "loss", "psnr"
STEP = "Step"
# Column of the table -> event's field, chart, label, colour, dashed.
_SERIES = {
    "Training loss": ("loss", LOSS, _("Training"), (0.45, 0.45, 0.45), False),
    "Validation loss": ("validation_loss", LOSS, _("Held out"), (0.12, 0.40, 0.75), False),
    "Validation PSNR": ("validation_psnr", PSNR, _("Fine-tuned, held out"), (0.12, 0.40, 0.75), False),
    "Matched PSNR": ("matched_psnr", PSNR, _("3T, intensity-matched"), (0.85, 0.45, 0.10), True),
}
_ROLE = "fineTunePlot."
_RANGE = "CHARMSSR.AxisRange"  # with ".X" or ".Y" an attribute of a chart: the range made for its curves
ROOM = 0.5  # above the curves, in their height


class LossPlot:
    """The plot nodes of the last fine-tuning; each scene has at most one set, which a new run takes over.

    The module's parameter node refers to them, so they are found again in a saved scene.
    """

    def __init__(self, parameterNode):
        self._parameterNode = parameterNode

    def exists(self):
        """Whether the scene has something to show."""
        return self._reference("chart." + LOSS) is not None and self._reference("table") is not None

    def start(self, name):
        """Make the nodes, or take those of an earlier run, for a model of this name."""
        scene = slicer.mrmlScene
        table = self._node("table", "vtkMRMLTableNode", _("{name} fine-tuning").format(name=name))
        charts = {}
        for kind, title, axis in ((LOSS, _("Loss"), _("Loss")), (PSNR, _("PSNR of held-out scans"), _("PSNR (dB)"))):
            chart = self._node(f"chart.{kind}", "vtkMRMLPlotChartNode", f"{name}: {title}")
            chart.SetTitle(f"{name}: {title}")
            chart.SetXAxisTitle(_("Step"))
            chart.SetYAxisTitle(axis)
            chart.SetXAxisRangeAuto(True)  # a range that was chosen for an earlier run was chosen for its curves
            chart.SetYAxisRangeAuto(True)
            charts[kind] = chart
        for column, (_field, kind, label, colour, dashed) in _SERIES.items():
            series = self._node(f"series.{column}", "vtkMRMLPlotSeriesNode", label)
            series.SetName(label)  # the legend shows it, so it isn't made unique
            series.SetPlotType(series.PlotTypeScatter)
            series.SetMarkerStyle(series.MarkerStyleNone if dashed else series.MarkerStyleCircle)
            series.SetLineStyle(series.LineStyleDash if dashed else series.LineStyleSolid)
            series.SetColor(*colour)
            series.SetAndObserveTableNodeID(table.GetID())
            series.SetXColumnName(STEP)
            series.SetYColumnName(column)
            if not charts[kind].HasPlotSeriesNodeID(series.GetID()):
                charts[kind].AddAndObservePlotSeriesNodeID(series.GetID())
        self._gather(scene, name)
        self.update([])

    def update(self, history):
        """Show these validation events; nothing happens where the scene has no plot (any more)."""
        if not self.exists():
            return
        columns = [np.array([event["step"] for event in history], dtype=np.int32)]
        columns += [
            np.array([_number(event.get(field)) for event in history], dtype=float)
            for field, *_rest in _SERIES.values()
        ]
        table = self._reference("table")
        with slicer.util.NodeModify(table):  # plot views look for the columns at once, which come one after the other
            slicer.util.updateTableFromArray(table, columns, [STEP, *_SERIES])
        for kind in (LOSS, PSNR):
            chart = self._reference(f"chart.{kind}")
            if chart is not None:
                _fitAxes(chart, kind, columns)
                chart.Modified()  # a chart view may stay empty without it when its table has changed

    def show(self, kind):
        """Show one of the charts, in a layout with a plot view."""
        layoutManager, logic = slicer.app.layoutManager(), slicer.modules.plots.logic()
        if layoutManager is not None:
            layoutManager.setLayout(logic.GetLayoutWithPlot(layoutManager.layout))
        logic.ShowChartInLayout(self._reference(f"chart.{kind}"))

    def remove(self):
        """Take the nodes out of the scene."""
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        nodes = [self._reference(role) for role in self._roles()]
        nodes = [node for node in nodes if node is not None]
        folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(nodes[0])) if nodes else 0
        with slicer.util.NodeModify(self._parameterNode):  # one change for the panel, not one for each node
            for node in nodes:
                slicer.mrmlScene.RemoveNode(node)
        if folder and folder != hierarchy.GetSceneItemID() and not hierarchy.GetNumberOfItemChildren(folder):
            hierarchy.RemoveItem(folder)

    @staticmethod
    def _roles():
        return ["table", *(f"series.{column}" for column in _SERIES), *(f"chart.{kind}" for kind in (LOSS, PSNR))]

    def _reference(self, role):
        return self._parameterNode.GetNodeReference(_ROLE + role)

    def _node(self, role, className, name):
        node = self._reference(role)
        if node is None:
            node = slicer.mrmlScene.AddNewNodeByClass(className)
            self._parameterNode.SetNodeReferenceID(_ROLE + role, node.GetID())
        node.SetName(name)
        return node

    def _gather(self, scene, name):
        """Keep the nodes together in one folder of the subject hierarchy."""
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        items = [hierarchy.GetItemByDataNode(self._reference(role)) for role in self._roles()]
        folder = hierarchy.GetItemParent(items[0])
        if not folder or folder == hierarchy.GetSceneItemID():
            folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), name)
        hierarchy.SetItemName(folder, _("Fine-tuning of {name}").format(name=name))
        for item in items:
            if item:
                hierarchy.SetItemParent(item, folder)


def _fitAxes(chart, kind, columns):
    """All steps from left to right, and room above the curves for the legend in the plot's upper right corner.

    Slicer's own range is not used for the steps either: while a plot is shown it can be that of an earlier update.
    """
    steps, *figures = columns
    values = np.concatenate([column for column, (_field, of, *_) in zip(figures, _SERIES.values()) if of == kind])
    _setRange(chart, "X", (0.0, float(max(1, steps.max(initial=0)))))
    _setRange(chart, "Y", roomyRange(values))


def _setRange(chart, axis, limits):
    """Give an axis ("X" or "Y") a range, unless somebody has chosen another one meanwhile: that is theirs."""
    attribute = f"{_RANGE}.{axis}"
    own = tuple(float(number) for number in (chart.GetAttribute(attribute) or "").split())
    isAutomatic = getattr(chart, f"Get{axis}AxisRangeAuto")()
    if isAutomatic or tuple(getattr(chart, f"Get{axis}AxisRange")()) == own:
        chart.SetAttribute(attribute, f"{limits[0]!r} {limits[1]!r}")
        getattr(chart, f"Set{axis}AxisRange")(*limits)
        getattr(chart, f"Set{axis}AxisRangeAuto")(False)


def roomyRange(values):
    """(lowest, highest) value of an axis on which curves leave the upper part free for a legend of two lines.

    Args:
        values: of all curves; those that are not finite don't count.
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    height = max(high - low, 0.02 * abs(high), 1e-6)
    decimals = -int(np.floor(np.log10(height / 5)))  # the ends are round numbers
    ends = np.floor((low - 0.05 * height) * 10.0**decimals), np.ceil((high + ROOM * height) * 10.0**decimals)
    return tuple(round(float(end) / 10.0**decimals, max(decimals, 0)) for end in ends)


def _number(value):
    return float("nan") if value is None else value
