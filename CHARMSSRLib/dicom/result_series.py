"""A result and its maps as DICOM objects among the files that are to be written."""

from __future__ import annotations

import functools
import hashlib
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..files.output_files import OutputFiles
from ..files.scan import Scan
from ..settings import DICOMSettings, EnhancementSettings
from .maps import MAP_NAMES, write_map
from .needs import need
from .report_object import write_report
from .series_folder import check_series_folder
from .series_writer import DerivedSeries, derived_series
from .source import read_source


def check_map_folders(folder: Path, source: Path, overwrite: bool = False) -> None:
    """Make sure, before a long computation, that the maps' folders below a folder can be written.

    Raises:
        OutputError, BackendError: as for ``check_series_folder``.
    """
    need("highdicom")
    for name in MAP_NAMES:
        if os.path.lexists(folder / name):
            check_series_folder(folder / name, source, overwrite)


def add_series(
    files: OutputFiles,
    folder: Path,
    result: Any,
    scan: Scan,
    name: str,
    settings: EnhancementSettings,
    dicom: DICOMSettings,
    mask: sitk.Image | None = None,
) -> DerivedSeries:
    """Add a result to the files that are to be written, as a DICOM series.

    Args:
        files: the transaction.
        folder: of the series.
        result: Enhancement.
        scan: what was enhanced.
        name: of what was read, for messages.
        settings: of the enhancement.
        dicom: of the series.
        mask: the user's mask, if there was one.

    Returns:
        The series; its ``report()`` belongs into the report.
    """
    series = derived_series(
        result.image,
        read_source(scan, name),
        result.report,
        asdict(settings),
        float(sitk.GetArrayViewFromImage(scan.image).min()),
        offset=dicom.series_offset,
        marked=dicom.mark,
        extra=None if mask is None else _hash_of(mask),
    )

    def write(place: Path) -> None:
        series.write(place)
        if dicom.structured_report:
            write_report(series, result.report, place / "report.dcm")

    files.add_tree(write, folder)
    return series


def add_maps(files: OutputFiles, folder: Path, maps: dict[str, sitk.Image], series: DerivedSeries) -> None:
    """Add the maps of a result: for each a folder with a Parametric Map, and pictures of it that any viewer shows.

    Args:
        files: the transaction.
        folder: existing or to be made with the transaction.
        maps: name -> image on the grid of the result.
        series: the result.

    Raises:
        OutputError: a map's folder is there already.
        BackendError: highdicom is missing.
    """
    for name, image in maps.items():
        files.add_tree(functools.partial(write_map, series, name, image), folder / name)


def _hash_of(mask):
    return hashlib.sha256(np.packbits(sitk.GetArrayViewFromImage(mask) > 0).tobytes()).hexdigest()
