"""Before and after in the result section: side by side, flipped in the same place, or faded."""

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from ..scene import compare_views, fade_views
from ..scene.shared_grey_levels import SharedGreyLevels
from ..scene.views_before import ViewsBefore
from .fitted_texts import toolTip


class ComparePanel(VTKObservationMixin):
    """Two buttons and a slider that arrange the slice views.

    ``compared()`` gives scan, result, map and the map's opacity, None for what isn't there; ``onChange()`` is called
    when the views were arranged anew.
    """

    def __init__(self, ui, overlay, compared, onChange):
        VTKObservationMixin.__init__(self)
        self._ui = ui
        self._overlay = overlay
        self._compared = compared
        self._onChange = onChange
        self._greyLevels = SharedGreyLevels()
        self._viewsBefore = ViewsBefore()
        ui.compareButton.connect("clicked(bool)", self.onCompareButton)
        ui.linkViewsButton.connect("clicked(bool)", self.onLinkViewsButton)
        ui.flipButton.connect("clicked(bool)", self.onFlipButton)
        ui.fadeSlider.connect("valueChanged(int)", self._onFade)

    def refresh(self):
        """What can be compared, and how the views are now."""
        self._observeViews()
        self._showViews()

    def stop(self):
        """Let go of views and volumes."""
        self.removeObservers()
        self._greyLevels.stop()

    def beforeNewResult(self):
        """Take an earlier result, where it fades, out of the views."""
        source, result, _map, _opacity = self._compared()
        if source is not None and result is not None:
            fade_views.stopFading(source, result)

    def forgetViews(self):
        """The scene is closed: there is nothing to go back to."""
        self._viewsBefore.forget()

    # Buttons

    def onCompareButton(self, checked=False):
        """Input and result side by side, and the result under its map if there is one; the next click goes back."""
        with slicer.util.tryWithErrorDisplay(_("The views could not be arranged.")):
            source, result, mapNode, opacity = self._compared()
            self._overlay.hide()
            if self._canGoBack():
                self._viewsBefore.restore(result)
            else:
                self._viewsBefore.remember(result)
                compare_views.showSideBySide(source, result, withThirdView=mapNode is not None)
                self._greyLevels.share(source, result)
                if mapNode is not None:
                    self._overlay.show(mapNode, result, opacity, compare_views.THIRD)
            self._onChange()

    def onFlipButton(self, checked=False):
        """The scan where the result is seen, the result where the scan is."""
        source, result, _map, _opacity = self._compared()
        self._fadeTo(0.0 if fade_views.shownShare(source, result) >= 0.5 else 1.0)

    def onLinkViewsButton(self, checked=False):
        """Link or unlink all slice views."""
        compare_views.linkViews(self._ui.linkViewsButton.checked)

    # Inside

    def _onFade(self, value):
        self._fadeTo(value / self._ui.fadeSlider.maximum)

    def _fadeTo(self, share):
        source, result, _map, _opacity = self._compared()
        if source is None:
            return
        if not compare_views.threeViewsAreShown():  # there the map has a view of its own
            self._overlay.hide()
        self._greyLevels.share(source, result)
        fade_views.fade(source, result, share)
        self._onChange()

    def _canGoBack(self):
        source = self._compared()[0]
        return source is not None and self._viewsBefore.known and compare_views.sideBySideAreShown(source)

    def _observeViews(self):
        """The controls follow the views: there, T, a slider and the layouts of the application change them, too."""
        for name in ("vtkMRMLSliceCompositeNode", "vtkMRMLLayoutNode"):
            for node in slicer.util.getNodesByClass(name):
                if not self.hasObserver(node, vtk.vtkCommand.ModifiedEvent, self._showViews):
                    self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self._showViews)

    def _showViews(self, caller=None, event=None):
        ui = self._ui
        source, result, mapNode, _opacity = self._compared()
        canCompare = source is not None and result is not None
        for widget in (ui.compareButton, ui.flipButton, ui.fadeSlider, ui.fadeScanLabel, ui.fadeResultLabel):
            widget.enabled = canCompare
        if canCompare:
            names = {"source": source.GetName(), "result": result.GetName()}
            side, flip = toolTip(_sideBySideTip(mapNode).format(**names)), toolTip(_flipTip().format(**names))
        else:
            none = _("There is no result yet") if result is None else _("The input of this result is not in the scene")
            side = flip = none
        goesBack = canCompare and self._canGoBack()
        ui.compareButton.text = _("As before") if goesBack else _("Side by side")
        ui.compareButton.toolTip = _("Show the slice views as they were before") if goesBack else side
        ui.flipButton.toolTip = flip
        ui.linkViewsButton.checked = compare_views.viewsAreLinked()
        wasBlocked = ui.fadeSlider.blockSignals(True)
        ui.fadeSlider.value = round(ui.fadeSlider.maximum * fade_views.shownShare(source, result)) if canCompare else 0
        ui.fadeSlider.blockSignals(wasBlocked)


def _sideBySideTip(mapNode):
    if mapNode is not None:
        return _("Show {source} left, {result} in the middle and the map right, linked, in the same grey levels")
    return _("Show {source} left and {result} right, linked, in the same grey levels")


def _flipTip():
    return _("Show {source} and {result} in turn, in the same place and grey levels (T in a view)")
