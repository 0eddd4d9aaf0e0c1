"""The curves of a fine-tuning: the legend in the plot's corner hides none of them."""

import numpy as np
import pytest

FIELDS = ("loss", "validation_loss", "validation_psnr", "matched_psnr")


def event(step, *figures):
    return {"step": step, **dict(zip(FIELDS, figures))}


@pytest.fixture
def plot(slicerModule):
    """Function: charts by what they show, after these events."""
    import slicer
    from CHARMSSRModule.scene.loss_plot import LossPlot

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    plots = LossPlot(node)
    plots.start("charms-7t")

    def update(*events):
        plots.update(list(events))
        return {kind: node.GetNodeReference(f"fineTunePlot.chart.{kind}") for kind in ("loss", "psnr")}

    update.start = plots.start
    return update


def free(chart, highest):
    """Share of the plot above the highest point."""
    low, high = chart.GetYAxisRange()
    assert low < high
    return (high - highest) / (high - low)


def test_a_curve_that_rises_to_its_end_stays_below_the_legend(plot):
    charts = plot(*(event(6 * n, 0.1 / n, 0.05 + 0.01 * n, 24 + n / 2, 25.1) for n in range(1, 9)))
    # Two lines of the legend are a quarter of the smallest plot view that a layout has at 1280 x 900.
    assert free(charts["psnr"], 28.0) > 0.3 and free(charts["loss"], 0.13) > 0.3
    assert charts["psnr"].GetYAxisRange()[0] <= 24.5 and charts["loss"].GetYAxisRange()[0] <= 0.0125
    assert not charts["psnr"].GetYAxisRangeAuto()


def test_one_point_a_level_curve_and_figures_that_are_missing_have_room_too(plot):
    charts = plot(event(6, 0.1, 0.05, 24.5, None))
    assert free(charts["psnr"], 24.5) > 0.3
    charts = plot(event(6, 0, 0, -2.0, -2.0), event(12, 0, 0, -2.0, -2.0))
    assert free(charts["psnr"], -2.0) > 0.3 and free(charts["loss"], 0) > 0.3
    assert plot(event(6, None, None, None, None))["psnr"].GetYAxisRange() == (0.0, 1.0)


def test_every_step_is_in_the_plot_however_often_it_grew(plot):
    assert plot()["loss"].GetXAxisRange() == (0.0, 1.0)
    events = [event(step, 0.1, 0.05, 24.5, 25.0) for step in range(0, 10, 2)]
    for count in range(1, len(events) + 1):
        for chart in plot(*events[:count]).values():
            assert chart.GetXAxisRange() == (0.0, max(1.0, events[count - 1]["step"])) and not chart.GetXAxisRangeAuto()


def test_a_range_that_the_user_has_chosen_is_kept(plot):
    chart = plot(event(6, 0.1, 0.05, 24.5, 25.0))["psnr"]
    chart.SetYAxisRange(20, 40)
    plot(event(6, 0.1, 0.05, 24.5, 25.0), event(12, 0.1, 0.05, 50.0, 25.0))
    assert chart.GetYAxisRange() == (20.0, 40.0)
    plot.start("another")
    plot(event(6, 0.1, 0.05, 24.5, 25.0))
    assert chart.GetYAxisRange()[1] < 30


def test_plots_hear_of_new_figures_once_and_when_all_columns_are_there(plot):
    """A plot view that looks while the table is being filled complains about columns."""
    import slicer
    import vtk

    plot(event(6, 0.1, 0.05, 24.5, 25.0))
    (table,) = slicer.util.getNodesByClass("vtkMRMLTableNode")
    seen = []
    table.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_call: seen.append(table.GetNumberOfColumns()))
    plot(event(6, 0.1, 0.05, 24.5, 25.0), event(12, 0.1, 0.05, 24.5, 25.0))
    assert seen and set(seen) == {5}
    assert np.array_equal(slicer.util.arrayFromTableColumn(table, "Step"), [6, 12])
