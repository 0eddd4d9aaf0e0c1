"""What is folded away is read in the headers of the sections."""

from slicer.i18n import tr as _

from .section_titles import advancedChoice, modelChoice, preprocessingChoice, slicesChoice


class SectionHeaders:
    """Headers of the sections whose choices have good defaults."""

    def __init__(self, ui, fitted, modelPanel, noisePanel, machinePanel):
        self._ui = ui
        self._fitted = fitted
        self._modelPanel = modelPanel
        self._noisePanel = noisePanel
        self._machinePanel = machinePanel

    def show(self, parameters):
        """Bring them up to date."""
        ui = self._ui
        for section, title, choice in (
            (ui.modelCollapsibleButton, _("Model"),
             modelChoice(lambda markDefault: self._modelPanel.choice(parameters.checkpoint, markDefault),
                         self._noisePanel.choice(), parameters.bestQuality)),
            (ui.slicesCollapsibleButton, _("Slices"),
             slicesChoice(parameters.planes, parameters.maps, parameters.resolution)),
            (ui.preprocessingCollapsibleButton, _("Preprocessing"),
             preprocessingChoice(parameters, self._machinePanel.backends())),
            (ui.advancedCollapsibleButton, _("Advanced"),
             advancedChoice(parameters, self._machinePanel.choices())),
        ):  # fmt: skip
            self._fitted.setHeader(section, title, choice)
