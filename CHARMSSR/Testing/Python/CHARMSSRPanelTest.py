"""The panel in the real application: selected, filled in and pressed as a user does."""

import time
import unittest

import slicer
from CHARMSSRModule.jobs import models
from CHARMSSRModule.scene.loss_plot import PSNR, LossPlot
from CHARMSSRModule.scene.scene_results import sourceOf
from CHARMSSRModule.self_test import addPhantomHead, canCompute

PATIENCE_S = 600


class CHARMSSRPanelTest(unittest.TestCase):
    """Presses the button on a generated head."""

    def setUp(self):
        slicer.mrmlScene.Clear()
        self.head = addPhantomHead()
        slicer.util.selectModule("CHARMSSR")
        slicer.app.processEvents()
        self.widget = slicer.modules.CHARMSSRWidget

    def tearDown(self):
        self.widget.logic.stopEverything()
        slicer.mrmlScene.Clear()

    def test_the_first_volume_is_chosen(self):
        self.assertIs(self.widget.ui.inputSelector.currentNode(), self.head)

    def test_every_control_has_a_tool_tip(self):
        names = ("inputSelector", "checkpointComboBox", "planesComboBox", "mapsCheckBox", "enhanceButton")
        for name in names:
            self.assertTrue(getattr(self.widget.ui, name).toolTip, name)

    @unittest.skipUnless(canCompute() and models.availableModels(), "needs ncnn, safetensors and a checkpoint")
    def test_the_button_makes_a_new_volume(self):
        # The self-test of the module goes through the preprocessing; this one is about the panel.
        self.widget.ui.biasCorrectionCheckBox.checked = False
        self.widget._parameterNode.skullStrip = "none"
        self.widget.ui.mapsCheckBox.checked = True
        self.assertTrue(self.widget.ui.enhanceButton.enabled, self.widget.ui.enhanceButton.toolTip)
        self.widget.ui.enhanceButton.click()
        end = time.monotonic() + PATIENCE_S
        while self.widget.job is not None and time.monotonic() < end:
            slicer.app.processEvents()
            time.sleep(0.02)
        result = slicer.util.getNode("Phantom head CHARMS x*")
        self.assertIs(sourceOf(result), self.head)
        self.assertIn(result.GetName(), self.widget.ui.resultLabel.text)
        self.widget.ui.compareButton.click()
        self.assertEqual(self.widget.ui.showMapButton.text, "Hide map")
        self.widget.ui.showMapButton.click()
        self.assertEqual(self.widget.ui.showMapButton.text, "Show map")

    def test_pairs_are_listed_and_judged(self):
        section = self.widget.fineTunePanel
        self.head.SetName("sub-01 3T T1w")
        seven = addPhantomHead("sub-01 7T T1w")
        seven.SetSpacing(3.0, 3.0, 4.0)
        slicer.util.updateVolumeFromArray(seven, slicer.util.arrayFromVolume(seven) + 1)
        section.ui.addPairButton.click()
        (row,) = section.table.rows.values()
        self.assertIs(row.ui.image3TSelector.currentNode(), self.head)
        self.assertIs(row.ui.image7TSelector.currentNode(), seven)
        self.assertEqual(row.ui.subjectLineEdit.text, "sub-01")
        self.assertEqual(row.ui.reasonLabel.text, "")
        row.ui.image7TSelector.setCurrentNode(self.head)
        self.assertIn("is chosen as both scans", row.ui.reasonLabel.text)
        self.assertIn("is chosen as both scans", section.ui.startButton.toolTip)
        row.ui.removeButton.click()
        self.assertEqual(section.table.rows, {})

    def test_curves_are_shown_in_a_plot_view(self):
        plot = LossPlot(self.widget.logic.getParameterNode().parameterNode)
        plot.start("model")
        event = {"loss": 0.03, "validation_loss": 0.04, "validation_psnr": 25.0, "matched_psnr": 24.0}
        plot.update([{"step": step, **event} for step in (0, 20)])
        plot.show(PSNR)
        slicer.app.processEvents()
        selection = slicer.app.applicationLogic().GetSelectionNode()
        chart = slicer.mrmlScene.GetNodeByID(selection.GetActivePlotChartID())
        self.assertEqual(chart.GetNumberOfPlotSeriesNodes(), 2)
        self.assertEqual(chart.GetNthPlotSeriesNode(0).GetTableNode().GetNumberOfRows(), 2)
        plot.remove()
        self.assertEqual(slicer.util.getNodesByClass("vtkMRMLPlotChartNode"), [])


if __name__ == "__main__":
    unittest.main()
