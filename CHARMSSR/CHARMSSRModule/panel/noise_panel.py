"""The noise control, for models that have one: automatic, or a slider from "as measured" to "reduced"."""

from slicer.i18n import tr as _

from ..jobs import models
from .fitted_texts import toolTip

AUTOMATIC = -1  # of the parameter: as much as the scan needs


class NoisePanel:
    """Binds check box and slider to the parameter ``noise``, which only a choice of the user's changes."""

    def __init__(self, ui):
        self._ui = ui
        self._parameters = None
        self._card = {}
        ui.noiseAutomaticCheckBox.connect("toggled(bool)", self._onAutomaticToggled)
        ui.noiseSlider.connect("valueChanged(double)", self._onValueChanged)

    def refresh(self, parameters, card):
        """Show what the chosen model (its card, {} if there is none) makes of the parameter."""
        ui, usual = self._ui, models.usualNoise(card)
        self._card, self._parameters = card, None  # what follows is no choice of the user's
        isAutomatic = parameters.noise == AUTOMATIC
        ui.noiseAutomaticCheckBox.checked = usual is not None and isAutomatic
        ui.noiseAutomaticCheckBox.enabled = usual is not None
        ui.noiseAutomaticCheckBox.toolTip = (
            toolTip(
                _("As much noise is taken away as this scan needs: some shares are tried on a few of its slices."),
                _("Untick it to choose by a slider, from as measured to reduced."),
            )
            if usual is not None
            else toolTip(_("This model leaves the noise as it was measured."))
        )
        for widget in (ui.noiseLabel, ui.noiseSlider, ui.noiseKeptLabel, ui.noiseReducedLabel):
            widget.visible = usual is not None and not isAutomatic
        ui.noiseSlider.value = 0 if usual is None else usual if isAutomatic else parameters.noise
        ui.noiseSlider.toolTip = toolTip(
            _("How much of the noise in even tissue is taken away."), _("Among fine structures some of it stays.")
        )
        self._parameters = parameters

    def setting(self):
        """The library's word for the choice, which every model can follow."""
        share = self._share()
        return "auto" if share is None else str(share)

    def choice(self):
        """ "noise −30 %" for the header of the section; "" while it is automatic."""
        share = self._share()
        if share is None:
            return ""
        return _("noise kept") if share == 0 else _("noise \u2212{share} %").format(share=share)

    def _share(self):
        """What the user has chosen; None while it is automatic or the model has no such control."""
        noise = self._parameters.noise
        return None if noise == AUTOMATIC or models.usualNoise(self._card) is None else noise

    def _onAutomaticToggled(self, checked):
        if self._parameters is not None:
            self._parameters.noise = AUTOMATIC if checked else models.usualNoise(self._card)

    def _onValueChanged(self, value):
        if self._parameters is not None and self._share() is not None:
            self._parameters.noise = round(value)
