"""Writes a result as a series of classic MR images, one file a slice, under its source's study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .derivation import Derivation, derive
from .header import derived_header
from .mark import draw_mark
from .needs import need
from .pixels import PixelRule, pixel_rule
from .source import SourceSeries
from .uids import IMPLEMENTATION_UID, uid_from

SERIES_OFFSET = 9000


@dataclass
class DerivedSeries:
    """A result that is ready to be written as DICOM.

    Attributes:
        image: float result, in the orientation of the volume that was read.
        source: the series that it was read from.
        derivation: how it was made.
        rule: how its values are stored.
        marked: whether each image gets a visible mark.
    """

    image: sitk.Image
    source: SourceSeries
    derivation: Derivation
    rule: PixelRule
    marked: bool = False

    def write(self, folder: Path) -> list[Path]:
        """Write all images into an existing folder; returns their paths in the order of the slices."""
        paths = []
        for dataset in self.datasets():
            path = folder / f"IM{dataset.InstanceNumber:04d}.dcm"
            save(dataset, path)
            paths.append(path)
        return paths

    def datasets(self) -> Iterator[Any]:
        """The images as pydicom datasets, in the order of the slices."""
        array = sitk.GetArrayViewFromImage(self.image)
        order, window = self.instance_numbers(), self._window(array)
        for index, plane in enumerate(array):
            yield self._dataset(index, plane, order[index], window)

    def report(self) -> dict[str, Any]:
        """What belongs into the report about the series."""
        first = self.source.first
        return {
            "study_instance_uid": str(first.get("StudyInstanceUID", "")),
            "source_series_instance_uid": str(first.get("SeriesInstanceUID", "")),
            "series_instance_uid": self.derivation.series_uid,
            "series_number": self.derivation.number,
            "series_description": self.derivation.title,
            "images": self.image.GetSize()[2],
            "pixels": self.rule.report(sitk.GetArrayViewFromImage(self.image)),
        }

    def _dataset(self, index, plane, number, window):
        geometry = SliceGeometry(self.image, index)
        near = self.source.nearest(geometry.place)
        made_from = self.source.around(geometry.place, self.image.GetSpacing()[2])
        dataset = derived_header(made_from, near.header, self.derivation)
        dataset.SOPInstanceUID = uid_from("image", self.derivation.series_uid, index)
        dataset.InstanceNumber = number
        geometry.describe(dataset, self._thickness(near.header))
        stored = self.rule.stored(plane)
        if self.marked:
            centre, width = window
            top = (centre + width / 2 - self.rule.intercept) / self.rule.slope
            draw_mark(stored, self.derivation.checkpoint["scale"], min(top, np.iinfo(stored.dtype).max))
        put_pixels(dataset, stored)
        dataset.WindowCenter, dataset.WindowWidth = (decimal(value) for value in window)
        if self.rule.has_rescale:
            dataset.RescaleSlope, dataset.RescaleIntercept = decimal(self.rule.slope), decimal(self.rule.intercept)
            dataset.RescaleType = "US"
        return dataset

    def _thickness(self, header):
        """mm; None where the source does not tell and the slices were not refined."""
        step = self.image.GetSpacing()[2]
        source_step = _source_step(self.source) or step
        try:
            thickness = float(header.get("SliceThickness") or 0)
        except (TypeError, ValueError):
            thickness = 0.0
        return thickness * step / source_step if thickness > 0 else step

    def instance_numbers(self) -> list[int]:
        """Of the slices in order: from 1, in the direction in which the source counts its own."""
        count = self.image.GetSize()[2]
        ends = [self.source.slices[0], self.source.slices[-1]]
        try:
            first, last = (int(one.header.get("InstanceNumber") or 0) or one.frame or 0 for one in ends)
            if ends[0].frame is not None:
                first, last = ends[0].frame, ends[1].frame or 0
        except (TypeError, ValueError):
            first = last = 0
        return [count - index for index in range(count)] if first > last else [index + 1 for index in range(count)]

    def _window(self, array):
        """Centre and width for all images alike: the middle one of the source's, else from the values."""
        found = [pair for one in self.source.slices if (pair := _window_of(one.header)) is not None]
        if found:
            centre, width = (float(np.median(values)) for values in zip(*found))
        else:
            inside = array[array > 0]
            low, high = np.percentile(inside, (1, 99.5)) if inside.size else (0.0, 1.0)
            centre, width = (float(low) + float(high)) / 2, float(high) - float(low)
        return centre * self.rule.factor, max(width * self.rule.factor, 1.0)


