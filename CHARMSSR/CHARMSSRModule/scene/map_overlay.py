"""A map in colour over its result, in the slice views; hidden again, the views show what they showed before."""

import slicer

from .map_texts import mapTitle
from .result_maps import MAP, isMap, resultOf

LETTERS = 13  # points, of the legend's title and numbers


class MapOverlay:
    """Shows maps as the foreground of slice views, with a legend."""

    def __init__(self):
        self._before = {}  # view -> background, foreground (node IDs) and opacity before a map was shown in it

    def show(self, mapNode, resultNode, opacity, viewName=None):
        """Show a map over its result: in one view, or in those that show the result, or else in all.

        Args:
            opacity: 0 to 1.
        """
        for composite in self._views(resultNode, viewName):
            if _showsMap(composite):  # another one: what was there before both is remembered already
                _setLegendVisibility(_foreground(composite), False)
            else:
                self._before[composite.GetID()] = (
                    composite.GetBackgroundVolumeID(),
                    composite.GetForegroundVolumeID(),
                    composite.GetForegroundOpacity(),
                )
            composite.SetBackgroundVolumeID(resultNode.GetID())
            composite.SetForegroundVolumeID(mapNode.GetID())
            composite.SetForegroundOpacity(opacity)
        self._showLegend(mapNode, self._views(resultNode, viewName))

    def hide(self):
        """Take every map away; layers that the user has changed meanwhile are left as they are."""
        for composite in _composites():
            if not _showsMap(composite):
                continue
            shown = _foreground(composite)
            background, foreground, opacity = self._before.get(composite.GetID(), (None, None, 0.0))
            if background and composite.GetBackgroundVolumeID() == _resultId(shown):
                composite.SetBackgroundVolumeID(_idInScene(background))
            composite.SetForegroundVolumeID(_idInScene(foreground))
            composite.SetForegroundOpacity(opacity)
            _setLegendVisibility(shown, False)
        self.forget()

    def forget(self):
        """The views are arranged anew: there is nothing to go back to."""
        self._before = {}

    @staticmethod
    def shownMap():
        """The map that a slice view shows now, or None."""
        return next((_foreground(composite) for composite in _composites() if _showsMap(composite)), None)

    @staticmethod
    def setOpacity(opacity):
        """Opacity (0 to 1) of the maps that are shown."""
        for composite in _composites():
            if _showsMap(composite):
                composite.SetForegroundOpacity(opacity)

    @staticmethod
    def _views(resultNode, viewName):
        if viewName is not None:
            return [composite for composite in _composites() if composite.GetLayoutName() == viewName]
        layers = [(each, each.GetBackgroundVolumeID(), each.GetForegroundVolumeID()) for each in _composites()]
        showing = [each for each, *shown in layers if resultNode.GetID() in shown]
        return showing or _composites()

    @staticmethod
    def _showLegend(mapNode, composites):
        legend = slicer.modules.colors.logic().AddDefaultColorLegendDisplayNode(mapNode)
        top = max(abs(bound) for bound in _range(mapNode))
        position, size = _legendPlace(composites)
        with slicer.util.NodeModify(legend):
            legend.SetTitleText(mapTitle(mapNode.GetAttribute(MAP)))
            legend.SetLabelFormat(labelFormat(top))
            for letters in (legend.GetTitleTextProperty(), legend.GetLabelTextProperty()):
                letters.SetFontFamilyToArial()  # the application's labels are thin and narrow: another size, it seems
                letters.SetFontSize(LETTERS)
                letters.SetBold(False)
            legend.SetPosition(*position)
            legend.SetSize(*size)
            legend.SetVisibility(True)


def labelFormat(top):
    """Format of the legend's numbers up to ``top``: as many decimals as tell them apart, and "0" for zero.

    Without exponents: half of a range that a scene file has rounded is not quite zero.
    """
    decimals = next((digits for digits, least in ((0, 20), (1, 2), (2, 0.2)) if top >= least), 3)
    return f"%.{decimals}f"


def _legendPlace(composites):
    """(position, size) of an upright legend beside the brain: at the right of a wide view, in a tall one's corner."""
    names = [composite.GetLayoutName() for composite in composites]
    sizes = [view.GetDimensions() for view in slicer.util.getNodesByClass("vtkMRMLSliceNode")
             if view.GetLayoutName() in names]  # fmt: skip
    if any(height > width for width, height, _depth in sizes):
        return (0.98, 0.93), (0.12, 0.28)  # room for the title above the bar
    return (0.98, 0.5), (0.12, 0.6)


def _range(mapNode):
    display = mapNode.GetDisplayNode()
    return display.GetWindowLevelMin(), display.GetWindowLevelMax()


def _setLegendVisibility(mapNode, visible):
    legend = slicer.modules.colors.logic().GetColorLegendDisplayNode(mapNode)
    if legend is not None:
        legend.SetVisibility(visible)


def _composites():
    return slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")


def _foreground(composite):
    identifier = composite.GetForegroundVolumeID()
    return slicer.mrmlScene.GetNodeByID(identifier) if identifier else None


def _showsMap(composite):
    node = _foreground(composite)
    return node is not None and isMap(node)


def _resultId(mapNode):
    result = resultOf(mapNode)
    return result.GetID() if result is not None else None


def _idInScene(identifier):
    """A node's ID, or None for a node that has left the scene."""
    return identifier if identifier and slicer.mrmlScene.GetNodeByID(identifier) is not None else None
