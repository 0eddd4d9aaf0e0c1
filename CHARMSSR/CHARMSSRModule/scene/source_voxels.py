"""Whether the scan that a result was made from still holds the same voxels.

A volume of a sequence shows another frame from one moment to the next, and filters write into volumes: a comparison
with such a scan would tell differences that the network never made.
"""

import zlib

import numpy as np
import slicer

SOURCE_VOXELS = "CHARMSSR.SourceVoxels"  # attribute of a result: fingerprint of its source
_MOST = 1_000_000  # voxels that are looked at
_known = {}  # ID of a volume -> (state of its image, fingerprint)


def fingerprint(volumeNode):
    """Text that changes when size or voxels of a volume do; of a large volume some of its voxels count."""
    image = volumeNode.GetImageData()
    state = (image.GetMTime(), image.GetPointData().GetScalars().GetMTime())
    if _known.get(volumeNode.GetID(), (None, None))[0] != state:
        voxels = slicer.util.arrayFromVolume(volumeNode)
        # A step that is no divisor of the rows' length: else the same columns would be looked at in each row.
        flat = voxels.reshape(-1)[:: max(1, voxels.size // _MOST) | 1]
        checksum = zlib.crc32(np.ascontiguousarray(flat).astype(np.float32).tobytes())
        _known[volumeNode.GetID()] = state, f"{voxels.shape} {checksum:08x}"
    return _known[volumeNode.GetID()][1]


def sourceHasChanged(resultNode, sourceNode):
    """True if the source of a result shows other voxels than those that were enhanced; unknown is False."""
    kept = resultNode.GetAttribute(SOURCE_VOXELS)
    if not kept or sourceNode is None or sourceNode.GetImageData() is None:
        return False
    return fingerprint(sourceNode) != kept
