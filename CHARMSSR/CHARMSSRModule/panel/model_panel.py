"""The model section of the panel: list, description, and what the result will be."""

from html import escape

import qt
from slicer.i18n import tr as _

from ..jobs import models
from ..scene.geometry import enhancedSpacing, ijkToRasOfNode, isIsotropic
from ..scene.measured_pixels import measuredSize
from .choice_texts import mapsExplanation, planesExplanation, qualityExplanation
from .fitted_texts import toolTip
from .list_items import selectItem
from .report_text import spacingText

MISSING_TEXT = _("{name} (not on this computer)")


class ModelPanel:
    """Fills and explains the list of checkpoints."""

    def __init__(self, ui):
        self._ui = ui
        self._cards = {}

    def fill(self, chosen):
        """List the checkpoints that are there now and choose one; "" chooses the default."""
        comboBox = self._ui.checkpointComboBox
        wasBlocked = comboBox.blockSignals(True)
        comboBox.clear()
        self._cards = {card["name"]: card for card in [*models.automaticModels(), *models.availableModels()]}
        for name, card in self._cards.items():
            comboBox.addItem(models.modelTitle(card), name)
            comboBox.setItemData(comboBox.count - 1, card.get("summary", ""), qt.Qt.ToolTipRole)
        name = chosen or models.defaultModel()
        if name:
            selectItem(comboBox, name, MISSING_TEXT)
        comboBox.blockSignals(wasBlocked)

    def reasonNotToUse(self, name):
        """Sentence why the chosen checkpoint can't be used, or ""."""
        if not self._cards:
            return _("There is no model: reinstall the extension, or name a folder with models under Advanced.")
        card = self._cards.get(name or models.defaultModel())
        if card is None:
            return _("The model {name} is not on this computer: choose another one.").format(name=name)
        return card["summary"] if card.get("unreadable") else ""

    def card(self, name):
        """Card of a checkpoint ("" for the default); {} if it is not there."""
        return self._cards.get(name or models.defaultModel(), {})

    def choice(self, name, markDefault=True):
        """What the header of the section says of the model."""
        card = self.card(name)
        return models.modelTitle(card, markDefault) if card else name

    def describe(self, name, inputNode, planes, reasonAgainstInput, acquisition, resolution):
        """Say what the chosen checkpoint is, and what becomes of the input's voxels or why nothing can.

        ``acquisition`` is what was found out about the scan, ``resolution`` the library's word for its pixels.
        """
        ui = self._ui
        card = self._cards.get(name or models.defaultModel())
        usable = card is not None and not card.get("unreadable")
        claim = models.modelClaim(card) if usable else ""
        ui.checkpointComboBox.toolTip = toolTip(
            _("Trained network: the bundled ones, then your own."), models.modelTitle(card) if card else ""
        )
        ui.modelDescriptionLabel.text = models.modelDescription(card) if usable else self.reasonNotToUse(name)
        ui.modelDescriptionLabel.toolTip = toolTip(claim, card.get("summary", "")) if usable else ""
        if usable and card["name"] == models.AUTOMATIC:
            self._describeAutomatic(acquisition.get("checkpoint") or {})
        if reasonAgainstInput:
            ui.gridLabel.text, ui.gridLabel.toolTip = reasonAgainstInput, _("Why this volume cannot be enhanced")
        else:
            pixels = acquisition if resolution == "auto" else {}  # else they are taken as stated
            before, after, measured = _spacings(inputNode, planes, card.get("scale", 2) if usable else 1, pixels)
            kind = models.resultKind(card) if usable else ""
            ui.gridLabel.text = _("\u2192 {kind}, {after} mm").format(kind=kind, after=after)
            voxels = _("Voxels: {before} \u2192 {after} mm").format(before=before, after=after)
            ui.gridLabel.toolTip = toolTip(voxels, measured, claim)
        # While there is no volume to look at, the usual one is spoken of.
        isotropic = bool(reasonAgainstInput) or isIsotropic(ijkToRasOfNode(inputNode))
        ui.planesComboBox.toolTip = toolTip(_("Which slices are enhanced."), planesExplanation(planes, isotropic))
        ui.bestQualityCheckBox.toolTip = toolTip(qualityExplanation())
        ui.mapsCheckBox.toolTip = toolTip(mapsExplanation(planes, isotropic))

    def _describeAutomatic(self, chosen):
        """Which model the chosen volume gets, and why."""
        label = self._ui.modelDescriptionLabel
        card = self._cards.get(chosen.get("name"))
        if card is None:
            label.text = escape(_("Chosen by what the scan measured, once it was looked at."))
            return
        label.text = _("This scan: <b>{model}</b>.").format(model=escape(models.modelTitle(card, markDefault=False)))
        label.toolTip = toolTip(chosen.get("reason", ""), models.modelClaim(card))


def _spacings(inputNode, planes, scale, acquisition):
    """Voxel sizes of the input and of the result, as text, and a sentence if the scan's pixels are interpolated."""
    ijkToRas, size = ijkToRasOfNode(inputNode), inputNode.GetImageData().GetDimensions()
    measured = measuredSize(acquisition, ijkToRas, size, planes)
    after = enhancedSpacing(ijkToRas, planes, scale, size, measured)
    sentence = ""
    if measured is not None:
        coarse = [step * one / other for step, one, other in zip(inputNode.GetSpacing(), size, measured)]
        sentence = _("The scan is interpolated: enhanced from the measured {size} mm.").format(size=spacingText(coarse))
    return spacingText(inputNode.GetSpacing()), spacingText(after), sentence
