"""The images that a volume was read from: whose patient, which slices, where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..files.functional_groups import classic_frame
from .needs import need

if TYPE_CHECKING:
    from ..files.scan import Scan

# Fractions of a slice's distance, and of a cosine, within which an image is the volume's slice.
_PLACE_TOLERANCE = 0.1
_COSINE_TOLERANCE = 5e-3


@dataclass
class SourceSlice:
    """One image of the source.

    Attributes:
        header: pydicom dataset without pixels, with the attributes of a classic image.
        position: LPS, mm, of its first pixel's centre.
        place: mm along the volume's normal.
        frame: number of the frame in its object, from 1; None in a classic one.
    """

    header: Any
    position: np.ndarray
    place: float
    frame: int | None = None


@dataclass
class SourceSeries:
    """The series that a volume was read from.

    Attributes:
        slices: sorted along the volume's slice axis.
        normal: unit vector of the slice axis, LPS.
        warnings: sentences.
    """

    slices: list[SourceSlice]
    normal: np.ndarray
    warnings: list[str] = field(default_factory=list)

    @property
    def first(self) -> Any:
        """The header of the first slice."""
        return self.slices[0].header

    @property
    def uids(self) -> list[str]:
        """Identifiers of series and images; what a result is derived from."""
        images = [f"{one.header.get('SOPInstanceUID', '')}/{one.frame or ''}" for one in self.slices]
        return [str(self.first.get("SeriesInstanceUID", "")), *images]

    def nearest(self, place: float) -> SourceSlice:
        """The slice nearest to a place (mm along the normal)."""
        return min(self.slices, key=lambda one: abs(one.place - place))

    def around(self, place: float, step: float) -> list[SourceSlice]:
        """The slices that a place lies on or between: one, or two where the slice axis was refined."""
        near = sorted(self.slices, key=lambda one: abs(one.place - place))[:2]
        if abs(near[0].place - place) <= 1e-3 * max(step, 1e-3) or len(near) == 1:
            return near[:1]
        return sorted(near, key=lambda one: one.place)


def read_source(scan: Scan, name: str) -> SourceSeries:
    """The headers of the images that a scan was read from.

    Args:
        scan: as ``read_scan`` returns it.
        name: of what was read, for messages.

    Raises:
        InputError: the scan does not come from DICOM images.
        BackendError: pydicom is missing.
    """
    if not scan.slices:
        raise InputError(
            f"{name} is no DICOM series, so its result cannot become one: patient and study would be unknown. "
            "Give the folder of the series, or name a volume file (.nii.gz) as the result."
        )
    normal = np.reshape(scan.image.GetDirection(), (3, 3))[:, 2]
    of_file = {path: dict(_slices_of(path)) for path in dict.fromkeys(path for path, _ in scan.slices)}
    slices = []
    for path, frame in scan.slices:
        one = of_file[path].get(frame)
        if one is None:
            raise InputError(f"The DICOM image {path.name} does not say where it lies; export the series again.")
        one.place = float(normal @ one.position)
        slices.append(one)
    return SourceSeries(slices, normal)


def match_source(files: Iterable[Path | str], image: sitk.Image, series: str = "") -> SourceSeries:
    """Of some DICOM files, the series whose images are a volume's slices.

    Args:
        files: of one or several series.
        image: the volume.
        series: number or identifier of the one to look at; "" for any.

    Raises:
        InputError: no series has an image for every slice, or several have.
    """
    groups: dict[str, list[SourceSlice]] = {}
    for path in files:
        for one in _slices_of(Path(path)).values():
            uid, number = (str(one.header.get(name, "") or "") for name in ("SeriesInstanceUID", "SeriesNumber"))
            if series in ("", uid, number):
                groups.setdefault(uid, []).append(one)
    geometry = _Geometry(image)
    fitting = [found for group in groups.values() if (found := geometry.matching(group)) is not None]
    if not fitting:
        # Some exports give every image a series of its own.
        found = geometry.matching([one for group in groups.values() for one in group])
        fitting = [] if found is None else [found]
    if not fitting:
        raise InputError(
            "The DICOM images beside the volume are not its slices (no series has one for each); give the folder of "
            "the series that it was read from."
        )
    if len(fitting) > 1:
        raise InputError(
            "Several DICOM series have images at the places of the volume's slices; put the one it was read from in a "
            "folder of its own."
        )
    return SourceSeries(fitting[0], geometry.normal)


class _Geometry:
    """Where a volume's slices lie."""

    def __init__(self, image):
        direction = np.reshape(image.GetDirection(), (3, 3))
        self.axes, self.normal = direction[:, :2], direction[:, 2]
        self.step = image.GetSpacing()[2]
        self.count = image.GetSize()[2]
        self.size = image.GetSize()[:2]
        self.origin = np.array(image.GetOrigin())

    def matching(self, slices):
        """One image for each slice, in order; None where one is missing."""
        found: list[SourceSlice | None] = [None] * self.count
        for one in slices:
            index = self._index_of(one)
            if index is None:
                continue
            if found[index] is None:
                found[index] = one
            elif found[index].header.get("SOPInstanceUID") != one.header.get("SOPInstanceUID"):
                return None
        if any(one is None for one in found):
            return None
        for one in found:
            one.place = float(self.normal @ one.position)
        return found

    def _index_of(self, one):
        header = one.header
        if (header.get("Columns"), header.get("Rows")) != self.size:
            return None
        cosines = np.array(header.ImageOrientationPatient, float).reshape(2, 3).T
        if np.abs(cosines - self.axes).max() > _COSINE_TOLERANCE:
            return None
        along = float(self.normal @ (one.position - self.origin)) / self.step
        index = round(along)
        expected = self.origin + self.normal * along * self.step
        across = np.linalg.norm(one.position - expected)
        inside = 0 <= index < self.count and abs(along - index) < _PLACE_TOLERANCE
        return index if inside and across < _PLACE_TOLERANCE * max(self.step, 1.0) else None


def _slices_of(path: Path) -> dict[int | None, SourceSlice]:
    """The images of a file that say where they lie, by the number of the frame from 0 (None in a classic file)."""
    pydicom = need("pydicom")
    try:
        dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        headers: dict[int | None, Any] = {None: dataset}
        if "PerFrameFunctionalGroupsSequence" in dataset:
            headers = {index: classic_frame(dataset, index) for index in range(int(dataset.NumberOfFrames))}
    except (pydicom.errors.InvalidDicomError, AttributeError, ValueError, EOFError, OSError):
        return {}
    found: dict[int | None, SourceSlice] = {}
    for index, header in headers.items():
        position, orientation = _numbers(header, "ImagePositionPatient"), _numbers(header, "ImageOrientationPatient")
        if position.size == 3 and orientation.size == 6:
            found[index] = SourceSlice(header, position, 0.0, None if index is None else index + 1)
    return found


def _numbers(header: Any, keyword: str) -> np.ndarray:
    try:
        return np.array([float(value) for value in header.get(keyword) or ()])
    except (TypeError, ValueError):
        return np.array([])
