"""A map in colour over its result, in the slice views; hidden again, the views show what they showed before."""

from .map_legends import showLegend
from .result_maps import isMap, resultOf
from .shown_layers import composites, foreground, idInScene, isSeen


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
            if not _showsMap(composite):  # else what was there before both is remembered already
                self._before[composite.GetID()] = (
                    composite.GetBackgroundVolumeID(),
                    composite.GetForegroundVolumeID(),
                    composite.GetForegroundOpacity(),
                )
            composite.SetBackgroundVolumeID(resultNode.GetID())
            composite.SetForegroundVolumeID(mapNode.GetID())
            composite.SetForegroundOpacity(opacity)
        showLegend(mapNode)

    def hide(self):
        """Take every map away; layers that the user has changed meanwhile are left as they are."""
        for composite in composites():
            if not _showsMap(composite):
                continue
            shown = foreground(composite)
            background, before, opacity = self._before.get(composite.GetID(), (None, None, 0.0))
            if background and composite.GetBackgroundVolumeID() == _resultId(shown):
                composite.SetBackgroundVolumeID(idInScene(background))
            composite.SetForegroundVolumeID(idInScene(before))
            composite.SetForegroundOpacity(opacity)
        self.forget()

    def forget(self):
        """The views are arranged anew: there is nothing to go back to."""
        self._before = {}

    @staticmethod
    def shownMap():
        """The map that a slice view of the layout shows now, or None."""
        shown = (foreground(composite) for composite in composites() if _showsMap(composite) and isSeen(composite))
        return next(shown, None)

    @staticmethod
    def setOpacity(opacity):
        """Opacity (0 to 1) of the maps that are shown."""
        for composite in composites():
            if _showsMap(composite):
                composite.SetForegroundOpacity(opacity)

    @staticmethod
    def _views(resultNode, viewName):
        if viewName is not None:
            return [composite for composite in composites() if composite.GetLayoutName() == viewName]
        seen = [composite for composite in composites() if isSeen(composite)]
        layers = [(each, each.GetBackgroundVolumeID(), each.GetForegroundVolumeID()) for each in seen]
        showing = [each for each, *shown in layers if resultNode.GetID() in shown]
        return showing or seen or composites()


def _showsMap(composite):
    node = foreground(composite)
    return node is not None and isMap(node)


def _resultId(mapNode):
    result = resultOf(mapNode)
    return result.GetID() if result is not None else None
