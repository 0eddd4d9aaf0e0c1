"""Opens the panel in a 3D Slicer that has no torch: it must open, and import no torch into Slicer."""

import importlib.util
import os
import sys

import slicer

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def main():
    from screenshots import photograph

    if importlib.util.find_spec("torch") is not None:
        raise RuntimeError("This Slicer has torch already; the check would prove nothing.")
    slicer.util.selectModule("CHARMSSR")
    slicer.app.processEvents()
    panel = slicer.modules.charmssr.widgetRepresentation().self()
    photograph("panel-without-torch")
    if not panel.parent.visible:
        raise RuntimeError("The panel is not on the screen.")
    if "torch" in sys.modules:
        raise RuntimeError("torch was imported into Slicer.")
    return 0


if __name__ == "__main__":
    from leaving import leave_with

    leave_with(main)
