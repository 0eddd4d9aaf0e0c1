"""The noise control: a slider from "as measured" to "reduced", for models that have one."""

from slicer.i18n import tr as _

from ..jobs import models
from .fitted_texts import toolTip

USUAL = -1  # of the parameter: what the model's card says


class NoisePanel:
    """Binds the slider to the parameter ``noise``, which only a choice of the user's changes."""

    def __init__(self, ui):
        self._ui = ui
        self._parameters = None
        self._card = {}
        ui.noiseSlider.connect("valueChanged(double)", self._onValueChanged)

    def refresh(self, parameters, card):
        """Show what the chosen model (its card, {} if there is none) makes of the parameter."""
        self._parameters, self._card = parameters, card
        usual, slider = models.usualNoise(card), self._ui.noiseSlider
        hasControl = usual is not None
        for widget in (self._ui.noiseLabel, slider, self._ui.noiseKeptLabel, self._ui.noiseReducedLabel):
            widget.enabled = hasControl
        self._parameters = None  # what follows is no choice of the user's
        slider.value = self._share(parameters.noise) or 0
        self._parameters = parameters
        slider.toolTip = (
            toolTip(
                _("How much of the noise in even tissue is taken away; {usual} % is usual.").format(usual=usual),
                _("Among fine structures some of it stays."),
            )
            if hasControl
            else toolTip(_("This model leaves the noise as it was measured."))
        )

    def setting(self):
        """The library's word for the choice, which every model can follow."""
        share = self._share(self._parameters.noise)
        return "auto" if share is None or self._parameters.noise == USUAL else str(share)

    def choice(self):
        """ "noise 30 %" for the header of the section; "" for what is usual."""
        share = self._share(self._parameters.noise)
        if share is None or share == models.usualNoise(self._card):
            return ""
        return _("noise as measured") if share == 0 else _("noise reduced by {share} %").format(share=share)

    def _share(self, noise):
        usual = models.usualNoise(self._card)
        return usual if usual is None or noise == USUAL else noise

    def _onValueChanged(self, value):
        if self._parameters is not None and self._share(self._parameters.noise) is not None:
            share = round(value)
            self._parameters.noise = USUAL if share == models.usualNoise(self._card) else share
