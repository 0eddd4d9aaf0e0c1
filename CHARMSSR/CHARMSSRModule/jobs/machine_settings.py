"""Settings of this computer, kept in Slicer's settings and not in the scene: a scene travels, a GPU doesn't."""

import qt

DEFAULTS = {"Engine": "auto", "Device": "auto", "Precision": "auto", "Batch": 0, "CheckpointFolder": ""}


def machineSetting(name):
    """Value of one of DEFAULTS as the user left it; the default where it is unset or spoiled."""
    default = DEFAULTS[name]
    value = qt.QSettings().value("CHARMSSR/" + name, default)
    try:
        return type(default)(value)
    except (TypeError, ValueError):
        return default


def setMachineSetting(name, value):
    """Remember one of DEFAULTS."""
    qt.QSettings().setValue("CHARMSSR/" + name, type(DEFAULTS[name])(value))


def chosenCheckpointFolder():
    """Folder of the user's own checkpoints that Slicer's settings name, or "" for the usual place."""
    return machineSetting("CheckpointFolder")
