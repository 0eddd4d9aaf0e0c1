"""A folder with a DICOM series as one volume, or a clear reason why not."""

from collections import Counter, namedtuple
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .header_checks import ORTHONORMAL_TOLERANCE, complex_message, vector_message
from .native_messages import native_messages_hidden
from .scan import Scan

MINIMUM_SLICES = 16
_MOST_FILES = 20000
_SPACING_TOLERANCE = 0.02
_PIXEL_DATA_TAG = b"\xe0\x7f\x10\x00"
_OTHER_MODALITIES = {"CT": "computed tomography", "PT": "PET", "NM": "nuclear medicine", "US": "ultrasound"}

# position and orientation are numpy vectors (LPS, mm), or None where the file gives none.
_Slice = namedtuple("_Slice", "path series number description modality size pixel_type components position orientation")


def read_dicom_folder(folder):
    """Read the one image series of a folder (its subfolders included).

    Where several series are there, the only one with enough images for a volume is taken (a
    localizer beside a scan does no harm); otherwise they are named and none is guessed.

    Args:
        folder: pathlib.Path of an existing folder.

    Returns:
        3-D SimpleITK image whose slice axis points along the slices' normal.

    Raises:
        InputError: no images, several series, colour, CT, damaged files, uneven or tilted slices.
    """
    slices = _one_series(folder, _read_headers(folder))
    first = slices[0]
    if first.components > 1:
        raise InputError(vector_message(f"The series in {folder.name}", first.components))
    if first.pixel_type in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64):
        raise InputError(complex_message(f"The series in {folder.name}"))
    if len(slices) == 1:
        # An enhanced multi-frame file holds the whole volume; a lone slice is refused later for its size.
        return Scan(_read_images(folder, slices))
    slices, spacing, normal = _in_order(folder, slices)
    if first.modality in _OTHER_MODALITIES:
        raise InputError(
            f"The series in {folder.name} is {_OTHER_MODALITIES[first.modality]}; only MR can be enhanced."
        )
    image = _read_images(folder, slices)
    direction = np.column_stack([np.reshape(image.GetDirection(), (3, 3))[:, :2], normal])
    image.SetDirection(direction.ravel().tolist())
    image.SetSpacing((*image.GetSpacing()[:2], spacing))
    image.SetOrigin(slices[0].position.tolist())
    return Scan(image)


