"""What the panel and the legend call the maps, and what each one shows."""

from slicer.i18n import tr as _

# In this order they are listed. Those of a newer worker are shown under their own names, after these.
KNOWN = ("detail", "removed", "disagreement", "variability")


def mapTitle(name):
    """Item of the list of maps, and title of the legend."""
    return {
        "detail": _("Added detail"),
        "removed": _("Removed"),
        "disagreement": _("Disagreement of the planes"),
        "variability": _("Variability"),
    }.get(name, name)


def mapExplanation(name):
    """One sentence: what the colours mean, and no more than the maps were measured to tell.

    Variability and disagreement rank the errors of regions; added detail ranks none (docs/studies/whole-volumes.md).
    """
    return {
        "detail": _(
            "Detail finer than the scan itself could show, right or wrong: orange made brighter, blue made darker."
        ),
        "removed": _(
            "What the scan shows and the result does not, mostly noise: orange was taken where it made the "
            "scan brighter, blue where it made it darker."
        ),
        "disagreement": _(
            "How far the three slice directions differ: the brighter a region, the larger its error tends to be."
        ),
        "variability": _(
            "How much the result changes when the scan is mirrored or turned first: the brighter a "
            "region, the larger its error tends to be."
        ),
    }.get(name, "")


def isSigned(name):
    """True for a map whose values lie on both sides of zero."""
    return name in ("detail", "removed")
