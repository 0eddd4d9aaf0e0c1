"""Runs the module's tests inside 3D Slicer and leaves with their verdict.

``Slicer --testing --additional-module-paths .../CHARMSSR --python-script Testing/slicer/run_self_tests.py``
With a main window the tests of the panel run too and, where the environment variable SCREENSHOTS names
a folder, leave a picture each. Exit status 0: all tests ran, none was skipped, all passed.
"""

import os
import sys
import unittest

import slicer

FOLDER = os.path.dirname(os.path.abspath(__file__))
PANEL_TESTS = os.path.join(os.path.dirname(os.path.dirname(FOLDER)), "CHARMSSR", "Testing", "Python")
sys.path[:0] = [FOLDER, PANEL_TESTS]


def main():
    from CHARMSSRModule.self_test import canCompute

    if not canCompute():
        raise RuntimeError("torch or safetensors is missing in Slicer's Python: the tests would prove little.")
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromName("CHARMSSR.CHARMSSRTest")
    if slicer.util.mainWindow() is not None:
        suite.addTests(loader.loadTestsFromTestCase(photographed_panel_test()))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    return 0 if result.testsRun > 0 and not result.skipped and result.wasSuccessful() else 1


def photographed_panel_test():
    """The tests of the panel, each of which leaves a picture of what it has done."""
    from CHARMSSRPanelTest import CHARMSSRPanelTest
    from screenshots import photograph

    class PhotographedPanelTest(CHARMSSRPanelTest):
        def tearDown(self):
            photograph(self.id().rpartition(".")[2])
            super().tearDown()

    return PhotographedPanelTest


if __name__ == "__main__":
    from leaving import leave_with

    leave_with(main)
