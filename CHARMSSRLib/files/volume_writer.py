"""Writes volumes; the format follows from the name's extension."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from .. import __version__
from ..errors import OutputError
from .mgh import write_mgh
from .native_messages import native_messages_hidden
from .nifti_forms import NiftiForms
from .nifti_writer import write_nifti
from .output_files import OutputFiles, check_target

VOLUME_EXTENSIONS = (".nii.gz", ".nii", ".nrrd", ".mha", ".mgz", ".mgh")


def volume_extension(path: Path | str) -> str | None:
    """The extension of a volume's name, as one of VOLUME_EXTENSIONS; None for any other."""
    name = Path(path).name.lower()
    return next((extension for extension in VOLUME_EXTENSIONS if name.endswith(extension) and name != extension), None)


def volume_stem(path: Path | str) -> str:
    """The name of a volume's file without its extension ("scan.nii.gz" -> "scan")."""
    name = Path(path).name
    extension = volume_extension(path)
    return name[: -len(extension)] if extension else Path(name).stem


def write_volume(image: sitk.Image, path: Path | str, overwrite: bool = False, forms: NiftiForms | None = None) -> None:
    """Write a scalar 3-D image in its own pixel type; the file appears only when complete.

    Args:
        image: SimpleITK image.
        path: file whose name ends in one of VOLUME_EXTENSIONS.
        overwrite: replace an existing file.
        forms: both geometries (``Scan.forms_for``), of which NIfTI states both and MGH the one that most
            programs follow; else the image's own.

    Raises:
        OutputError: unknown extension, existing file, unwritable folder, full disk.
    """
    check_writable(path, overwrite)
    with OutputFiles(overwrite) as files:
        add_volume(files, image, path, forms)
        files.commit()


def check_writable(path: Path | str, overwrite: bool = False) -> None:
    """Make sure, before a long computation, that a volume can be written here.

    Raises:
        OutputError: unknown extension, existing file, missing or unwritable folder.
    """
    _extension_of(path)
    check_target(path, overwrite)


def add_volume(files: OutputFiles, image: sitk.Image, path: Path | str, forms: NiftiForms | None = None) -> None:
    """Add a scalar 3-D image to files that appear together.

    Args:
        files: the transaction.
        image: SimpleITK image.
        path: its final name.
        forms: as for ``write_volume``.

    Raises:
        OutputError: unknown extension, or the file could not be written completely.
    """
    extension = _extension_of(path)

    def write(temporary: Path) -> None:
        if extension in (".nii", ".nii.gz"):
            write_nifti(image, temporary, extension == ".nii.gz", f"CHARMSSR {__version__}", forms)
        elif extension in (".mgz", ".mgh"):
            write_mgh(image, temporary, extension == ".mgz", forms)
        else:
            _write_by_itk(image, temporary)

    files.add_file(write, path, extension)


def _extension_of(path):
    extension = volume_extension(path)
    if extension is None:
        raise OutputError(
            f"{Path(path).name} has no extension of a volume that can be written; use one of: "
            f"{', '.join(VOLUME_EXTENSIONS)}."
        )
    return extension


def _write_by_itk(image, path):
    with native_messages_hidden():
        sitk.WriteImage(image, str(path), True)
        # ITK may leave a shortened file behind on a full disk without saying so.
        written = sitk.ReadImage(str(path))
    if not np.array_equal(sitk.GetArrayViewFromImage(written), sitk.GetArrayViewFromImage(image), equal_nan=True):
        raise RuntimeError("the file is incomplete")
