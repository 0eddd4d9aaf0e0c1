"""The panel in the real application: selected, filled in and pressed as a user does."""

import time
import unittest

import slicer
from CHARMSSRModule import models
from CHARMSSRModule.scene_results import sourceOf
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

    @unittest.skipUnless(canCompute() and models.availableModels(), "needs torch, safetensors and a checkpoint")
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
        self.assertEqual(self.widget.ui.showMapButton.text, "Show detail map")


if __name__ == "__main__":
    unittest.main()
