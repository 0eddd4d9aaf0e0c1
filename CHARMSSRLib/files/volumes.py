"""Reads and writes volumes; says in one sentence why one cannot be used."""

import contextlib
import shutil
import tempfile
from pathlib import Path

import SimpleITK as sitk

from ..errors import InputError, OutputError
from .dicom_series import is_dicom, read_dicom_folder
from .header_checks import complex_message, four_d_message, is_orthonormal, sheared_message, vector_message
from .native_messages import native_messages_hidden
from .output_files import VOLUME_EXTENSIONS, OutputFiles, check_target, volume_extension
from .raw_header import check_raw_header, unreadable_reason


def read_volume(path):
    """Read a scan from a file, or from a folder with one DICOM series.

    Args:
        path: any file that SimpleITK reads, or a folder.

    Returns:
        Scalar 3-D SimpleITK image in the file's own pixel type, without metadata.

    Raises:
        InputError: missing, unreadable or damaged; 4-D, RGB, vector or complex; a declared label
            map; sheared geometry (also where only the file's own header shows it); a DICOM folder
            with several series, uneven slices or a tilted gantry.
    """
    return _read(Path(path), labels_allowed=False)


def read_mask(path):
    """Read a mask: like read_volume, but label maps are welcome."""
    return _read(Path(path), labels_allowed=True)


def write_volume(image, path, overwrite=False):
    """Write a scalar 3-D image in its own pixel type; the file appears only when complete.

    Args:
        image: SimpleITK image.
        path: file whose name ends in .nii.gz, .nii, .nrrd or .mha.
        overwrite: replace an existing file.

    Raises:
        OutputError: unknown extension, existing file, unwritable folder, full disk.
    """
    check_writable(path, overwrite)
    with OutputFiles(overwrite) as files:
        files.add_volume(image, path)
        files.commit()


def check_writable(path, overwrite=False):
    """Make sure, before a long computation, that a volume can be written here.

    Raises:
        OutputError: unknown extension, existing file, missing or unwritable folder.
    """
    if volume_extension(path) is None:
        raise OutputError(
            f"{Path(path).name} has no extension of a volume that can be written; use one of: "
            f"{', '.join(VOLUME_EXTENSIONS)}."
        )
    check_target(path, overwrite)


def _read(path, labels_allowed):
    if path.is_dir():
        image = read_dicom_folder(path)
    elif path.is_file():
        image = _read_file(path, labels_allowed)
    elif path.exists():
        raise InputError(f"{path} is neither a file nor a folder; give a volume or a folder with a DICOM series.")
    else:
        raise InputError(f"There is no file or folder {path}; check the name.")
    if not is_orthonormal(image.GetDirection()):
        raise InputError(sheared_message(path.name))
    for key in image.GetMetaDataKeys():
        image.EraseMetaData(key)
    return image


def _read_file(path, labels_allowed):
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty; copy or export it again.")
    check_raw_header(path, labels_allowed)
    reader = sitk.ImageFileReader()
    try:
        with _under_unambiguous_name(path) as readable, native_messages_hidden():
            reader.SetFileName(str(readable))
            reader.ReadImageInformation()
            _check_kind(path, reader)
            image = reader.Execute()
    except (RuntimeError, MemoryError) as error:
        reason = unreadable_reason(path) or "it is damaged, or of a format that is not known here"
        raise InputError(
            f"{path.name} cannot be read as a volume: {reason}. Give a file that Slicer reads, best as NIfTI or NRRD."
        ) from error
    if image.GetDimension() == 4:
        image = image[:, :, :, 0]
    return image


@contextlib.contextmanager
def _under_unambiguous_name(path):
    """A name under which ITK reads the file that was asked for.

    Asked for scan.nii.gz, ITK takes its voxels from a scan.nii beside it
    (https://github.com/InsightSoftwareConsortium/ITK/issues/2243), and it trusts a name that denies
    the compression. In both cases the file is read through a folder of its own.
    """
    name = path.name
    has_twin = name.lower().endswith(".nii.gz") and path.with_suffix("").exists()
    misnamed = name.lower().endswith(".nii") and _is_gzip(path)
    if not (has_twin or misnamed):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="charmssr-") as folder:
        stand_in = Path(folder) / "volume.nii.gz"
        try:
            stand_in.symlink_to(path.resolve())
        except OSError:
            # Windows grants links to few users.
            shutil.copyfile(path, stand_in)
        yield stand_in


def _is_gzip(path):
    with open(path, "rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


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
    if size[2] == 1 and is_dicom(path):
        raise InputError(f"{path.name} is a single DICOM slice; give the folder that holds the whole series.")
