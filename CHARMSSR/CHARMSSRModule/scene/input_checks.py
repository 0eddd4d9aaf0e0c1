"""Why a volume can't be enhanced, in a sentence; "" if it can.

What the node itself shows is told before the button is pressed (reasonAgainstNode); so is what its voxels tell
(VoxelChecks), but for images so large that the look would be felt. All is checked when it is pressed
(reasonAgainstVoxels), and again by the worker: scripts reach it directly.
"""

import os

import numpy as np
import slicer
from slicer.i18n import tr as _

from .geometry import ijkToRasOfNode, isSheared
from .result_maps import isMap


def reasonAgainstNode(node):
    """Reason that the kind, size or geometry of a node gives."""
    if node is None:
        return _("Choose an input volume: load a brain scan first, or take one from the Sample Data module.")
    if not node.IsA("vtkMRMLScalarVolumeNode"):
        return _("{name} is not a volume: choose a single 3-D volume (one frame of a sequence).").format(
            name=node.GetName()
        )
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        return _("{name} is a label map: choose the scan itself.").format(name=node.GetName())
    if node.GetClassName() != "vtkMRMLScalarVolumeNode":
        # Colour, vector, tensor, diffusion-weighted and multi-frame volumes are kinds of scalar volumes in MRML.
        return _("{name} has several values in each voxel: choose a single-channel 3-D volume.").format(
            name=node.GetName()
        )
    if isMap(node):
        return _("{name} is a map of what was added to a scan: choose the scan itself.").format(name=node.GetName())
    image = node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None:
        return _("{name} holds no image: load it again.").format(name=node.GetName())
    if image.GetNumberOfScalarComponents() != 1:
        return _("{name} has several values in each voxel: choose a single-channel 3-D volume.").format(
            name=node.GetName()
        )
    return _reasonAgainstSize(node, image) or reasonAgainstTransform(node)


def _reasonAgainstSize(node, image):
    from CHARMSSRLib.scan_limits import MINIMUM_IN_PLANE, MINIMUM_SLICES, SPACING_RANGE

    size = sorted(image.GetDimensions())
    if size[0] < MINIMUM_SLICES:
        return _("{name} has too few slices ({count}): at least {minimum} are needed.").format(
            name=node.GetName(), count=size[0], minimum=MINIMUM_SLICES
        )
    if size[1] < MINIMUM_IN_PLANE:
        return _("The slices of {name} are too small: at least {minimum} x {minimum} voxels are needed.").format(
            name=node.GetName(), minimum=MINIMUM_IN_PLANE
        )
    if isSheared(ijkToRasOfNode(node)):
        return _("The axes of {name} are not at right angles: resample it onto a straight grid first.").format(
            name=node.GetName()
        )
    spacing = node.GetSpacing()
    if min(spacing) < SPACING_RANGE[0] or max(spacing) > SPACING_RANGE[1]:
        return _("The voxels of {name} measure {size} mm, no brain scan's: correct the spacing first.").format(
            name=node.GetName(), size=" x ".join(f"{step:.4g}" for step in spacing)
        )
    return ""


def reasonAgainstTransform(node):
    """Reason that the transform above a node gives: a linear one is kept, any other can't be."""
    transform = node.GetParentTransformNode()
    if transform is not None and not transform.IsTransformToWorldLinear():
        return _("{name} is under a non-linear transform: harden it first.").format(name=node.GetName())
    return ""


def reasonAgainstOutput(outputNode, inputNode):
    """Reason not to write into a node; None stands for a new one."""
    if outputNode is None:
        return ""
    if outputNode is inputNode:
        return _("The output volume is the input volume: choose another one, or a new one.")
    if outputNode.GetClassName() != "vtkMRMLScalarVolumeNode":
        return _("{name} cannot take the result: choose a scalar volume, or a new one.").format(
            name=outputNode.GetName()
        )
    return ""


def reasonAgainstFile(node):
    """Reason that the file of a node gives, while the node is as it was read.

    ITK repairs some sheared geometries without a word, so the file's own header is read, too.
    """
    from CHARMSSRLib.errors import InputError
    from CHARMSSRLib.files.file_header import check_header

    storage = node.GetStorageNode()
    path = storage.GetFullNameFromFileName() if storage is not None else None
    if not path or node.GetModifiedSinceRead() or not os.path.isfile(path):
        return ""
    try:
        check_header(path)
    except InputError as error:
        return str(error)
    return ""


def reasonAgainstVoxels(node):
    """Reason that the voxel values give."""
    from CHARMSSRLib.scan_limits import CT_THRESHOLD

    voxels = slicer.util.arrayFromVolume(node)
    if not np.all(np.isfinite(voxels)):
        return _("{name} has voxels that are no number (NaN or infinite): repair the volume first.").format(
            name=node.GetName()
        )
    lowest, highest = voxels.min(), voxels.max()
    if lowest == highest:
        return _("Every voxel of {name} has the same value: there is nothing to enhance.").format(name=node.GetName())
    if lowest < CT_THRESHOLD:
        return _("{name} looks like a CT (values below {level}): choose an MRI.").format(
            name=node.GetName(), level=CT_THRESHOLD
        )
    return ""


class VoxelChecks:
    """Reasons that voxels give, found once for each state of an image."""

    MOST_VOXELS = 40_000_000  # about a tenth of a second

    def __init__(self):
        self._seen = (None, "")

    def reason(self, node):
        """Reason against the voxels of a node that has passed reasonAgainstNode; "" if there is none."""
        image = node.GetImageData()
        state = (node.GetID(), node.GetName(), image.GetPointData().GetScalars().GetMTime(), image.GetMTime())
        if self._seen[0] != state:
            isLarge = image.GetNumberOfPoints() > self.MOST_VOXELS
            self._seen = (state, "" if isLarge else reasonAgainstVoxels(node))
        return self._seen[1]
