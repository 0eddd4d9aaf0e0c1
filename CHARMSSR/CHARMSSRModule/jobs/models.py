"""The checkpoints that can be chosen, in words. Reads model cards only; weights stay with the worker."""

import os
from html import escape

from slicer.i18n import tr as _

from .machine_settings import chosenCheckpointFolder

HOME_VARIABLE = "CHARMSSR_HOME"
_homeOutside = os.environ.get(HOME_VARIABLE)  # as Slicer was started


_read = (None, [])  # what the folders held, and the cards that were read then


def availableModels():
    """Cards (dictionaries with at least "name") of all checkpoints, bundled ones first; unreadable ones left out.

    The panel asks at every change: files are read again only when a folder holds something else than before.
    """
    global _read
    from CHARMSSRLib.checkpoints import registry as checkpoint_registry

    useCheckpointFolder()
    held = [_contents(checkpoint_registry.BUNDLED_FOLDER), _contents(checkpoint_registry.user_checkpoint_folder())]
    if held != _read[0]:
        _read = (held, _readModels(checkpoint_registry))
    return list(_read[1])


def _contents(folder):
    """Name, size and time of each file of a folder, and which folder it is."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in entries]
    except OSError:
        found = []
    return str(folder), sorted(found)


def _readModels(checkpoint_registry):
    cards = []
    for name in checkpoint_registry.available_checkpoints():
        try:
            cards.append({**checkpoint_registry.read_card(name), "name": name})
        except Exception as error:  # a damaged card of the user's must not hide the others
            cards.append({"name": name, "summary": str(error), "unreadable": True})
    titles = [card.get("title") for card in cards]
    for card in cards:
        if card.get("title") and titles.count(card["title"]) > 1:
            card["title"] = "{}: {}".format(card["title"], card["name"])
    return cards


AUTOMATIC = "auto"  # the library's word for a checkpoint that is chosen by what the scan measured


def automaticModels():
    """A card in a list for the automatic choice, if this library offers one: the default's, which has its scale."""
    from CHARMSSRLib.settings import EnhancementSettings
    from CHARMSSRLib.settings_table import settings_of

    described, _default = settings_of(EnhancementSettings)["checkpoint"]
    usual = next((card for card in availableModels() if card["name"] == defaultModel()), None)
    if usual is None or usual.get("unreadable") or AUTOMATIC not in (described.metavar or "").split("|"):
        return []
    summary = _("Takes the model that suits the scan, by what it really measured.")
    return [{**usual, "name": AUTOMATIC, "title": _("Automatic, by the scan"), "summary": summary}]


def modelCard(nameOrPath):
    """Card of one checkpoint; ValueError with a sentence if there is none."""
    from CHARMSSRLib.checkpoints import registry as checkpoint_registry
    from CHARMSSRLib.errors import CHARMSSRError

    useCheckpointFolder()
    try:
        return checkpoint_registry.read_card(nameOrPath)
    except CHARMSSRError as error:
        raise ValueError(str(error)) from error


def defaultModel():
    """Name of the checkpoint that the button takes unless told otherwise; "" if there is none at all."""
    from CHARMSSRLib.settings import DEFAULT_CHECKPOINT

    names = [card["name"] for card in availableModels() if not card.get("unreadable")]
    return DEFAULT_CHECKPOINT if DEFAULT_CHECKPOINT in names or not names else names[0]


def isSevenTeslaLike(card):
    """True if the checkpoint has learnt from 7T scans, and may say "7T-like"."""
    return bool(card.get("seen_7t"))


def usualNoise(card):
    """Percent of the noise that a checkpoint's control starts from; None if it has no such control."""
    control = card.get("noise_control")
    return int(control["default"]) if control else None


# What the bundled models were trained for, by the one degradation that their cards name.
_PURPOSES = {"clinical": _("routine scans"), "bicubic": _("the paper's protocol")}


def modelTitle(card, markDefault=True):
    """Line of the model list: short enough for a narrow dock."""
    purpose = _PURPOSES.get((card.get("degradations") or [""])[0]) if not isSevenTeslaLike(card) else None
    if purpose is None or card.get("unreadable") or not card["name"].startswith("charms-x"):
        return card.get("title") or card["name"]
    title = _("x{scale}, {purpose}").format(scale=card.get("scale", 2), purpose=purpose)
    return _("{title} (default)").format(title=title) if markDefault and card["name"] == defaultModel() else title


def resultKind(card):
    """What a result of the checkpoint may be called."""
    return _("7T-like") if isSevenTeslaLike(card) else _("super-resolved")


def modelClaim(card):
    """Sentence: what the result may be called, and why."""
    if isSevenTeslaLike(card):
        return _("7T-like: this model was fine-tuned on pairs of 3T and 7T scans.")
    return _("Super-resolved: this model has not seen 7T scans; it sharpens, but imitates no 7T contrast.")


def modelDescription(card):
    """One rich line under the model list."""
    claim = (
        _("<b>7T-like.</b> From 3T and 7T pairs.")
        if isSevenTeslaLike(card)
        else _("<b>Super-resolved.</b> No 7T contrast.")
    )
    return claim + (" " + escape(_("Preliminary.")) if card.get("preliminary") else "")


def useCheckpointFolder():
    """Let the library look where Slicer's settings say, or else where it would without them."""
    folder = chosenCheckpointFolder() or _homeOutside
    if folder:
        os.environ[HOME_VARIABLE] = folder
    else:
        os.environ.pop(HOME_VARIABLE, None)
