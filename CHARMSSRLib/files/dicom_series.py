"""DICOM images as one volume, or a clear reason why not.

A series is a list of frames, whether they come from one file each or from one multi-frame file: the
same checks and the same geometry serve both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from ..errors import InputError
from ..scan_limits import MINIMUM_SLICES
from .absent_files import absence, absent_below
from .dicom_frame import Frame
from .dicom_frames import read_frames
from .dicom_geometry import stack_of
from .dicom_header import is_dicom
from .dicom_pixels import read_pixels, without_padding
from .header_checks import complex_message, vector_message
from .scan import Scan
from .walk import folders_below

_MOST_FILES = 20000
_OTHER_MODALITIES = {"CT": "computed tomography", "PT": "PET", "NM": "nuclear medicine", "US": "ultrasound"}
_PHASE = ("P", "PHASE", "PHASE MAP")

__all__ = [
    "Series",
    "read_dicom_file",
    "read_dicom_folder",
    "read_series",
    "series_from",
    "series_of",
]


@dataclass(frozen=True)
class Series:
    """The images of one series.

    Attributes:
        frames: as they were found.
        split: whether it had to be put together from series of one image each.
    """

    frames: tuple[Frame, ...]
    split: bool = False

    @property
    def is_volume(self) -> bool:
        """Whether it has enough images, and may be MR."""
        return len(self.frames) >= MINIMUM_SLICES and self.frames[0].modality not in _OTHER_MODALITIES

    @property
    def is_own_result(self) -> bool:
        """Whether this program made it (its type of image says so)."""
        return "CHARMS" in self.frames[0].traits.get("image type", "").upper().split("\\")

    @property
    def files(self) -> tuple[Path, ...]:
        """Its files, each once."""
        return tuple(dict.fromkeys(frame.path for frame in self.frames))

    def describe(self, folder: Path) -> str:
        """Number, description, place and count, for a message."""
        first = self.frames[0]
        title = f' "{first.description}"' if first.description else ""
        try:
            place = first.path.parent.relative_to(folder).as_posix()
        except ValueError:
            place = "."
        inside = f" in {place}" if place != "." else ""
        count = len(self.frames)
        return f"series {first.number or '?'}{title}{inside}, {count} image{'s' if count > 1 else ''}"


def read_dicom_folder(folder: Path, series: str = "") -> Scan:
    """Read the one image series of a folder (its subfolders included).

    Where several series are there, the only one with enough images for a volume is taken (a
    localizer beside a scan does no harm), first among those whose images lie in the folder itself;
    otherwise they are named and none is guessed.

    Args:
        folder: an existing folder.
        series: identifier (SeriesInstanceUID) or number of the one to take; "" where there is one.

    Returns:
        Scan whose image's slice axis points along the slices' normal.

    Raises:
        InputError: no images, several series, colour, CT, damaged files, uneven or tilted slices.
    """
    absent = absent_below(folder)
    try:
        found = series_of(folder)
        if not found:
            raise InputError(
                f"The folder {folder} holds no DICOM images; give a file or a folder with one DICOM series."
            )
        scan = read_series(_chosen(folder, found, series), f"The series in {folder.name}")
    except InputError as error:
        if not absent:
            raise
        raise InputError(absence(folder, absent)) from error
    if absent:
        scan.warnings.append(f"{absence(folder, absent)} If it belongs to the series, slices are missing at an end.")
    return scan


def read_dicom_file(path: Path) -> Scan:
    """Read the volume of one multi-frame file (Enhanced MR).

    Args:
        path: a DICOM file.

    Raises:
        InputError: a single slice, no image, or frames that are not one volume.
    """
    frames = read_frames(path)
    if not frames:
        raise InputError(f"{path.name} is a DICOM object without an image; give the folder that holds the series.")
    if len(frames) == 1:
        raise InputError(f"{path.name} is a single DICOM slice; give the folder that holds the whole series.")
    return read_series(Series(tuple(frames)), path.name)


def read_series(series: Series, name: str) -> Scan:
    """The volume of one series, from classic or multi-frame files.

    Args:
        series: see ``series_of``.
        name: how messages name it ("The series in FOLDER").

    Raises:
        InputError: colour, complex numbers, CT, images of several kinds, copies, gaps, tilt, or damage.
    """
    first = series.frames[0]
    if first.components > 1:
        raise InputError(vector_message(name, first.components))
    if first.pixel_type in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64):
        raise InputError(complex_message(name))
    stack = stack_of(name, _without_copies(series.frames))
    if first.modality in _OTHER_MODALITIES:
        raise InputError(f"{name} is {_OTHER_MODALITIES[first.modality]}; only MR can be enhanced.")
    if all(_is_phase(frame) for frame in stack.frames):
        raise InputError(f"{name} holds phase images; give the magnitude series of the same scan.")
    array = read_pixels(name, stack.frames)
    facts = {}
    padded = without_padding(array, stack.frames)
    if padded:
        facts["padding_voxels"] = padded
        stack.warnings.append(
            f"{name} declares {padded:,} voxels as padding without data; they were taken as background."
        )
    if series.split:
        stack.warnings.append(
            f"Each image of {name[0].lower()}{name[1:]} states a series of its own; those with the same number, title "
            "and size were put together."
        )
    image = sitk.GetImageFromArray(array)
    image.SetSpacing([float(step) for step in stack.spacing])
    image.SetOrigin(stack.origin.tolist())
    image.SetDirection(stack.direction.ravel().tolist())
    slices = tuple((frame.path, frame.index) for frame in stack.frames)
    names = (first.description, *first.traits.get("image type", "").split("\\"))
    return Scan(image, stack.warnings, facts=facts, slices=slices, names=names)


def _is_phase(frame):
    kind = frame.traits.get("image type", "").upper().split("\\")[0]
    return kind in _PHASE or frame.traits.get("complex component", "").upper() in _PHASE


def series_of(folder: Path) -> list[Series]:
    """All image series below a folder; links are followed, and what is no image is passed over.

    Raises:
        InputError: a damaged image, or too many files.
    """
    frames: list[Frame] = []
    count = 0
    for place, names in folders_below(folder):
        for path in (place / name for name in names):
            count += 1
            if count > _MOST_FILES:
                raise InputError(
                    f"The folder {folder} holds more than {_MOST_FILES} files; give one with a single series."
                )
            if path.is_file() and (is_dicom(path) or path.suffix.lower() in (".dcm", ".ima")):
                frames += read_frames(path)
    return series_from(frames)


def series_from(frames: Sequence[Frame]) -> list[Series]:
    """The series that images belong to."""
    groups: dict[str, list[Frame]] = {}
    for frame in frames:
        groups.setdefault(frame.series, []).append(frame)
    # Some exports give every image a series of its own.
    alike: dict[tuple, list[Frame]] = {}
    for group in groups.values():
        if len(group) == 1:
            alike.setdefault(_title(group[0]), []).append(group[0])
    together = {title: group for title, group in alike.items() if len(group) >= MINIMUM_SLICES}
    found = [Series(tuple(group), split=True) for group in together.values()]
    return found + [
        Series(tuple(group)) for group in groups.values() if len(group) > 1 or _title(group[0]) not in together
    ]


def _title(frame):
    return frame.study, frame.number, frame.description, frame.modality, frame.size


def _without_copies(frames):
    """Images that are there twice (a disc holds some series in two folders), each once."""
    kept = {}
    for frame in frames:
        place = None if frame.position is None else (*frame.position, *_or_empty(frame.orientation))
        key = (frame.uid, place, frame.path.stat().st_size) if frame.uid else (frame.path, frame.index)
        kept.setdefault(key, frame)
    return list(kept.values())


def _or_empty(vector):
    return () if vector is None else tuple(vector)


def _chosen(folder: Path, found: Sequence[Series], wanted: str) -> Series:
    if wanted:
        matching = [one for one in found if wanted in (one.frames[0].series, one.frames[0].number)]
        if len(matching) == 1:
            return matching[0]
        raise InputError(
            f"The folder {folder.name} holds {len(matching) or 'no'} series {wanted} ({_named(folder, found)}); "
            "give the number or the identifier (SeriesInstanceUID) of one."
        )
    if len(found) == 1:
        return found[0]
    volumes = [one for one in found if one.is_volume]
    volumes = [one for one in volumes if not one.is_own_result] or volumes
    if len(volumes) == 1:
        return volumes[0]
    own: list[Series] | None = [one for one in volumes if all(path.parent == folder for path in one.files)]
    if own and len(own) == 1:
        return own[0]
    if volumes:
        raise InputError(
            f"The folder {folder.name} holds {len(volumes)} image series ({_named(folder, volumes)}); "
            "name the one to enhance (--series), or put it in a folder of its own."
        )
    raise InputError(
        f"No series in the folder {folder.name} has the {MINIMUM_SLICES} MR slices that a volume needs "
        f"({_named(folder, found)})."
    )


def _named(folder, some):
    more = len(some) - 6
    return "; ".join(one.describe(folder) for one in some[:6]) + (f"; and {more} more" if more > 0 else "")
