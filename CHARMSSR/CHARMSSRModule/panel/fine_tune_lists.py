"""What the lists of the fine-tune section offer: models to start from, learning rates, ways to find the brain."""

import qt
from slicer.i18n import tr as _

from ..jobs import models
from .list_items import selectItem
from .machine_panel import fillBackendList
from .model_panel import MISSING_TEXT

RATES = ("0", "1e-5", "3e-5", "1e-4", "3e-4", "1e-3")


class FineTuneLists:
    """Fills the lists of a section."""

    def __init__(self, ui):
        self._ui = ui
        self._shownHello = None
        for rate in RATES:
            ui.learningRateComboBox.addItem(_("Automatic") if rate == "0" else rate, rate)

    def fillModels(self, parameters):
        """All models that are there, with the chosen one chosen."""
        comboBox = self._ui.checkpointComboBox
        wasBlocked = comboBox.blockSignals(True)
        comboBox.clear()
        for card in models.availableModels():
            comboBox.addItem(models.modelTitle(card, markDefault=False), card["name"])
            comboBox.setItemData(comboBox.count - 1, card.get("summary", ""), qt.Qt.ToolTipRole)
        name = parameters.checkpoint or models.defaultModel()
        if name:
            selectItem(comboBox, name, MISSING_TEXT)
        comboBox.blockSignals(wasBlocked)

    def modelNames(self):
        """Names of the models that are listed."""
        comboBox = self._ui.checkpointComboBox
        return [comboBox.itemData(index) for index in range(comboBox.count)]

    def fillBackends(self, hello, parameters):
        """What the worker can find the brain with, as far as it has said so."""
        self._shownHello = hello or self._shownHello
        fillBackendList(self._ui.skullStripComboBox, self._shownHello, parameters.skullStrip)

    def fillBackendsAnew(self, hello, parameters):
        """The same if the worker has said something new."""
        if hello not in (None, self._shownHello):
            self.fillBackends(hello, parameters)
