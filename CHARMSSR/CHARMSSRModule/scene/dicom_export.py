"""A result goes back as a DICOM series under the study of the scan that it was made from."""

import hashlib
import shutil
import tempfile
from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from .geometry import arrayFromMatrix
from .scene_results import reportOf, sourceOf

# Slicer's DICOM reader notes here which images a volume was loaded from.
INSTANCE_UIDS = "DICOM.instanceUIDs"
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def isFromDICOM(node):
    """Whether Slicer loaded a volume from DICOM images."""
    return node is not None and bool(node.GetAttribute(INSTANCE_UIDS))


def reasonNotToExport(node):
    """Sentence why a node can't be written as a derived DICOM series, "" if it can."""
    source = sourceOf(node)
    if source is None or not reportOf(node).get("checkpoint"):
        return _("Choose a result of this module whose input volume is still in the scene.")
    if not isFromDICOM(source):
        return _(
            "{name} was not loaded from DICOM, so patient and study are unknown: save the result as a volume file."
        ).format(name=source.GetName())
    if len(_filesOf(source)) == 0:
        return _("The DICOM images of {name} are no longer in Slicer's DICOM database: import them again.").format(
            name=source.GetName()
        )
    return ""


def exportSeries(node, folder=None, seriesOffset=None, mark=False):
    """Write a result as DICOM images under its source's study; the paths of the images.

    Parent transforms don't count: the series lies where the scanner saw it.

    Args:
        node: a result.
        folder: new or empty folder; None for Slicer's DICOM database.

    Raises:
        ValueError: why it can't be written.
    """
    from CHARMSSRLib.errors import CHARMSSRError

    reason = reasonNotToExport(node)
    if reason:
        raise ValueError(reason)
    try:
        if folder is not None:
            return _write(node, Path(folder), seriesOffset, mark)
        temporary = tempfile.mkdtemp(prefix="CHARMSSR-", dir=slicer.app.temporaryPath)
        try:
            paths = _write(node, Path(temporary) / "series", seriesOffset, mark)
            return _import(paths)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except CHARMSSRError as error:
        raise ValueError(str(error)) from error


def _write(node, folder, seriesOffset, mark):
    from CHARMSSRLib.dicom.series_folder import check_series_folder
    from CHARMSSRLib.dicom.series_writer import SERIES_OFFSET, derived_series
    from CHARMSSRLib.dicom.source import match_source
    from CHARMSSRLib.files.output_files import OutputFiles

    source = sourceOf(node)
    files = _filesOf(source)
    check_series_folder(folder, Path(files[0]).parent)
    report = reportOf(node)
    # Reports of early versions don't tell the scale.
    scale = round(max(before / after for before, after in zip(source.GetSpacing(), node.GetSpacing())))
    report["checkpoint"] = {"scale": scale, **report["checkpoint"]}
    voxels = slicer.util.arrayFromVolume(node)
    series = derived_series(
        _image(node),
        match_source(files, _image(source)),
        report,
        report.get("settings", {}),
        float(slicer.util.arrayFromVolume(source).min()),
        offset=SERIES_OFFSET if seriesOffset is None else seriesOffset,
        marked=mark,
        # The scene doesn't hold all that a result depends on, but it holds the result.
        extra=hashlib.sha256(np.ascontiguousarray(voxels).tobytes()).hexdigest(),
    )
    with OutputFiles() as output:
        output.add_tree(series.write, folder)
        output.commit()
    return sorted(str(path) for path in folder.glob("*.dcm"))


def _import(paths):
    """Copy a series into Slicer's DICOM database; the paths of its images there."""
    import pydicom
    from DICOMLib import DICOMUtils

    uids = [str(pydicom.dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID) for path in paths]
    DICOMUtils.importDicom(str(Path(paths[0]).parent), slicer.dicomDatabase, copyFiles=True)
    found = [slicer.dicomDatabase.fileForInstance(uid) for uid in uids]
    if not all(found):
        raise ValueError(_("Slicer's DICOM database did not take the series: is its folder writable?"))
    return found


def _filesOf(source):
    uids = (source.GetAttribute(INSTANCE_UIDS) or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    files = [database.fileForInstance(uid) for uid in uids] if database is not None else []
    return files if files and all(files) else []


def _image(node):
    """A volume node as a SimpleITK image in the scanner's coordinates."""
    import SimpleITK as sitk
    import vtk

    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    lps = _RAS_TO_LPS @ arrayFromMatrix(matrix)
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image = sitk.GetImageFromArray(np.ascontiguousarray(slicer.util.arrayFromVolume(node)))
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    return image
