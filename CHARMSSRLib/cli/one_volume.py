"""One enhancement from file to file; ``enhance`` does one, ``batch`` many."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BackendError, OutputError
from ..settings import DICOMSettings, EnhancementSettings

if TYPE_CHECKING:
    from ..task import Task


@dataclass(frozen=True)
class VolumeJob:
    """Which files one enhancement reads and writes.

    Attributes:
        input: volume file or DICOM folder.
        output: volume file, or folder of a DICOM series.
        settings: EnhancementSettings; ``maps`` is true exactly if ``maps_folder`` is given.
        mask: mask file.
        report: JSON file for the report.
        maps_folder: folder for the maps; made if missing.
        overwrite: replace existing files.
        series: number or identifier of the series to take, where the input is a folder with several.
        dicom: how the result is written as a DICOM series; None for a volume file.
    """

    input: Path
    output: Path
    settings: EnhancementSettings
    mask: Path | None = None
    report: Path | None = None
    maps_folder: Path | None = None
    overwrite: bool = False
    series: str = ""
    dicom: DICOMSettings | None = None

    def check_outputs(self) -> None:
        """Make sure before the work that every output can be written.

        Raises:
            OutputError: see ``check_writable``; also where an output would replace an input.
        """
        from ..files.output_files import check_folder, check_target
        from ..files.volume_writer import check_writable

        if self.dicom is not None:
            from ..dicom.result_series import check_map_folders
            from ..dicom.series_folder import check_series_folder

            if self.maps_folder is not None:
                check_map_folders(self.maps_folder, self.input, self.overwrite)
            check_series_folder(self.output, self.input, self.overwrite)
        for path in (self.output, self.report):
            for source in (self.input, self.mask):
                if path is not None and source is not None and _same_file(path, source):
                    raise OutputError(f"{path} is an input as well; choose another name for the result.")
        if self.dicom is None:
            check_writable(self.output, self.overwrite)
        if self.report is not None:
            check_target(self.report, self.overwrite)
            if _same_file(self.report, self.output):
                raise OutputError(f"{self.report} is named as result and as report; give two names.")
        if self.maps_folder is not None:
            check_folder(self.maps_folder if self.maps_folder.exists() else self.maps_folder.parent)
            taken = sorted(self.maps_folder.glob(f"{_stem(self.output)}_*.nii.gz"))
            if taken and not self.overwrite:
                raise OutputError(f"{taken[0]} exists already; choose another folder for the maps of this result.")

    def run(self, task: Task) -> dict:
        """Read, enhance, write; everything appears together, or nothing.

        Args:
            task: Task, told how far the volume is.

        Returns:
            The report (dict).

        Raises:
            CHARMSSRError: whatever is wrong; Cancelled when the user stopped it.
        """
        from ..acquisition.tags import tags_of
        from ..files.fingerprint import fingerprint

        started = time.monotonic()
        scan, mask, warnings = self._read()
        state = fingerprint(self.input, tuple(dict.fromkeys(path for path, _ in scan.slices)))
        task.check()
        enhance = _enhance_function()
        task.check()
        tags = tags_of(self.input, self.series)
        result = enhance(
            scan.image, self.settings, mask=mask, progress=task.tell, is_cancelled=task.is_cancelled, tags=tags
        )
        task.check()
        task.tell(1.0, "Writing the result")
        report = dict(result.report)
        report["warnings"] = list(dict.fromkeys([*warnings, *report.get("warnings", [])]))
        report.update(
            files={
                "input": str(self.input),
                "input_state": state,
                "output": str(self.output),
                "mask": str(self.mask) if self.mask else None,
            },
            settings=asdict(self.settings),
            seconds=round(time.monotonic() - started, 1),
        )
        report.setdefault("input", {}).update(scan.facts)
        self._write(result, report, scan, mask, task)
        return report

    def _read(self):
        import SimpleITK as sitk

        from ..enhancement.checks import check_image, match_mask
        from ..enhancement.mask_values import mask_threshold
        from ..files.mask_placement import placed_mask
        from ..files.volumes import read_scan

        scan = read_scan(self.input, series=self.series)
        if self.dicom is not None:
            from ..dicom.source import read_source

            read_source(scan, self.input.name)  # refused before the work, not after it
        warnings = scan.warnings + check_image(scan.image)
        mask = None
        if self.mask is not None:
            drawn = read_scan(self.mask, labels_allowed=True)
            mask = match_mask(placed_mask(drawn, scan), scan.image)
            note = mask_threshold(sitk.GetArrayViewFromImage(drawn.image)).note
            warnings += drawn.warnings + ([note] if note else [])
        return scan, mask, warnings

    def _write(self, result, report, scan, mask, task):
        from ..files.output_files import OutputFiles
        from ..files.volume_writer import add_volume

        # The mask and the maps lie on the grid of the result.
        forms = scan.forms_for(result.image)
        with OutputFiles(self.overwrite) as files:
            if self.dicom is not None:
                from ..dicom.result_series import add_series

                series = add_series(files, self.output, result, scan, self.input.name, self.settings, self.dicom, mask)
                report["dicom"] = {**series.report(), "settings": asdict(self.dicom)}
            if self.maps_folder is not None and self.dicom is not None:
                from ..dicom.result_series import add_maps

                files.add_folder(self.maps_folder)
                add_maps(files, self.maps_folder, {**result.maps, "mask": result.mask}, series)
            elif self.maps_folder is not None:
                files.add_folder(self.maps_folder)
                for name, volume in {**result.maps, "mask": result.mask}.items():
                    add_volume(files, volume, self.maps_folder / f"{_stem(self.output)}_{name}.nii.gz", forms)
            if self.report is not None:
                files.add_json(report, self.report)
            # Last, so that a result that is there is complete with all that belongs to it.
            if self.dicom is None:
                add_volume(files, result.image, self.output, forms)
            task.check()
            files.commit()


def _enhance_function():
    """The library's ``enhance``, imported only now: torch takes seconds to load."""
    try:
        from ..enhancement.enhance import enhance
    except ModuleNotFoundError as error:
        raise BackendError(
            f"The Python package {error.name!r} is missing; install it (python -m pip install {error.name})."
        ) from error
    return enhance


def _same_file(first, second):
    try:
        return os.path.samefile(first, second)
    except OSError:
        return os.path.abspath(first) == os.path.abspath(second)


def _stem(path):
    from ..files.volume_writer import volume_stem

    return volume_stem(path)
