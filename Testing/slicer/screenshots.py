"""Photographs of the application's window for the workflow's artifacts."""

import os

import slicer


def photograph(name):
    """Save the main window as $SCREENSHOTS/<name>.png; without that variable do nothing."""
    folder = os.environ.get("SCREENSHOTS")
    if not folder:
        return
    os.makedirs(folder, exist_ok=True)
    slicer.util.delayDisplay("", autoCloseMsec=500)  # lets the views draw what they were told
    path = os.path.join(folder, f"{name}.png")
    if not slicer.util.mainWindow().grab().save(path):
        raise OSError(f"The picture could not be written to {path}.")
