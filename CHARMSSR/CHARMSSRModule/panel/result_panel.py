"""The result section of the panel: figures of the last result, comparison, and its maps in colour."""

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from ..scene import compare_views, fade_views
from ..scene.dicom_export import exportSeries, isFromDICOM, reasonNotToExport
from ..scene.map_overlay import MapOverlay
from ..scene.map_texts import mapExplanation, mapTitle
from ..scene.report_table import showTable, tableOfReport
from ..scene.result_maps import MAP, mapNodes
from ..scene.scene_results import reportOf, sourceOf
from ..scene.shared_grey_levels import SharedGreyLevels
from .fitted_texts import FittedTexts, toolTip
from .report_text import reportHeadline, reportRows, reportTable


class ResultPanel(VTKObservationMixin):
    """Shows the result that the parameter node names."""

    def __init__(self, ui):
        VTKObservationMixin.__init__(self)
        self._ui = ui
        self._parameters = None
        self._overlay = MapOverlay()
        self._greyLevels = SharedGreyLevels()
        self._shownResult = None
        self._savedResult = None
        self._fitted = FittedTexts()
        self._fitted.keepWhole(ui.resultLabel, ui.figuresLabel, ui.mapExplanationLabel)
        ui.compareButton.connect("clicked(bool)", self.onCompareButton)
        ui.flipButton.connect("clicked(bool)", self.onFlipButton)
        ui.fadeSlider.connect("valueChanged(int)", self._onFade)
        ui.linkViewsButton.connect("clicked(bool)", self.onLinkViewsButton)
        ui.showMapButton.connect("clicked(bool)", self.onShowMapButton)
        ui.figuresButton.connect("toggled(bool)", self._onFiguresToggled)
        ui.tableButton.connect("clicked(bool)", self.onTableButton)
        ui.dicomButton.connect("clicked(bool)", self.onDICOMButton)
        ui.mapComboBox.connect("currentIndexChanged(int)", self._onMapChosen)
        ui.mapOpacitySlider.connect("valueChanged(double)", self._onOpacityChanged)

    def refresh(self, parameters):
        """Show the result of a parameter node; None while there is none."""
        self._parameters = parameters
        if parameters is None:
            self.removeObservers()
            self._greyLevels.stop()
            return
        self._observeViews()
        node = parameters.resultVolume
        report, source = reportOf(node), sourceOf(node)
        hasReport = node is not None and bool(report)
        self._ui.resultLabel.text = reportHeadline(report, node) if hasReport else _("No result yet.")
        self._ui.figuresLabel.text = reportTable(report, source, node) if hasReport else ""
        for button in (self._ui.figuresButton, self._ui.tableButton):
            button.enabled = hasReport
        self._ui.figuresLabel.visible = hasReport and self._ui.figuresButton.checked
        choice = node.GetName() if hasReport else _("none yet")
        self._fitted.setHeader(self._ui.resultCollapsibleButton, _("Result"), choice)
        if node is not self._shownResult:
            self._ui.resultCollapsibleButton.collapsed = node is None
            self._shownResult = node
        maps = mapNodes(node)
        self._refreshDICOM(node, source)
        self._refreshComparison(node, source, maps)
        self._fillMaps(maps)
        self._refreshMaps(node, maps)

    def beforeNewResult(self):
        """Take the map of an earlier result, and that result where it fades, out of the views."""
        self._overlay.hide()
        source, result = self._compared()
        if result is not None and source is not None:
            fade_views.stopFading(source, result)

    def forgetViews(self):
        """The scene is closed: there is nothing to go back to."""
        self._overlay.forget()

    # Buttons

    def onCompareButton(self, checked=False):
        """Input and result side by side, and the result under its map if there is one."""
        with slicer.util.tryWithErrorDisplay(_("The views could not be arranged.")):
            result = self._parameters.resultVolume
            mapNode = mapNodes(result).get(self._chosenMap())
            self._overlay.hide()
            compare_views.showSideBySide(sourceOf(result), result, withThirdView=mapNode is not None)
            self._greyLevels.share(sourceOf(result), result)
            if mapNode is not None:
                self._overlay.show(mapNode, result, self._parameters.mapOpacity, compare_views.THIRD)
            self.refresh(self._parameters)

    def onFlipButton(self, checked=False):
        """The scan where the result is seen, the result where the scan is."""
        source, result = self._compared()
        self._fadeTo(0.0 if fade_views.shownShare(source, result) >= 0.5 else 1.0)

    def onLinkViewsButton(self, checked=False):
        """Link or unlink all slice views."""
        compare_views.linkViews(self._ui.linkViewsButton.checked)

    def onShowMapButton(self, checked=False):
        """Show the chosen map over the result, or hide it."""
        with slicer.util.tryWithErrorDisplay(_("The map could not be shown.")):
            if self._overlay.shownMap() is not None:
                self._overlay.hide()
            else:
                self._showChosenMap()
            self.refresh(self._parameters)

    def onTableButton(self, checked=False):
        """The report as a table of the scene, in a table view."""
        with slicer.util.tryWithErrorDisplay(_("The table could not be shown.")):
            node = self._parameters.resultVolume
            report = reportOf(node)
            rows = reportRows(report, sourceOf(node), node)
            rows += [(_("Warning"), warning) for warning in report.get("warnings", [])]
            showTable(tableOfReport(node, rows))

    def onDICOMButton(self, checked=False):
        """The result as a series of its source's study, in Slicer's DICOM database."""
        with slicer.util.tryWithErrorDisplay(_("The DICOM series could not be saved."), waitCursor=True):
            exportSeries(self._parameters.resultVolume)
            self._savedResult = self._parameters.resultVolume.GetID()
            self.refresh(self._parameters)

    def _onFade(self, value):
        self._fadeTo(value / self._ui.fadeSlider.maximum)

    def _onFiguresToggled(self, checked):
        self._ui.figuresLabel.visible = checked and bool(self._ui.figuresLabel.text)

    def _onMapChosen(self, index):
        name = self._ui.mapComboBox.itemData(index)
        if self._parameters is None or not name:
            return
        self._parameters.mapName = name
        if self._overlay.shownMap() is not None:
            self._showChosenMap()
        self.refresh(self._parameters)

    def _onOpacityChanged(self, value):
        self._overlay.setOpacity(value)

    # Inside

    def _compared(self):
        """(scan, result) that the section is about; None for what is not there."""
        result = self._parameters.resultVolume if self._parameters is not None else None
        return sourceOf(result), result

    def _fadeTo(self, share):
        source, result = self._compared()
        if source is None:
            return
        if not compare_views.threeViewsAreShown():  # there the map has a view of its own
            self._overlay.hide()
        self._greyLevels.share(source, result)
        fade_views.fade(source, result, share)
        self.refresh(self._parameters)

    def _observeViews(self):
        """The slider follows the views: there, T and a slider of the application change the opacity, too."""
        for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            if not self.hasObserver(composite, vtk.vtkCommand.ModifiedEvent, self._showShare):
                self.addObserver(composite, vtk.vtkCommand.ModifiedEvent, self._showShare)

    def _showShare(self, caller=None, event=None):
        source, result = self._compared()
        slider = self._ui.fadeSlider
        wasBlocked = slider.blockSignals(True)
        slider.value = round(slider.maximum * fade_views.shownShare(source, result)) if source is not None else 0
        slider.blockSignals(wasBlocked)

    def _showChosenMap(self):
        result = self._parameters.resultVolume
        mapNode = mapNodes(result).get(self._chosenMap())
        if mapNode is not None:
            viewName = compare_views.THIRD if compare_views.threeViewsAreShown() else None
            self._overlay.show(mapNode, result, self._parameters.mapOpacity, viewName)

    def _chosenMap(self):
        """Name of the map that the user chose, or else of the first one; None without maps."""
        names = list(mapNodes(self._parameters.resultVolume))
        if self._parameters.mapName in names:
            return self._parameters.mapName
        return names[0] if names else None

    def _refreshDICOM(self, node, source):
        button = self._ui.dicomButton
        button.visible = isFromDICOM(source)
        if not button.visible:
            return
        saved = node.GetID() == self._savedResult
        reason = _("The result is in the DICOM database") if saved else reasonNotToExport(node)
        button.enabled = not reason
        button.text = _("Saved as DICOM series") if saved else _("Save as DICOM series")
        text = _("Add the result to Slicer's DICOM database, in the study of {source}")
        button.toolTip = toolTip(reason or text.format(source=source.GetName()))

    def _refreshComparison(self, node, source, maps):
        canCompare = node is not None and source is not None
        self._ui.compareButton.enabled = canCompare
        if not canCompare:
            text = _("There is no result yet") if node is None else _("The input of this result is not in the scene")
        elif maps:
            text = _("Show {source} left, {result} in the middle and the map right, linked, in the same grey levels")
        else:
            text = _("Show {source} left and {result} right, linked, in the same grey levels")
        if canCompare:
            text = toolTip(text.format(source=source.GetName(), result=node.GetName()))
        self._ui.compareButton.toolTip = text
        for widget in (self._ui.flipButton, self._ui.fadeSlider, self._ui.fadeScanLabel, self._ui.fadeResultLabel):
            widget.enabled = canCompare
        if canCompare:
            text = _("Show {source} and {result} in turn, in the same place and grey levels (T in a view)")
            text = toolTip(text.format(source=source.GetName(), result=node.GetName()))
        self._ui.flipButton.toolTip = text
        self._showShare()
        self._ui.linkViewsButton.checked = compare_views.viewsAreLinked()

    def _fillMaps(self, maps):
        comboBox = self._ui.mapComboBox
        wasBlocked = comboBox.blockSignals(True)
        if [comboBox.itemData(index) for index in range(comboBox.count)] != list(maps):
            comboBox.clear()
            for name in maps:
                comboBox.addItem(mapTitle(name), name)
        if maps:
            comboBox.setCurrentIndex(list(maps).index(self._chosenMap()))
        comboBox.blockSignals(wasBlocked)

    def _refreshMaps(self, node, maps):
        ui = self._ui
        shown = self._overlay.shownMap()
        name = shown.GetAttribute(MAP) if shown is not None else self._chosenMap()
        for widget in (ui.mapOpacityLabel, ui.mapOpacitySlider, ui.mapExplanationLabel):
            widget.visible = shown is not None
        ui.mapComboBox.visible = len(maps) > 1
        ui.mapExplanationLabel.text = mapExplanation(name) if name else ""
        ui.showMapButton.enabled = bool(maps) or shown is not None
        if shown is not None:
            ui.showMapButton.text = _("Hide map")
            ui.showMapButton.toolTip = _("Show the slice views as they were before")
            return
        ui.showMapButton.text = _("Show map")
        if maps:
            text = _("Show the map in colour over {result}, with a legend")
            ui.showMapButton.toolTip = toolTip(text.format(result=node.GetName()))
        elif node is None:
            ui.showMapButton.toolTip = _("There is no result yet")
        else:
            ui.showMapButton.toolTip = _(
                "This result has no maps: tick Maps of what was added under Slices, then enhance again"
            )
