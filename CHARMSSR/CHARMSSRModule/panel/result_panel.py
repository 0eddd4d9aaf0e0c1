"""The result section of the panel: figures of the last result, comparison, and its maps in colour."""

from html import escape

import slicer
from slicer.i18n import tr as _

from ..scene import compare_views, fade_views
from ..scene.dicom_export import exportSeries, isFromDICOM, reasonNotToExport
from ..scene.map_legends import MapLegends
from ..scene.map_overlay import MapOverlay
from ..scene.map_texts import mapExplanation, mapTitle
from ..scene.report_table import showTable, tableOfReport
from ..scene.result_maps import MAP, mapNodes
from ..scene.scene_results import reportOf, sourceOf
from ..scene.source_voxels import sourceHasChanged
from .compare_panel import ComparePanel
from .fitted_texts import FittedTexts, toolTip
from .report_text import remarks, reportHeadline, reportRows, reportTable


class ResultPanel:
    """Shows the result that the parameter node names."""

    def __init__(self, ui):
        self._ui = ui
        self._parameters = None
        self._overlay = MapOverlay()
        self._legends = MapLegends(self._onMapsShown)
        self._comparePanel = ComparePanel(ui, self._overlay, self._comparedNow, lambda: self.refresh(self._parameters))
        self._shownResult = None
        self._savedResult = None
        self._fitted = FittedTexts()
        self._fitted.keepWhole(ui.resultLabel, ui.figuresLabel, ui.mapExplanationLabel)
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
            self._comparePanel.stop()
            return
        node = parameters.resultVolume
        report, source = reportOf(node), sourceOf(node)
        hasReport = node is not None and bool(report)
        headline = reportHeadline(report, node) if hasReport else _("No result yet.")
        if hasReport and sourceHasChanged(node, source):
            changed = _("{source} has changed since: it shows other voxels than those that were enhanced.")
            headline += f"<br>\u26a0 {escape(changed.format(source=source.GetName()))}"
        self._ui.resultLabel.text = headline
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
        self._comparePanel.refresh()
        self._fillMaps(maps)
        self._refreshMaps(node, maps)

    def stop(self):
        """Let go of views and volumes."""
        self.refresh(None)
        self._legends.stop()

    def beforeNewResult(self):
        """Take the map of an earlier result, and that result where it fades, out of the views."""
        self._overlay.hide()
        self._comparePanel.beforeNewResult()

    def beforeRemoval(self, node):
        """A result that leaves the scene takes its map out of the views and leaves them to the scan.

        Slicer would put the next volume of its list behind the map.
        """
        if node is self._parameters.resultVolume:
            self.beforeNewResult()
            fade_views.showInstead(sourceOf(node), node)

    def forgetViews(self):
        """The scene is closed: there is nothing to go back to."""
        self._overlay.forget()
        self._comparePanel.forgetViews()

    # Buttons

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
            for title, sentences in zip((_("Note"), _("Warning")), remarks(report)):
                rows += [(title, sentence) for sentence in sentences]
            showTable(tableOfReport(node, rows))

    def onDICOMButton(self, checked=False):
        """The result as a series of its source's study, in Slicer's DICOM database."""
        with slicer.util.tryWithErrorDisplay(_("The DICOM series could not be saved."), waitCursor=True):
            exportSeries(self._parameters.resultVolume)
            self._savedResult = self._parameters.resultVolume.GetID()
            self.refresh(self._parameters)

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

    def _comparedNow(self):
        """(scan, result, chosen map, its opacity) that the section is about; None for what is not there."""
        if self._parameters is None:
            return None, None, None, 0.0
        result = self._parameters.resultVolume
        return sourceOf(result), result, mapNodes(result).get(self._chosenMap()), self._parameters.mapOpacity

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

    def _onMapsShown(self):
        """Other maps are seen: by the buttons here, or because other volumes, layouts or layers were chosen."""
        if self._parameters is not None:
            node = self._parameters.resultVolume
            self._refreshMaps(node, mapNodes(node))

    def _fillMaps(self, maps):
        comboBox = self._ui.mapComboBox
        wasBlocked = comboBox.blockSignals(True)
        if [comboBox.itemData(index) for index in range(comboBox.count)] != list(maps):
            comboBox.clear()
            for name in maps:
                comboBox.addItem(mapTitle(name), name)
        comboBox.blockSignals(wasBlocked)

    def _refreshMaps(self, node, maps):
        ui = self._ui
        shown = self._overlay.shownMap()
        name = shown.GetAttribute(MAP) if shown is not None else self._chosenMap()
        for widget in (ui.mapOpacityLabel, ui.mapOpacitySlider, ui.mapExplanationLabel):
            widget.visible = shown is not None
        ui.mapComboBox.visible = len(maps) > 1
        if name in maps:
            wasBlocked = ui.mapComboBox.blockSignals(True)
            ui.mapComboBox.setCurrentIndex(list(maps).index(name))
            ui.mapComboBox.blockSignals(wasBlocked)
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
