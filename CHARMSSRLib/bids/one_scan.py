"""One scan from file to files: read, enhance in the worker, write everything together."""

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from ..errors import OutputError
from ..files.lease_lock import LeaseLock
from ..settings import EnhancementSettings
from ..task import Task
from .file_names import Outputs
from .finished import input_stamp, wanted_settings
from .metadata import Metadata, refuse_contrast_agent
from .sidecars import image_sidecar, map_sidecar, mask_sidecar


class Enhancer(Protocol):
    """What enhances: the worker's client, whose process keeps its model between scans."""

    @property
    def enhance(self) -> Callable[..., Any]:
        """Takes what ``CHARMSSRLib.enhance`` takes."""


class ScanWork:
    """Enhances scans of one dataset with one set of settings.

    Args:
        dataset: folder of the raw dataset.
        output: folder of the derivatives.
        settings: of the enhancement.
        pictures: keep what the quality pages show.
    """

    def __init__(self, dataset: Path, output: Path, settings: EnhancementSettings, pictures: bool = True) -> None:
        self._dataset, self._output = dataset, output
        self._settings, self._pictures = settings, pictures
        self._metadata = Metadata(dataset)

    def run(
        self,
        scan: str,
        outputs: Outputs,
        enhancer: Enhancer,
        lock: LeaseLock,
        task: Task,
    ) -> dict[str, Any]:
        """Enhance one scan; its files appear complete, the sidecar that marks it as finished last.

        Returns:
            The report.

        Raises:
            CHARMSSRError: whatever is wrong; Cancelled when it was stopped.
        """
        from ..acquisition.tags import fields_of_sidecar, tags_of
        from ..files.volumes import read_scan

        started = time.monotonic()
        path = self._dataset / scan
        stamp = input_stamp(path)
        refuse_contrast_agent(self._metadata.of(scan))
        read = read_scan(path)
        tags = {**fields_of_sidecar(self._metadata.of(scan)), **tags_of(path)}  # those beside the scan count more
        result = enhancer.enhance(
            read.image, self._settings, progress=task.tell, is_cancelled=task.is_cancelled, tags=tags
        )
        task.tell(1.0, "Writing the result")
        report = dict(result.report)
        report["warnings"] = list(dict.fromkeys([*read.warnings, *report.get("warnings", [])]))
        report["seconds"] = round(time.monotonic() - started, 1)
        self._write(scan, outputs, read, result, stamp, report, lock)
        return report

    def _write(self, scan, outputs, read, result, stamp, report, lock):
        from ..files.output_files import OutputFiles
        from ..files.volume_writer import add_volume

        # Both geometries of the scan's file, so that the results lie on it in every reader.
        forms = read.forms_for(result.image)
        stripped = not self._settings.keep_skull and self._settings.skull_strip != "none"
        self._tidy(outputs)
        with OutputFiles(overwrite=True) as files:
            figures = [f"{outputs.subject}/figures"] if self._pictures else []
            for folder in (outputs.folder, *figures):
                _make_folders(self._output / folder)

            def add(volume, image_path, sidecar_path, sidecar):
                add_volume(files, volume, self._output / image_path, forms)
                if sidecar_path != outputs.sidecar:
                    files.add_json(sidecar, self._output / sidecar_path)

            add(result.mask, outputs.mask, outputs.mask_sidecar, mask_sidecar(scan, outputs, report, stripped))
            for name, volume in result.maps.items():
                add(volume, *outputs.map_files(name), map_sidecar(name, scan, outputs, report, stripped))
            if self._pictures:
                from .pictures import scan_pictures

                files.add_json(
                    scan_pictures(read.image, result.image, result.mask, result.maps), self._output / outputs.pictures
                )
            add_volume(files, result.image, self._output / outputs.image, forms)
            sidecar = image_sidecar(scan, outputs, stamp, wanted_settings(self._settings), report, stripped)
            files.add_json(sidecar, self._output / outputs.sidecar)
            if not lock.still_held():
                raise OutputError("Another process took this scan over while this one was held up; it does the rest.")
            # Killed between two of the renames that follow, the scan counts as unfinished, never as a mixture.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._output / outputs.sidecar)
            files.commit()

    def _tidy(self, outputs: Outputs) -> None:
        """Remove temporary files that a killed owner of this scan left; we hold its lock."""
        stems = [_stem(path) for path in (outputs.image, outputs.mask, outputs.pictures)]
        stems += [_stem(outputs.map_files(name)[0]) for name in ("detail", "variability", "disagreement")]
        pattern = re.compile(r"\.(" + "|".join(map(re.escape, stems)) + r")\.[0-9a-f]{12}\.(nii\.gz|json)")
        for folder in (outputs.folder, f"{outputs.subject}/figures"):
            for name in _names(self._output / folder):
                if pattern.fullmatch(name):
                    with contextlib.suppress(OSError):
                        os.unlink(self._output / folder / name)


def _names(folder: Path) -> Iterable[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _stem(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]


def _make_folders(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be created: {error.strerror or error}.") from error
