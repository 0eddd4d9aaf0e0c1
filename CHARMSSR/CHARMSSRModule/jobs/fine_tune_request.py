"""What has to hold before a fine-tuning can start, and what the worker is told."""

import os
from pathlib import Path

from slicer.i18n import tr as _

from ..scene.input_checks import reasonAgainstFile, reasonAgainstVoxels
from ..scene.pair_input_checks import reasonAgainstPair
from . import models
from .keywords import settingsFromKeywords
from .machine_settings import machineSetting


def folderOfNewCheckpoints():
    """Folder that new checkpoints are written to (Path)."""
    from CHARMSSRLib.checkpoints import registry as checkpoint_registry

    models.useCheckpointFolder()
    return Path(checkpoint_registry.user_checkpoint_folder())


def reasonAgainstName(name):
    """Reason not to give a new checkpoint this name."""
    from CHARMSSRLib.checkpoints import registry as checkpoint_registry
    from CHARMSSRLib.errors import SettingsError
    from CHARMSSRLib.settings import FineTuningSettings

    if not name.strip():
        return _("Give the new model a name.")
    try:
        FineTuningSettings(name=name)
    except SettingsError as error:
        return str(error)
    if (checkpoint_registry.BUNDLED_FOLDER / f"{name}.json").exists():
        return _("{name} is a model that comes with the extension: choose another name.").format(name=name)
    if _exists(name) and not canGoOn(name):
        return _(
            "There is a model {name} already, which is not overwritten: choose another name, {free} is free."
        ).format(name=name, free=freeName(name))
    return ""


def canGoOn(name):
    """Whether an unfinished fine-tuning of this name is there, which the same pairs and settings would continue."""
    from CHARMSSRLib.fine_tuning.work_folder import work_folder_of

    return bool(name) and work_folder_of(name, str(folderOfNewCheckpoints())).is_dir()


def freeName(name):
    """The name with the first number that makes it a new one."""
    number = 2
    while _exists(f"{name}-{number}"):
        number += 1
    return f"{name}-{number}"


def _exists(name):
    weights = folderOfNewCheckpoints() / f"{name}.safetensors"
    return weights.exists() or weights.with_suffix(".json").exists()


def reasonAgainstFolder():
    """Reason that the folder for the new checkpoint gives."""
    folder = folderOfNewCheckpoints()
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    if place.is_dir() and os.access(place, os.W_OK):
        return ""
    return _("The folder for own models, {folder}, cannot be written: choose another one under Advanced.").format(
        folder=folder
    )


def reasonAgainstList(pairs):
    """Reason not to start with these ScanPairs, by what the nodes show at once."""
    if not pairs:
        return _("Add a pair first: a 3T and a 7T scan of the same person.")
    for number, pair in enumerate(pairs, start=1):
        reason = reasonAgainstPair(pair, pairs[: number - 1])
        if reason:
            return _("Pair {number} ({title}): {reason}").format(number=number, title=pair.title, reason=reason)
    return ""


def reasonAgainstContents(pairs):
    """Reason that needs a look at every voxel or at a file's header."""
    for number, pair in enumerate(pairs, start=1):
        for node in (pair.image3T, pair.image7T):
            reason = reasonAgainstFile(node) or reasonAgainstVoxels(node)
            if reason:
                return _("Pair {number} ({title}): {reason}").format(number=number, title=pair.title, reason=reason)
    return ""


def settingsForWorker(name, checkpoint=None, keywords=(), settings=None):
    """The worker's settings; what is not named is left to this computer's settings or the library's defaults.

    Args:
        keywords: dict of settings in Slicer's spelling.
        settings: ``FineTuningSettings`` that they start from.

    Raises:
        TypeError: a keyword that is no setting.
        ValueError: a value that does not exist.
    """
    from CHARMSSRLib.settings import FineTuningSettings

    precision = machineSetting("Precision")
    defaults = {
        "checkpoint": models.defaultModel(),
        "device": machineSetting("Device"),
        "precision": "auto" if precision == "float16" else precision,  # training loses small gradients in float16
    }
    keywords = {
        **dict(keywords),
        "name": name,
        "folder": str(folderOfNewCheckpoints()),
        "checkpoint": checkpoint or None,
    }
    values = settingsFromKeywords(FineTuningSettings, keywords, settings, defaults)
    models.modelCard(values["checkpoint"])
    return values
