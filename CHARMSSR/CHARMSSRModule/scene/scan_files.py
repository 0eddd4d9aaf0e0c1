"""What the file of a volume says beside its voxels: which file it is, and where it puts the volume."""

import os
from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from .geometry import ijkToRasOfNode


def fileOf(node):
    """Path of the file that a volume was read from while it is as it was read; of a DICOM series its first image.

    "" where there is none, or none on this computer.
    """
    uid = ((node.GetAttribute("DICOM.instanceUIDs") or "").split() or [""])[0]
    database = getattr(slicer, "dicomDatabase", None)
    if uid:
        path = database.fileForInstance(uid) if database is not None else ""
    else:
        storage = node.GetStorageNode()
        path = storage.GetFullNameFromFileName() if storage is not None and not node.GetModifiedSinceRead() else ""
    return path if path and os.path.isfile(path) else ""


def formsSentence(node):
    """What it means that the two geometries of a NIfTI file differ; "" where they don't."""
    from CHARMSSRLib.files.nifti_geometry import nifti_forms

    path = fileOf(node)
    forms = nifti_forms(Path(path)) if path else None
    size = node.GetImageData().GetDimensions() if node.GetImageData() is not None else (1, 1, 1)
    if forms is None or not forms.difference("", size):
        return ""
    matrices = forms.matrices()
    shown = ijkToRasOfNode(node)
    unit = np.diag([forms.unit] * 3 + [1])
    taken = min(matrices, key=lambda name: _distance(unit @ matrices[name], shown, size))
    mirrored = np.linalg.det(matrices["sform"][:3, :3]) * np.linalg.det(matrices["qform"][:3, :3]) < 0
    sentence = _(
        "The file states two positions, {distance} mm apart: Slicer takes its {form}, and so does the result; other "
        "programs may take the other one."
    ).format(distance=f"{forms.distance(size):.3g}", form=taken)
    if mirrored:
        sentence += " " + _("One is the mirror image of the other: check left and right.")
    return sentence


def _distance(one, other, size):
    corners = np.array([[i, j, k, 1] for i in (0, size[0] - 1) for j in (0, size[1] - 1) for k in (0, size[2] - 1)])
    return np.linalg.norm((corners @ (one - other).T)[:, :3], axis=1).max()
