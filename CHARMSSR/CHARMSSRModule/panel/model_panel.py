"""The model section of the panel: list, description, and what the result will be."""

import qt
from slicer.i18n import tr as _

from ..jobs import models
from ..scene.geometry import enhancedSpacing, ijkToRasOfNode, isIsotropic
from .choice_texts import mapsExplanation, planesExplanation
from .list_items import selectItem
from .report_text import spacingText

MISSING_TEXT = "{name} (not on this computer)"


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
        self._cards = {card["name"]: card for card in models.availableModels()}
        for name, card in self._cards.items():
            comboBox.addItem(models.modelTitle(card), name)
            comboBox.setItemData(comboBox.count - 1, card.get("summary", ""), qt.Qt.ToolTipRole)
        name = chosen or models.defaultModel()
        if name:
            selectItem(comboBox, name, _(MISSING_TEXT))
        comboBox.blockSignals(wasBlocked)

    def reasonNotToUse(self, name):
        """Sentence why the chosen checkpoint can't be used, or ""."""
        if not self._cards:
            return _("There is no model: reinstall the extension, or name a folder with models under Advanced.")
        card = self._cards.get(name or models.defaultModel())
        if card is None:
            return _("The model {name} is not on this computer: choose another one.").format(name=name)
        return card["summary"] if card.get("unreadable") else ""

    def describe(self, name, inputNode, planes, reasonAgainstInput):
        """Say what the chosen checkpoint is, and what becomes of the input's voxels or why nothing can."""
        card = self._cards.get(name or models.defaultModel())
        usable = card is not None and not card.get("unreadable")
        self._ui.modelDescriptionLabel.text = models.modelDescription(card) if usable else self.reasonNotToUse(name)
        scale = card.get("scale", 2) if usable else 1
        self._ui.gridLabel.text = reasonAgainstInput or _gridText(inputNode, planes, scale)
        self._ui.gridLabel.visible = bool(self._ui.gridLabel.text)
        # While there is no volume to look at, the usual one is spoken of.
        isotropic = bool(reasonAgainstInput) or isIsotropic(ijkToRasOfNode(inputNode))
        self._ui.planesExplanationLabel.text = planesExplanation(planes, isotropic)
        self._ui.mapsExplanationLabel.text = mapsExplanation(planes, isotropic)


def _gridText(inputNode, planes, scale):
    before = spacingText(inputNode.GetSpacing())
    spacing = enhancedSpacing(ijkToRasOfNode(inputNode), planes, scale)
    return _("Voxels: {before} \u2192 {after} mm").format(before=before, after=spacingText(spacing))