def is_dicom(path):
    """Whether a file carries DICOM's mark after the preamble."""
    try:
        with open(path, "rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _read_headers(folder):
    files = [path for path in _files_below(folder) if _may_be_dicom(path)]
    slices = []
    with native_messages_hidden():
        for path in files:
            found = _read_header(path)
            if found is not None:
                slices.append(found)
    if not slices:
        raise InputError(f"The folder {folder} holds no DICOM images; give a file or a folder with one DICOM series.")
    return slices


def _files_below(folder):
    files = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            files.append(path)
        if len(files) > _MOST_FILES:
            raise InputError(f"The folder {folder} holds more than {_MOST_FILES} files; give one with a single series.")
    return files


def _may_be_dicom(path):
    return is_dicom(path) or path.suffix.lower() in (".dcm", ".ima")


def _read_header(path):
    """One image's header; None for DICOM objects without an image (reports, DICOMDIR)."""
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        if _PIXEL_DATA_TAG in path.read_bytes():
            raise InputError(
                f"The DICOM file {path.name} is damaged or packed in a way that cannot be read; "
                "export the series again, uncompressed."
            ) from error
        return None

    def text(tag):
        return reader.GetMetaData(tag).strip(" \0") if reader.HasMetaDataKey(tag) else ""

    return _Slice(
        path=path,
        series=text("0020|000e"),
        number=text("0020|0011"),
        description=text("0008|103e"),
        modality=text("0008|0060"),
        size=reader.GetSize(),
        pixel_type=reader.GetPixelID(),
        components=reader.GetNumberOfComponents(),
        position=_vector(text("0020|0032"), 3),
        orientation=_vector(text("0020|0037"), 6),
    )


def _vector(text, count):
    try:
        numbers = np.array([float(number) for number in text.split("\\")])
    except ValueError:
        return None
    return numbers if numbers.size == count and np.isfinite(numbers).all() else None


def _one_series(folder, slices):
    series = {}
    for item in slices:
        series.setdefault(item.series, []).append(item)
    groups = list(series.values())
    if len(groups) == 1:
        return groups[0]
    volumes = [
        group
        for group in groups
        if sum(item.size[2] for item in group) >= MINIMUM_SLICES and group[0].modality not in _OTHER_MODALITIES
    ]
    if len(volumes) == 1:
        return volumes[0]
    named = "; ".join(_describe(folder, group) for group in (volumes or groups)[:6])
    more = len(volumes or groups) - 6
    named += f"; and {more} more" if more > 0 else ""
    if volumes:
        raise InputError(
            f"The folder {folder.name} holds {len(volumes)} image series ({named}); "
            "put the one to enhance in a folder of its own."
        )
    raise InputError(
        f"No series in the folder {folder.name} has the {MINIMUM_SLICES} MR slices that a volume needs ({named})."
    )


def _describe(folder, group):
    first = group[0]
    title = f' "{first.description}"' if first.description else ""
    place = first.path.parent.relative_to(folder).as_posix()
    inside = f" in {place}" if place != "." else ""
    return f"series {first.number or '?'}{title}{inside}, {len(group)} image{'s' if len(group) > 1 else ''}"


def _in_order(folder, slices):
    """Slices sorted along their normal, their distance in mm, and the normal.

    Raises:
        InputError: differing sizes or orientations, several images at one place, gaps, tilt.
    """
    name = f"The series in {folder.name}"
    if any(item.position is None or item.orientation is None for item in slices):
        raise InputError(f"{name} does not say where its slices lie; export it again with positions and orientations.")
    sizes = Counter(item.size for item in slices)
    orientation = slices[0].orientation
    if len(sizes) > 1 or any(np.abs(item.orientation - orientation).max() > ORTHONORMAL_TOLERANCE for item in slices):
        raise InputError(
            f"{name} mixes slices of different sizes or orientations (a localizer?); give one parallel stack."
        )
    normal = np.cross(orientation[:3], orientation[3:])
    normal /= np.linalg.norm(normal)
    ordered = sorted(slices, key=lambda item: float(normal @ item.position))
    places = np.array([normal @ item.position for item in ordered])
    steps = np.diff(places)
    spacing = (places[-1] - places[0]) / len(steps)
    if (steps < 1e-3).any():
        raise InputError(
            f"{name} has several images at the same place (a time series, several echoes or copies); "
            "put the ones of a single volume in a folder of their own."
        )
    across = ordered[-1].position - ordered[0].position
    if np.linalg.norm(across - normal * (normal @ across)) > ORTHONORMAL_TOLERANCE * (normal @ across):
        raise InputError(
            f"{name} was taken with a tilted gantry: each slice is shifted against the next. "
            "Resample it to a regular grid first (Slicer's DICOM import can regularize it)."
        )
    if np.abs(steps - np.median(steps)).max() > _SPACING_TOLERANCE * np.median(steps):
        raise InputError(
            f"{name} has slices missing or unevenly spaced (distances of {steps.min():.3g} to "
            f"{steps.max():.3g} mm); complete it or resample it first."
        )
    return ordered, float(spacing), normal


def _read_images(folder, slices):
    reader = sitk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames([str(Path(item.path)) for item in slices])
    if len({item.pixel_type for item in slices}) > 1:
        # Slices with rescale factors of their own come in types of their own; the first's would cut the rest.
        reader.SetOutputPixelType(sitk.sitkFloat32)
    try:
        with native_messages_hidden():
            return reader.Execute()
    except (RuntimeError, MemoryError) as error:
        raise InputError(
            f"The series in {folder.name} cannot be read: an image is damaged or packed in a way that "
            "is not known here. Export it again, uncompressed."
        ) from error
