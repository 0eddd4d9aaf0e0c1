"""``charmssr enhance``: one volume."""

import argparse
from pathlib import Path

from .interruption import Interruption
from .one_volume import VolumeJob
from .options import add_enhancement_options, check_early, settings_from
from .progress import ProgressLine, tell_warnings

_EPILOG = """\
examples:
  charmssr enhance scan.nii.gz enhanced.nii.gz
  charmssr enhance DICOM_FOLDER enhanced.nrrd --planes three --report report.json
  charmssr enhance scan.nii.gz enhanced.nii.gz --mask brain.nii.gz --maps maps
"""


def add_parser(subparsers):
    """Register the subcommand."""
    parser = subparsers.add_parser(
        "enhance",
        help="enhance one volume",
        description="Enhance one brain MRI volume. The result appears only when it is complete.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("input", metavar="INPUT", type=Path, help="volume file, or folder with one DICOM series")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="result: .nii.gz, .nii, .nrrd, .mha, .mgz or .mgh")
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
    parser.set_defaults(run=run)


def run(arguments):
    """Run the subcommand."""
    settings = settings_from(arguments)
    job = VolumeJob(
        input=arguments.input,
        output=arguments.output,
        settings=settings,
        mask=arguments.mask,
        report=arguments.report,
        maps_folder=Path(arguments.maps) if arguments.maps else None,
        overwrite=arguments.overwrite,
        series=arguments.series,
    )
    with Interruption() as interruption:
        job.check_outputs()
        check_early(settings)
        with ProgressLine() as progress:
            report = job.run(progress, interruption)
    tell_warnings(report["warnings"])
    print(f"{job.output}  ({report['seconds']:.0f} s)")
