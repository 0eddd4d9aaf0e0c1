"""Legends of the maps: letters of one size for every map, beside the brain, and gone where the map is gone.

Slicer makes a legend's letters as large as its longest number allows, and looks whether a legend belongs into a view
only when the legend changes or the layers were changed by hand: after another volume was loaded it would stay.
"""

import math

import slicer
import vtk
from slicer.util import VTKObservationMixin

from .map_texts import mapTitle
from .result_maps import MAP, isMap
from .shown_layers import composites, isSeen, nodesInView, sliceNodeOf

LETTERS = 16  # points
_BAR = 0.2  # share of a legend's width that is its bar, in Slicer
_GAP = 5  # pixels that Slicer lets the numbers have beside their share


class MapLegends(VTKObservationMixin):
    """Follows the slice views: a map's legend comes, goes and fits its view as the map does.

    ``onChange()`` is called when other maps are shown than before.
    """

    def __init__(self, onChange):
        VTKObservationMixin.__init__(self)
        self._onChange = onChange
        self._views = {}  # view's name -> (whether the layout has it, width and height)
        self._shown = {}  # view's name -> (ID of the map that is seen there, width and height of the view)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.NodeAddedEvent, self._onNodeAdded)
        for event in (scene.EndImportEvent, scene.EndCloseEvent):
            self.addObserver(scene, event, self._onSceneIsThere)
        for composite in composites():
            self._follow(composite)
        self._onSceneIsThere()

    def stop(self):
        """Let go of the views."""
        self.removeObservers()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAdded(self, caller, event, node):
        if node.IsA("vtkMRMLSliceCompositeNode"):
            self._follow(node)
        elif node.IsA("vtkMRMLSliceNode"):
            self._followSlice(node)

    def _follow(self, composite):
        if not self.hasObserver(composite, vtk.vtkCommand.ModifiedEvent, self._look):
            self.addObserver(composite, vtk.vtkCommand.ModifiedEvent, self._look)
        self._followSlice(sliceNodeOf(composite))

    def _followSlice(self, sliceNode):
        if sliceNode is not None and not self.hasObserver(sliceNode, vtk.vtkCommand.ModifiedEvent, self._onSliceNode):
            self.addObserver(sliceNode, vtk.vtkCommand.ModifiedEvent, self._onSliceNode)

    def _onSliceNode(self, caller, event):
        """Each step through the slices ends here, too: only size and place in the layout count."""
        name, state = caller.GetLayoutName(), (caller.IsMappedInLayout(), _size(caller))
        if self._views.get(name) != state:
            self._views[name] = state
            self._look()

    def _look(self, caller=None, event=None):
        scene = slicer.mrmlScene
        if scene.IsImporting() or scene.IsClosing():
            return
        shown = _shownNow()
        if shown == self._shown:
            return
        then, now = _mapsOf(self._shown), _mapsOf(shown)
        self._shown = shown
        for mapNode in now | then:
            legend = _legendOf(mapNode)
            if legend is not None and (mapNode in now) != (mapNode in then):
                legend.SetVisibility(mapNode in now)
            _refresh(mapNode)
        if now != then:
            self._onChange()

    def _onSceneIsThere(self, caller=None, event=None):
        """A scene was read or closed: its legends are shown or hidden as they were."""
        self._shown = _shownNow()
        for mapNode in _mapsOf(self._shown):
            _refresh(mapNode)


def showLegend(mapNode):
    """Give a map a legend, where it has none, and show it."""
    legend = slicer.modules.colors.logic().AddDefaultColorLegendDisplayNode(mapNode)
    legend.SetTitleText(mapTitle(mapNode.GetAttribute(MAP)))
    _fit(legend, mapNode)
    legend.SetVisibility(True)


def labelFormat(top):
    """Format of the legend's numbers up to ``top``: of three digits if they can be told apart by them, no exponents."""
    if top >= 100 or top <= 0:
        return "%.0f"
    if top >= 0.2:
        return "%.1f" if top >= 10 else "%.2f"
    return f"%.{min(2 - math.floor(math.log10(top)), 9)}f"


def _refresh(mapNode):
    """Have a map's legend, if it has one, fit the views, and Slicer look again into which of them it belongs."""
    legend = _legendOf(mapNode)
    if legend is not None:
        _fit(legend, mapNode)
        legend.Modified()


def _fit(legend, mapNode):
    """An upright legend beside the brain: at the right of a wide view, in a tall one's corner."""
    with slicer.util.NodeModify(legend):
        legend.SetLabelFormat(labelFormat(max(abs(bound) for bound in _range(mapNode))))
        for letters in (legend.GetTitleTextProperty(), legend.GetLabelTextProperty()):
            letters.SetFontFamilyToArial()  # the application's labels are thin and narrow: another size, it seems
            letters.SetFontSize(LETTERS)
            letters.SetBold(False)
        sizes = [size for identifier, size in _shownNow().values() if identifier == mapNode.GetID()]
        width, height = min(sizes, default=(0, 0))
        pixels = legendWidth(_numbers(legend, mapNode), legend.GetLabelTextProperty(), _pixelRatio())
        if width <= pixels:  # not laid out yet
            return
        # Slicer makes whole pixels of both ends, and takes a position for a share of what the legend leaves free.
        share, start = (pixels + 0.2) / width, (round(0.98 * (width - pixels)) + 0.2) / width
        if height > width:
            legend.SetPosition(start / (1 - share), 0.93)  # room for the title above the bar
            legend.SetSize(share, 0.28)
        else:
            legend.SetPosition(start / (1 - share), 0.5)
            legend.SetSize(share, 0.6)


def legendWidth(numbers, letters, pixelRatio=1.0):
    """Pixels that a legend needs for numbers in its letters: Slicer makes them as large as the longest one allows.

    Args:
        numbers: texts.
        letters: vtkTextProperty.
        pixelRatio: pixels of the screen for one of the window.
    """
    longest = max(_textWidth(text, letters, pixelRatio) for text in numbers)
    width = 2
    while width - math.ceil(_BAR * width) + _GAP < longest:
        width += 1
    return width


def _textWidth(text, letters, pixelRatio):
    box = [0, 0, 0, 0]
    vtk.vtkTextRenderer.GetInstance().GetBoundingBox(letters, text, box, round(72 * pixelRatio))
    return box[1] - box[0] + 1


def _numbers(legend, mapNode):
    low, high = _range(mapNode)
    steps = max(2, legend.GetNumberOfLabels())
    return [legend.GetLabelFormat() % (low + (high - low) * step / (steps - 1)) for step in range(steps)]


def _pixelRatio():
    window = slicer.util.mainWindow()
    return window.devicePixelRatio() if window is not None else 1.0


def _range(mapNode):
    display = mapNode.GetDisplayNode()
    return display.GetWindowLevelMin(), display.GetWindowLevelMax()


def _legendOf(mapNode):
    return slicer.modules.colors.logic().GetColorLegendDisplayNode(mapNode)


def _shownNow():
    """{name of a view: (ID of the map that is seen in it, (width, height))}."""
    shown = {}
    for composite in composites():
        maps = [node for node in nodesInView(composite) if isMap(node)]
        if maps and isSeen(composite):
            shown[composite.GetLayoutName()] = maps[0].GetID(), _size(sliceNodeOf(composite))
    return shown


def _mapsOf(shown):
    nodes = (slicer.mrmlScene.GetNodeByID(identifier) for identifier, _size in shown.values())
    return {node for node in nodes if node is not None}


def _size(sliceNode):
    return tuple(sliceNode.GetDimensions()[:2])
