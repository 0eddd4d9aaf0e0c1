"""Runs the module's self-tests inside 3D Slicer and leaves with their verdict.

``Slicer --testing --additional-module-paths .../CHARMSSR --python-script Testing/slicer/run_self_tests.py``
With the environment variable SCREENSHOTS the panel is photographed afterwards into that folder.
Exit status 0: at least one test ran and all passed.
"""

import logging
import os
import sys
import traceback
import unittest

import slicer

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def main():
    from screenshots import photograph

    withPanel = slicer.util.mainWindow() is not None
    if withPanel:
        slicer.util.selectModule("CHARMSSR")
    suite = unittest.TestLoader().loadTestsFromName("CHARMSSR.CHARMSSRTest")
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    if withPanel:
        photograph("panel-after-self-tests")
    ran = result.testsRun - len(result.skipped)
    logging.info(f"CHARMSSR self-tests: {ran} ran, {len(result.failures) + len(result.errors)} failed")
    return 0 if ran > 0 and result.wasSuccessful() else 1


if __name__ == "__main__":
    try:
        status = main()
    except Exception:  # whatever it is: without an exit the application would stay open
        traceback.print_exc()
        status = 1
    slicer.util.exit(status)
