"""Reads volumes; says in one sentence why one cannot be used."""

from __future__ import annotations

from pathlib import Path

import SimpleITK as sitk

from ..errors import InputError
from .dicom_header import is_dicom
from .dicom_series import read_dicom_file, read_dicom_folder
from .foreign_kinds import refuse_missing, refuse_pointer, unreadable_reason
from .header_checks import (
    complex_message,
    first_bytes,
    four_d_message,
    is_orthonormal,
    sheared_message,
    vector_message,
)
from .itk_geometry import off_right_angles_mm
from .mgh import is_mgh, mgh_spacing, read_mgh
from .minc_orientation import in_patient_coordinates, is_minc
from .native_messages import native_messages_hidden
from .nifti_geometry import nifti_spacing
from .nifti_header import parse_nifti
from .nifti_reader import read_nifti
from .raw_header import check_raw_header
from .scan import Scan
from .uni_names import is_uni_name, mark_as_uni

# Formats whose files hold no directions, or none that is read.
_WITHOUT_DIRECTIONS = {
    "VTKImageIO": "VTK", "GiplImageIO": "GIPL", "StimulateImageIO": "Stimulate", "MRCImageIO": "MRC",
    "BioRadImageIO": "Bio-Rad", "TIFFImageIO": "TIFF", "LSMImageIO": "LSM",
}  # fmt: skip
# Of these, files that do not hold the distance of the slices either.
_WITHOUT_DISTANCE = ("TIFFImageIO", "LSMImageIO", "BioRadImageIO")


def read_scan(path: Path | str, labels_allowed: bool = False, series: str = "") -> Scan:
    """Read a scan from a file, or from a folder with one DICOM series, with what else its file says.

    Args:
        path: any file that is read here, or a folder.
        labels_allowed: accept files that declare themselves label maps.
        series: number or identifier of the DICOM series to take, where a folder holds several.

    Returns:
        Scan.

    Raises:
        InputError: missing, unreadable or damaged; 4-D, RGB, vector or complex; a declared label
            map; sheared geometry (also where only the file's own header shows it); a DICOM folder
            with several series, uneven slices or a tilted gantry.
    """
    path = Path(path)
    if path.is_dir():
        scan = read_dicom_folder(path, series)
    elif path.is_file():
        scan = _read_file(path, labels_allowed)
    elif path.exists():
        raise InputError(f"{path} is neither a file nor a folder; give a volume or a folder with a DICOM series.")
    else:
        refuse_missing(path)
    if not is_orthonormal(scan.image.GetDirection()):
        raise InputError(sheared_message(path.name))
    for key in scan.image.GetMetaDataKeys():
        scan.image.EraseMetaData(key)
    if is_uni_name([path.name, *scan.names]):
        mark_as_uni(scan.image)
        scan.facts["kind"] = "UNI of MP2RAGE, by its name"
    return scan


def read_volume(path: Path | str) -> sitk.Image:
    """The image of ``read_scan``: scalar, 3-D, in the file's own pixel type, without metadata."""
    return read_scan(path).image


def read_spacing(path: Path | str) -> tuple[float, float, float] | None:
    """Voxel size (mm) along the three axes by a file's header alone; None where it does not tell.

    Raises:
        InputError: the file cannot be read as a volume, with the reason.
    """
    path = Path(path)
    start = first_bytes(path)
    if is_mgh(path):
        return mgh_spacing(start)
    nifti = parse_nifti(path, start)
    if nifti is not None:
        return nifti_spacing(nifti)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with native_messages_hidden():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise _unreadable(path) from error
    spacing = reader.GetSpacing()
    return (spacing[0], spacing[1], spacing[2]) if len(spacing) >= 3 else None


def _unreadable(path):
    reason = unreadable_reason(path) or "it is damaged, or of a format that is not known here"
    return InputError(
        f"{path.name} cannot be read as a volume: {reason}. Give a file that Slicer reads, best as NIfTI or NRRD."
    )


def _read_file(path, labels_allowed):
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty; copy or export it again.")
    start = first_bytes(path)
    refuse_pointer(path, start)
    if is_mgh(path):
        return read_mgh(path)
    nifti = parse_nifti(path, start)
    if nifti is not None:
        return read_nifti(path, nifti, labels_allowed)
    if is_dicom(path):
        return read_dicom_file(path)
    warnings = check_raw_header(path, start, labels_allowed)
    reader = sitk.ImageFileReader()
    try:
        with native_messages_hidden():
            reader.SetFileName(str(path))
            reader.ReadImageInformation()
            _check_kind(path, reader)
            image = reader.Execute()
    except (RuntimeError, MemoryError) as error:
        raise _unreadable(path) from error
    if image.GetDimension() == 4:
        image = image[:, :, :, 0]
    if "vector" in image.GetPixelIDTypeAsString():  # of one component each
        image = sitk.VectorIndexSelectionCast(image, 0)
    if is_minc(path):
        image = in_patient_coordinates(image)
    facts = {}
    kind = _WITHOUT_DIRECTIONS.get(io := reader.GetImageIO() or _io_of(path))
    if kind is not None:
        distance = f"; slices of {image.GetSpacing()[2]:g} mm were taken" if io in _WITHOUT_DISTANCE else ""
        warnings.append(
            f"{path.name} is a {kind} file, whose directions are not read: its axes were taken to point to the "
            f"patient's left, to the back and upwards{distance}. Check left and right."
        )
    off = off_right_angles_mm(image)
    if off:
        facts["axes_error_mm"] = round(off, 4)
        warnings.append(
            f"The voxel axes of {path.name} are slightly off right angles, which moves a corner of the volume by "
            f"{off:.2g} mm; programs that read the qform of a NIfTI result see them at right angles."
        )
    return Scan(image, warnings, facts=facts)


def _io_of(path):
    with native_messages_hidden():
        return sitk.ImageFileReader.GetImageIOFromFileName(str(path))


def _check_kind(path, reader):
    """Refuse by what the header says, before the voxels are read."""
    size, components = reader.GetSize(), reader.GetNumberOfComponents()
    pixel_type = reader.GetPixelID()
    if pixel_type in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64):
        raise InputError(complex_message(path.name))
    if components > 1:
        raise InputError(vector_message(path.name, components))
    if len(size) > 3 and max(size[3:]) > 1:
        raise InputError(four_d_message(path.name, max(size[3:])))
    if len(size) > 4:
        raise InputError(f"{path.name} has {len(size)} dimensions; give a 3-D volume.")
    if len(size) == 2:
        raise InputError(f"{path.name} is a single 2-D picture; give a 3-D volume.")
