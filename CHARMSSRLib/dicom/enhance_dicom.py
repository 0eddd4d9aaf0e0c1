"""From a DICOM series to a derived DICOM series, as one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import SimpleITK as sitk

from ..files.output_files import OutputFiles
from ..files.volumes import read_scan
from ..settings import DICOMSettings, EnhancementSettings
from .result_series import add_series
from .series_folder import check_series_folder
from .source import read_source

if TYPE_CHECKING:
    from ..enhancement.enhance import Enhancement


def enhance_dicom(
    source: Path | str,
    folder: Path | str,
    settings: EnhancementSettings | None = None,
    dicom: DICOMSettings | None = None,
    mask: sitk.Image | None = None,
    series: str = "",
    overwrite: bool = False,
    progress: Callable[[float, str], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> Enhancement:
    """Enhance a DICOM series and write the result as a series of the same study.

    Args:
        source: folder with the series, or an enhanced multi-frame file.
        folder: new or empty folder for the result, one MR image a slice; it appears only when complete.
        settings: of the enhancement.
        dicom: of the written series.
        mask: brain mask, as for ``enhance``.
        series: number or identifier of the series, where the folder holds several.
        overwrite: replace an earlier result.
        progress: as for ``enhance``.
        is_cancelled: likewise.

    Returns:
        Enhancement; its report has the key "dicom" (identifiers, pixel rule, rounding error).

    Raises:
        InputError, OutputError: the source cannot be used, or the folder not be written.
        BackendError: pydicom is missing.
        Cancelled: nothing was written.
    """
    from ..acquisition.tags import tags_of
    from ..enhancement.enhance import enhance

    source, folder = Path(source), Path(folder)
    settings, dicom = settings or EnhancementSettings(), dicom or DICOMSettings()
    check_series_folder(folder, source, overwrite)
    scan = read_scan(source, series=series)
    read_source(scan, source.name)  # refused before the work, not after it
    tags = tags_of(source, series)
    result = enhance(scan.image, settings, mask=mask, progress=progress, is_cancelled=is_cancelled, tags=tags)
    with OutputFiles(overwrite) as files:
        written = add_series(files, folder, result, scan, source.name, settings, dicom, mask)
        files.commit()
    report = {**result.report, "dicom": {**written.report(), "settings": asdict(dicom)}, "settings": asdict(settings)}
    report["warnings"] = list(dict.fromkeys([*scan.warnings, *report["warnings"]]))
    return replace(result, report=report)