class SliceGeometry:
    """Where one slice of an image lies, as DICOM says it."""

    def __init__(self, image: sitk.Image, index: int) -> None:
        direction = np.reshape(image.GetDirection(), (3, 3))
        self.spacing = image.GetSpacing()
        self.normal = direction[:, 2]
        self.cosines = [*direction[:, 0], *direction[:, 1]]
        self.position = np.array(image.GetOrigin()) + self.normal * self.spacing[2] * index
        self.place = float(self.normal @ self.position)

    def describe(self, dataset: Any, thickness: float) -> None:
        """Set the attributes of the image plane, in place."""
        dataset.ImagePositionPatient = [decimal(value) for value in self.position]
        dataset.ImageOrientationPatient = [decimal(value) for value in self.cosines]
        dataset.PixelSpacing = [decimal(self.spacing[1]), decimal(self.spacing[0])]
        dataset.SliceThickness = decimal(thickness)
        dataset.SpacingBetweenSlices = decimal(self.spacing[2])
        dataset.SliceLocation = decimal(self.place)


def derived_series(
    image: sitk.Image,
    source: SourceSeries,
    report: dict[str, Any],
    settings: dict[str, Any],
    lowest_of_source: float,
    offset: int = SERIES_OFFSET,
    marked: bool = False,
    extra: Any = None,
) -> DerivedSeries:
    """Prepare a result of ``enhance`` for writing.

    Args:
        image: the result.
        source: see ``read_source``.
        report: of the enhancement.
        settings: of the enhancement, as a dict.
        lowest_of_source: smallest value of the volume that was enhanced.
        offset: added to the number of the source's series.
        marked: whether to draw a mark into each image.
        extra: what else the result depends on (the hash of a mask); part of the identifiers.

    Raises:
        InputError: the result does not lie on the slices of the source.
    """
    direction = np.reshape(image.GetDirection(), (3, 3))[:, 2]
    if float(direction @ source.normal) < 1 - 1e-6:
        raise InputError("The result does not lie on the slices of its DICOM series; write it as a volume file.")
    identity = [source.uids, marked, extra, *([] if offset == SERIES_OFFSET else [offset])]
    derivation = derive(source.first, identity, report, settings, offset)
    rule = pixel_rule(source, lowest_of_source, sitk.GetArrayViewFromImage(image))
    return DerivedSeries(image, source, replace(derivation, factor=rule.factor), rule, marked)


def put_pixels(dataset: Any, stored: np.ndarray) -> None:
    """Set the attributes of 16-bit pixels (rows, columns), in place."""
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    signed = stored.dtype == np.int16
    dataset.PixelRepresentation = int(signed)
    for name, value in (("SmallestImagePixelValue", stored.min()), ("LargestImagePixelValue", stored.max())):
        dataset.add_new(name, "SS" if signed else "US", int(value))
    dataset.PixelData = stored.astype(stored.dtype.newbyteorder("<")).tobytes()


def save(dataset: Any, path: Path) -> None:
    """Write a dataset as a DICOM file (explicit little endian)."""
    pydicom = need("pydicom")
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.ImplementationClassUID, meta.ImplementationVersionName = IMPLEMENTATION_UID, "CHARMSSR"
    dataset.file_meta = meta
    # By arguments that pydicom 2 (in older Slicers) knows, too.
    if hasattr(dataset, "is_little_endian") and int(pydicom.__version__.partition(".")[0]) < 3:
        dataset.is_little_endian, dataset.is_implicit_VR = True, False
        dataset.save_as(path, write_like_original=False)
    else:
        dataset.save_as(path, enforce_file_format=True)


def decimal(value: float) -> str:
    """A number as a decimal string of at most 16 characters, with as many digits as fit."""
    value = float(value)
    if value == 0 or abs(value) < 1e-12:
        return "0"
    for digits in range(15, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text
    return f"{value:.1e}"


def _source_step(source):
    places = [one.place for one in source.slices]
    return (places[-1] - places[0]) / (len(places) - 1) if len(places) > 1 else 0.0


def _window_of(header):
    def first(value):
        return float(value if isinstance(value, (str, int, float)) else list(value)[0])

    if header.get("PhotometricInterpretation") == "MONOCHROME1":
        return None  # of the values before they were turned over; a volume is read with dark as 0
    try:
        centre, width = first(header.WindowCenter), first(header.WindowWidth)
    except (AttributeError, TypeError, ValueError, IndexError):
        return None
    return (centre, width) if np.isfinite([centre, width]).all() and width >= 1 else None
