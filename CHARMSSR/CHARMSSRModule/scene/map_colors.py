"""Colours and ranges of the maps: chosen from the data, transparent where a map says nothing."""

import numpy as np
import slicer
from slicer.i18n import tr as _

from .free_name import freeName
from .map_texts import isSigned

COLOR_COUNT = 256
# Of the magnitudes that are not zero: the end of the colours. The rim, 7 % of a brain, has the largest values by far,
# because the network sharpens the mask's edge: it shall not take all the colours.
PERCENTILE = 95.0
ENOUGH_VOXELS = 1000000
QUIET_SHARE = 0.3  # of the range: what is closer to zero stays transparent
KIND = "CHARMSSR.MapColors"

# Red, green, blue at equal steps. Blue and orange can be told apart with any colour vision, and neither is a grey.
DIVERGING = ((0.60, 0.90, 1.00), (0.10, 0.55, 1.00), (0.05, 0.15, 0.50), (0.50, 0.15, 0.02), (1.00, 0.50, 0.05),
             (1.00, 0.95, 0.55))  # fmt: skip
SEQUENTIAL = ((0.20, 0.00, 0.35), (0.55, 0.05, 0.50), (0.85, 0.25, 0.35), (1.00, 0.60, 0.10), (1.00, 0.95, 0.50))


def mapRange(voxels, signed):
    """(lowest, highest) value of the colours: symmetric around zero for a signed map, from zero on for others."""
    flat = voxels.reshape(-1)
    magnitudes = np.abs(np.asarray(flat[:: max(1, flat.size // ENOUGH_VOXELS)], dtype=np.float64))
    magnitudes = magnitudes[np.isfinite(magnitudes) & (magnitudes > 0)]
    highest = float(np.percentile(magnitudes, PERCENTILE)) if len(magnitudes) > 0 else 1.0
    # Three digits: a scene file keeps window and level with six, and the ends must come back as they were.
    highest = float(f"{highest:.3g}")
    return (-highest if signed else 0.0), highest


def styleMap(node, name, voxels):
    """Give a map node of the scene its colours, its range and its transparent voxels."""
    signed = isSigned(name)
    lowest, highest = mapRange(voxels, signed)
    colorNode = _colorNode(signed)
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    with slicer.util.NodeModify(display):
        display.SetAndObserveColorNodeID(colorNode.GetID())
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(highest - lowest, (highest + lowest) / 2)
        # One threshold can only hide low values; a signed map is transparent around zero by its colour table.
        # (The table alone would do for both, but a threshold can be moved by the user.)
        display.SetApplyThreshold(not signed)
        if not signed:
            display.SetThreshold(QUIET_SHARE * highest, max(highest, float(np.nanmax(voxels))))


def _colorNode(signed):
    """The scene's colour table for one kind of map, made when it is first needed.

    It is an ordinary node, so that it is saved with the scene. (Slicer honours alpha 0 of a table's entries in the
    slice views, and takes any other alpha for 1.)
    """
    kind = "signed" if signed else "positive"
    for node in slicer.util.getNodesByClass("vtkMRMLColorTableNode"):
        if node.GetAttribute(KIND) == kind and node.GetNumberOfColors() == COLOR_COUNT:
            return node
    table = slicer.vtkMRMLColorTableNode()
    table.SetTypeToUser()
    table.SetNumberOfColors(COLOR_COUNT)
    table.SetAttribute("Category", "CHARMSSR")
    table.SetAttribute(KIND, kind)
    stops = DIVERGING if signed else SEQUENTIAL
    place = np.linspace(0, 1, COLOR_COUNT)
    channels = [np.interp(place, np.linspace(0, 1, len(stops)), channel) for channel in zip(*stops)]
    loudness = np.abs(2 * place - 1) if signed else place
    for index in range(COLOR_COUNT):
        red, green, blue = (float(channel[index]) for channel in channels)
        table.SetColor(index, red, green, blue, 0.0 if loudness[index] < QUIET_SHARE else 1.0)
    name = _("CHARMS map, signed") if signed else _("CHARMS map")
    table.SetName(freeName(name))
    return slicer.mrmlScene.AddNode(table)
