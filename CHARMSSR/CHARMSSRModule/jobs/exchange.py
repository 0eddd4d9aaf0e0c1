"""Files that the worker and Slicer share during one job."""

import os
import shutil
import tempfile

import numpy as np
import slicer
from slicer.i18n import tr as _

from ..errors import JobError
from ..scene.geometry import gridFromIjkToRas, ijkToRasOfNode


class JobFolder:
    """Temporary folder of one job; the one who made it removes it."""

    def __init__(self):
        parent = slicer.app.temporaryPath
        self.path = tempfile.mkdtemp(prefix="CHARMSSR-", dir=parent if os.path.isdir(parent) else None)

    def writeVolume(self, volumeNode, fileName):
        """Save the voxels of a node; the image part of a run message."""
        return self.writeArray(
            slicer.util.arrayFromVolume(volumeNode), gridFromIjkToRas(ijkToRasOfNode(volumeNode)), fileName
        )

    def writeArray(self, voxels, grid, fileName):
        """Save voxels (k, j, i) on a grid; an image part of a run message."""
        try:
            np.save(os.path.join(self.path, fileName), np.ascontiguousarray(voxels))
        except OSError as error:
            raise JobError(
                _(
                    "The temporary folder {folder} cannot be written ({reason}): free some space, or choose another "
                    "one in the application settings."
                ).format(folder=self.path, reason=error.strerror or error),
                kind="OutputError",
            ) from error
        return {"array": fileName, **grid}

    def openArray(self, voxels, grid, fileName):
        """Make room for voxels that are written piece by piece; (memory map to fill, the image part)."""
        path = os.path.join(self.path, fileName)
        return np.lib.format.open_memmap(path, "w+", voxels.dtype, voxels.shape), {"array": fileName, **grid}

    def readArray(self, image):
        """Memory-mapped voxels (k, j, i) of an image part of a result message."""
        return np.load(os.path.join(self.path, os.path.basename(image["array"])), mmap_mode="r")

    def remove(self):
        """Delete the folder with all that is in it; what is gone already is fine."""
        shutil.rmtree(self.path, ignore_errors=True)
