"""Which texts of the panel are wrapped whole, and which lists end what is too long in dots."""

from .fitted_texts import FittedTexts

_WRAPPED = ("notice", "grid", "scan", "scanWarning", "modelDescription", "device")
_LISTS = ("checkpoint", "planes", "resolution", "skullStrip", "dataConsistency", "engine", "device", "precision")


def fittedTextsOf(ui):
    """The FittedTexts of the main panel."""
    fitted = FittedTexts()
    fitted.keepWhole(*(getattr(ui, name + "Label") for name in _WRAPPED))
    fitted.keepElided(*(getattr(ui, name + "ComboBox") for name in _LISTS))
    return fitted
