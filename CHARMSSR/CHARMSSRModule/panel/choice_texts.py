"""What the choices of the panel mean for the chosen volume, in one sentence each."""

from slicer.i18n import tr as _

from .fitted_texts import toolTip


def explainChoices(ui, parameters):
    """Tool tips of the lists that don't depend on the volume."""
    ui.dataConsistencyComboBox.toolTip = toolTip(
        _("What is done about the distance between result and scan."),
        consistencyExplanation(parameters.dataConsistency.value),
    )
    ui.resolutionComboBox.toolTip = toolTip(
        _("From which pixels the scan is enhanced."), resolutionExplanation(parameters.resolution.value)
    )


def planesExplanation(planes, isotropic):
    """Sentence under the list of slices.

    Args:
        planes: the library's word.
        isotropic: whether the voxels of the input are about cubes.
    """
    if planes == "three":
        return (
            _(
                "All three directions, fused: sharper along every axis and without steps between slices; it takes "
                "about three times as long."
            )
            if isotropic
            else _(
                "These slices are thick: the result gets nearly cubic voxels, with some detail between slices and "
                "the rest interpolated; it takes about three times as long."
            )
        )
    return {
        "acquisition": _(
            "The slices as they were scanned: the published way and the fastest; steps between slices may "
            "show in the other views."
        ),
        "axial": _("Axial slices, however the scan was made: the head-foot axis keeps its resolution."),
        "coronal": _("Coronal slices, however the scan was made: the front-back axis keeps its resolution."),
        "sagittal": _("Sagittal slices, however the scan was made: the left-right axis keeps its resolution."),
    }[planes]


def consistencyExplanation(mode):
    """Sentence under the list of what is done about the distance between result and scan."""
    return {
        "report": _("The result, brought back to the scan's resolution, is compared with the scan and left as it is."),
        "project": _("The result is corrected until, at the scan's resolution, it equals the scan with all its noise."),
        "none": _("Nothing is compared: no figure will say how far the result departs from the scan."),
    }[mode]


def mapsExplanation(planes, isotropic):
    """Sentence under the maps' check box."""
    if planes != "three":
        return _(
            "Adds two colour maps: the added detail, and how much the result varies when slices are mirrored or "
            "turned; it takes about four times as long."
        )
    if isotropic:
        return _("Adds two colour maps: the added detail, and how far the three directions disagree.")
    return _("Adds a colour map of the added detail.")


def resolutionExplanation(resolution):
    """Sentence about the pixels that a scan is enhanced from."""
    return {
        "auto": _(
            "Where the scanner has interpolated the pixels, the scan is enhanced from those that were measured; "
            "any other scan from its own."
        ),
        "stated": _("From the pixels that the file states, measured or not."),
    }[resolution]


def qualityExplanation():
    """Sentence about the mean over copies of each slice."""
    return _(
        "Each slice is also computed mirrored and turned, and the mean is taken: a little nearer to the truth, in "
        "about four times the time. With maps of slices the result is this mean anyway."
    )
