"""``charmssr enhance``: one volume."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..settings import DICOMSettings
from ..task import Task
from .command import new_command
from .interruption import Interruption
from .one_volume import VolumeJob
from .options import add_enhancement_options, add_options, check_early, dicom_settings, settings_from
from .progress import ProgressLine, tell_warnings

if TYPE_CHECKING:
    import argparse

_EPILOG = """\
examples:
  charmssr enhance scan.nii.gz enhanced.nii.gz
  charmssr enhance DICOM_FOLDER enhanced.nrrd --planes three --report report.json
  charmssr enhance scan.nii.gz enhanced.nii.gz --mask brain.nii.gz --maps maps
  charmssr enhance DICOM_FOLDER ENHANCED_FOLDER/    (a DICOM series under the same study)
"""
FORMATS = ("auto", "volume", "dicom")


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Register the subcommand."""
    parser = new_command(
        subparsers,
        "enhance",
        run,
        help="enhance one volume",
        description="Enhance one brain MRI volume. The result appears only when it is complete.",
        epilog=_EPILOG,
    )
    parser.add_argument("input", metavar="INPUT", type=Path, help="volume file, or folder with one DICOM series")
    parser.add_argument(
        "output",
        metavar="OUTPUT",
        help="result: .nii.gz, .nii, .nrrd, .mha, .mgz or .mgh; with a / at its end, or where it is a folder, a DICOM "
        "series",
    )
    parser.add_argument(
        "--output-format", choices=FORMATS, default="auto", help="what OUTPUT is (default: as its name says)"
    )
    parser.add_argument("--mask", metavar="FILE", type=Path, help="mask of the brain, instead of finding it")
    parser.add_argument(
        "--series",
        default="",
        metavar="NUMBER|UID",
        help="the DICOM series to enhance, where the folder holds several",
    )
    parser.add_argument("--report", metavar="FILE.json", type=Path, help="write a report of what was done")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    add_enhancement_options(parser)
    add_options(parser, DICOMSettings)


def run(arguments: argparse.Namespace) -> None:
    """Run the subcommand."""
    settings = settings_from(arguments)
    dicom = dicom_settings(arguments, _is_series(arguments))
    job = VolumeJob(
        input=arguments.input,
        output=Path(arguments.output),
        settings=settings,
        mask=arguments.mask,
        report=arguments.report,
        maps_folder=Path(arguments.maps) if arguments.maps else None,
        overwrite=arguments.overwrite,
        series=arguments.series,
        dicom=dicom,
    )
    with Interruption() as interruption:
        job.check_outputs()
        check_early(settings)
        with ProgressLine() as progress:
            report = job.run(Task(progress, interruption.is_cancelled))
    tell_warnings(report["warnings"], report.get("notes", []))
    print(f"{job.output}  ({report['seconds']:.0f} s)")


def _is_series(arguments):
    """Whether the result is to be a DICOM series."""
    if arguments.output_format != "auto":
        return arguments.output_format == "dicom"
    return arguments.output.endswith(("/", os.sep)) or os.path.isdir(arguments.output)
