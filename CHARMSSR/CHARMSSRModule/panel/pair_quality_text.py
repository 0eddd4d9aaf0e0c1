"""The worker's figures about a registered pair, for a tool tip."""

from slicer.i18n import tr as _


def qualityText(quality):
    """Rich text: a line for each figure that is there; "" if none is."""
    lines = [text.format(**quality) for keys, text in _LINES if all(quality.get(key) is not None for key in keys)]
    return "<br>".join(lines)


_LINES = (
    (("mutual_information_before", "mutual_information"),
     _("Mutual information: {mutual_information_before:.3f} before, {mutual_information:.3f} registered")),
    (("mask_overlap",), _("Overlap of the brains (Dice): {mask_overlap:.3f}")),
    (("residual_shift_mm",), _("Shift that is left: {residual_shift_mm:.2f} mm")),
    (("rotation_degrees", "translation_mm"),
     _("Moved by {translation_mm:.1f} mm and {rotation_degrees:.1f} degrees")),
)  # fmt: skip
