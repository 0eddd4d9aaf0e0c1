"""What the header of a folded section says about the choices inside it."""

from slicer.i18n import tr as _

from .report_text import backendTitle


def modelChoice(title, noise, bestQuality):
    """ "x2, routine scans (default)", or what differs from the defaults: "x2, routine scans, noise −30 %".

    ``title(markDefault)`` gives the model's name.
    """
    others = [part for part in (noise, _("best quality") if bestQuality else "") if part]
    return ", ".join([title(not others), *others])


def slicesChoice(planes, maps, resolution):
    """ "As acquired", "All three, fused, with maps", "As acquired, stated pixels"."""
    parts = [planes.label()]
    if resolution.value == "stated":
        parts.append(_("stated pixels"))
    if maps:
        parts.append(_("with maps"))
    return ", ".join(parts)


def preprocessingChoice(parameters, backends):
    """ "N4, built-in mask"; ``backends`` are those that the worker has, the best one first."""
    parts = [_("N4") if parameters.biasCorrection else _("no N4")]
    if parameters.biasCorrection and parameters.restoreBias:
        parts = [_("N4, put back")]
    mask = parameters.maskNode
    if mask is not None:
        parts.append(_("mask {name}").format(name=mask.GetName()))
    elif parameters.skullStrip == "none":
        parts.append(_("no mask"))
    else:
        name = backends[0] if parameters.skullStrip == "auto" and backends else parameters.skullStrip
        parts.append(_("automatic mask") if name == "auto" else _("{backend} mask").format(backend=backendTitle(name)))
    if parameters.keepSkull:
        parts.append(_("whole head"))
    return ", ".join(parts)


def advancedChoice(parameters, machine):
    """What differs from the defaults; "all automatic" where nothing does. ``machine``: engine and device chosen."""
    parts = []
    if parameters.outputVolume is not None:
        parts.append(_("into {name}").format(name=parameters.outputVolume.GetName()))
    if parameters.dataConsistency.value != "report":
        parts.append(parameters.dataConsistency.label())
    parts += machine
    return ", ".join(parts) or _("all automatic")
