"""Pictures of plot charts from their nodes, for eyes: axes, lines, markers, legend. Slicer's plot views need OpenGL."""

import numpy as np
import slicer
from PySide6 import QtCore, QtGui
from vtk.util import numpy_support

_MARGINS = (70, 36, 16, 46)  # left, top, right, bottom


def activeChart():
    """The chart that plot views show: the selection node's."""
    selection = slicer.app.applicationLogic().GetSelectionNode()
    return slicer.mrmlScene.GetNodeByID(selection.GetActivePlotChartID() or "")


def curves(chartNode):
    """{label: (x, y)} of a chart, in the order of its series.

    Raises:
        ValueError: a series has no table, or names a column that its table lacks; Slicer would draw nothing.
    """
    found = {}
    for index in range(chartNode.GetNumberOfPlotSeriesNodes()):
        series = chartNode.GetNthPlotSeriesNode(index)
        table = series.GetTableNode()
        if table is None:
            raise ValueError(f"The series {series.GetName()} has no table.")
        values = []
        for name in (series.GetXColumnName(), series.GetYColumnName()):
            column = table.GetTable().GetColumnByName(name)
            if column is None:
                raise ValueError(f"The table {table.GetName()} has no column {name}.")
            values.append(numpy_support.vtk_to_numpy(column).astype(float))
        found[series.GetName()] = tuple(values)
    return found


def picture(chartNode, path, size=(520, 320), scale=2):
    """Save a chart as PNG.

    Args:
        chartNode: vtkMRMLPlotChartNode with scatter series (lines, markers).
        path: of the file.
        size: width and height in points; scale: pixels per point.
    """
    image = QtGui.QImage(size[0] * scale, size[1] * scale, QtGui.QImage.Format_RGB32)
    image.fill(QtGui.QColor("white"))
    painter = QtGui.QPainter(image)
    painter.scale(scale, scale)
    painter.setRenderHint(QtGui.QPainter.Antialiasing)
    left, top, right, bottom = _MARGINS
    frame = QtCore.QRectF(left, top, size[0] - left - right, size[1] - top - bottom)
    shown = curves(chartNode)
    xRange, yRange = (_range([pair[axis] for pair in shown.values()]) for axis in (0, 1))
    if not chartNode.GetXAxisRangeAuto():
        xRange = chartNode.GetXAxisRange()
    if not chartNode.GetYAxisRangeAuto():
        yRange = chartNode.GetYAxisRange()
    _drawFrame(painter, frame, chartNode, xRange, yRange)
    for index, (label, (x, y)) in enumerate(shown.items()):
        series = chartNode.GetNthPlotSeriesNode(index)
        pen = QtGui.QPen(QtGui.QColor.fromRgbF(*series.GetColor()), 1.6)
        if series.GetLineStyle() != series.LineStyleSolid:
            pen.setStyle(QtCore.Qt.DashLine)
        painter.setPen(pen)
        points = [
            QtCore.QPointF(
                frame.left() + frame.width() * _share(a, xRange), frame.bottom() - frame.height() * _share(b, yRange)
            )
            for a, b in zip(x, y)
            if np.isfinite(a) and np.isfinite(b)
        ]
        painter.drawPolyline(points)
        if series.GetMarkerStyle() != series.MarkerStyleNone:
            for point in points:
                painter.drawEllipse(point, 2.5, 2.5)
        painter.drawText(QtCore.QPointF(frame.right() - 170, frame.top() + 16 * (index + 1)), f"\u2014 {label}")
    painter.end()
    image.save(str(path))


def _range(arrays):
    values = np.concatenate([array[np.isfinite(array)] for array in arrays]) if arrays else np.zeros(0)
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _share(value, limits):
    return (value - limits[0]) / (limits[1] - limits[0])


def _drawFrame(painter, frame, chartNode, xRange, yRange):
    painter.setPen(QtGui.QPen(QtGui.QColor(90, 90, 90), 1))
    painter.drawRect(frame)
    area = painter.viewport().size() / painter.transform().m11()
    centre = QtCore.Qt.AlignHCenter | QtCore.Qt.AlignVCenter
    painter.drawText(QtCore.QRectF(0, 4, area.width(), 24), centre, chartNode.GetTitle() or "")
    painter.drawText(QtCore.QRectF(0, frame.bottom() + 22, area.width(), 20), centre, chartNode.GetXAxisTitle() or "")
    for step in range(5):
        x = frame.left() + frame.width() * step / 4
        y = frame.bottom() - frame.height() * step / 4
        painter.drawText(
            QtCore.QRectF(x - 40, frame.bottom() + 2, 80, 18),
            centre,
            f"{xRange[0] + (xRange[1] - xRange[0]) * step / 4:g}",
        )
        painter.drawText(
            QtCore.QRectF(4, y - 9, frame.left() - 10, 18),
            QtCore.Qt.AlignRight | QtCore.Qt.AlignVCenter,
            f"{yRange[0] + (yRange[1] - yRange[0]) * step / 4:.4g}",
        )
    painter.save()
    painter.translate(10, frame.center().y())
    painter.rotate(-90)
    painter.drawText(QtCore.QRectF(-80, -10, 160, 20), centre, chartNode.GetYAxisTitle() or "")
    painter.restore()
