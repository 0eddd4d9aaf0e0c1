"""Takes the pictures of the documentation in 3D Slicer itself, in the sizes that the application gives its windows.

``SCAN=head.nii.gz PICTURES=folder Slicer --additional-module-paths .../CHARMSSR --python-script take_pictures.py``
on a screen of 1280 x 900. Variables: OFFSET (mm, where the slices are looked at), MASK (a label map that keeps the maps
to some slices; the whole brain otherwise), PAIRS (a folder with NAME_3T.nii.gz and NAME_7T.nii.gz of some people: a
short fine-tuning is photographed, too). ``python Testing/slicer/publish_pictures.py folder`` then puts them into
Resources in few colours.
"""

import os
import sys
import time
from pathlib import Path

import slicer

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
PATIENCE_S = 7200


def main():
    from screenshots import photograph

    os.environ["SCREENSHOTS"] = os.environ["PICTURES"]
    slicer.util.selectModule("CHARMSSR")
    panel = slicer.modules.CHARMSSRWidget
    volume = slicer.util.loadVolume(os.environ["SCAN"])
    mask = slicer.util.loadLabelVolume(os.environ["MASK"], {"show": False}) if os.environ.get("MASK") else None
    enhance(panel, volume, None, maps=False)
    compare(panel, withMap=False)
    photograph("panel")
    panel.ui.compareButton.click()  # the views as before
    enhance(panel, volume, mask, maps=True)
    compare(panel, withMap=True)
    photographMaps(panel, Path(os.environ["PICTURES"]))
    panel.ui.compareButton.click()  # the views as before, without a map
    if os.environ.get("PAIRS"):
        fineTune(panel, Path(os.environ["PAIRS"]))
        photograph("panel-fine-tune")
    return 0


def waitFor(condition, what):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        slicer.app.processEvents()
        time.sleep(0.02)
        if time.monotonic() > end:
            raise RuntimeError(f"{what} took more than {PATIENCE_S} s.")


def enhance(panel, volume, mask, maps):
    """One click."""
    parameters = panel._parameterNode
    parameters.inputVolume, parameters.maps, parameters.maskNode = volume, maps, mask
    waitFor(lambda: panel.logic.worker.state == "ready" and panel._inspection.state == "found", "Looking at the scan")
    panel.ui.enhanceButton.click()
    waitFor(lambda: panel.job is None, "The enhancement")
    if panel._parameterNode.resultVolume is None:
        raise RuntimeError(panel.ui.messageLabel.text or panel.ui.statusLabel.text)


def compare(panel, withMap):
    """The views side by side by one click, at one place."""
    panel.ui.compareButton.click()
    slicer.app.processEvents()
    for name in ("Red", "Yellow", "Green") if withMap else ("Red", "Yellow"):
        logic = slicer.app.layoutManager().sliceWidget(name).sliceLogic()
        logic.FitSliceToAll()
        if os.environ.get("OFFSET"):
            logic.SetSliceOffset(float(os.environ["OFFSET"]))


def photographMaps(panel, folder):
    """The views alone, once for each map."""
    lists = panel.ui.mapComboBox
    for index in range(lists.count):
        lists.setCurrentIndex(index)
        slicer.util.delayDisplay("", autoCloseMsec=500)
        path = folder / f"panel-maps-{lists.itemData(index)}.png"
        if not slicer.app.layoutManager().viewport().grab().save(str(path)):
            raise OSError(f"The picture could not be written to {path}.")


def fineTune(panel, folder):
    """A short run, its figures and its curve."""
    for three in sorted(folder.glob("*_3T.nii.gz")):
        for path in (three, three.with_name(three.name.replace("_3T", "_7T"))):
            slicer.util.loadVolume(str(path))
        panel.fineTunePanel.ui.addPairButton.click()
    section = panel.fineTunePanel
    for name in ("result", "model", "slices", "preprocessing", "advanced"):
        getattr(panel.ui, name + "CollapsibleButton").collapsed = True
    panel.ui.fineTuneCollapsibleButton.collapsed = False
    parameters = section._parameters
    parameters.steps, parameters.validateEvery, parameters.batch, parameters.patch = 24, 6, 4, 16
    section.ui.startButton.click()
    waitFor(lambda: section.job is None, "The fine-tuning")
    section.ui.psnrPlotButton.click()
    slicer.util.resetSliceViews()
    slicer.util.delayDisplay("", autoCloseMsec=500)
    area = panel.parent
    while area is not None and not area.inherits("QScrollArea"):
        area = area.parent()
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum)


if __name__ == "__main__":
    from leaving import leave_with

    leave_with(main)
