"""``charmssr inspect``: what a scan really measured, before anything is done to it; for a folder a table."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .command import new_command

if TYPE_CHECKING:
    import argparse

    from ..acquisition.findings import Acquisition

_EPILOG = """\
examples:
  charmssr inspect scan.nii.gz
  charmssr inspect scan.nii.gz --json
  charmssr inspect SCANS_FOLDER > cohort.csv
"""

FINDINGS = (
    "slices", "noise", "noise_kind", "ringing", "partial_fourier", "elliptical", "contrast", "bits",
)  # fmt: skip
COLUMNS = (
    "file", "sentence", "stated_mm", "measured_mm", "interpolation", "confidence", "noise", "noise_kind", "contrast",
    "bits", "slices", "ringing", "partial_fourier", "elliptical", "warnings", "error",
)  # fmt: skip


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Register the subcommand."""
    parser = new_command(
        subparsers,
        "inspect",
        run,
        help="say what a scan really measured",
        description="Say what a scan really measured: true resolution of each axis, how it was interpolated, noise, "
        "contrast, and what to be wary of. A folder with several scans gives a table (CSV).",
        epilog=_EPILOG,
    )
    parser.add_argument("input", metavar="FILE|FOLDER", type=Path, help="volume, DICOM series, or folder of scans")
    parser.add_argument("--json", action="store_true", help="print everything, with its evidence, as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand."""
    scans = _scans(arguments.input)
    if scans == [(arguments.input, "")]:
        found = examine(arguments.input)
        print(
            json.dumps({"file": str(arguments.input), **found.to_dict()}, indent=2) if arguments.json else text(found)
        )
        return 0
    return _cohort(scans, arguments)


def examine(path: Path, series: str = "") -> Acquisition:
    """The Acquisition of one scan: a file, or a (named) DICOM series of a folder.

    Raises:
        InputError: it cannot be read.
    """
    from ..acquisition.inspect import inspect_image
    from ..acquisition.tags import tags_of
    from ..files.volumes import read_scan

    scan = read_scan(path, series=series)
    found = inspect_image(scan.image, tags_of(path, series))
    found.warnings = [*scan.warnings, *found.warnings]
    return found


def text(found: Acquisition) -> str:
    """What was found, for people: a sentence, a line an axis, then the rest."""
    lines = [found.sentence(), ""]
    for axis in found.axes:
        true = "unknown" if axis.true_mm is None else f"{axis.true_mm:.2f} mm"
        lines.append(
            f"  {axis.direction:15} {axis.spacing_mm:.2f} mm stated, {true} measured, {axis.interpolation}"
            f" ({axis.confidence:.0%}: {axis.evidence})"
        )
        lines += [f"  {'':15} {note}" for note in axis.notes]
    for name in FINDINGS:
        finding = getattr(found, name)
        value = "unknown" if finding.value is None else finding.value
        value = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        why = f" ({finding.evidence})" if finding.evidence else ""
        lines.append(f"  {name.replace('_', ' '):15} {value}{why}")
    lines += [f"  warning: {warning}" for warning in found.warnings]
    return "\n".join(lines)


def _cohort(scans, arguments):
    """A row for each scan; one that cannot be read doesn't stop the rest."""
    from ..errors import CHARMSSRError

    rows, failed = [], 0
    stream = None if arguments.json else csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    if stream:
        stream.writeheader()
    for path, series in scans:
        name = os.path.relpath(path, arguments.input) + (f" ({series})" if series else "")
        try:
            found = examine(path, series)
            rows.append({"file": name, **found.to_dict()})
            row = row_of(found)
        except CHARMSSRError as error:
            failed += 1
            rows.append({"file": name, "error": str(error)})
            row = {"error": str(error)}
        if stream:
            stream.writerow({"file": name, **row})
            sys.stdout.flush()
    if arguments.json:
        print(json.dumps(rows, indent=2))
    return 2 if failed == len(scans) else 0


def row_of(found: Acquisition) -> dict:
    """The columns of a cohort's table that one scan fills."""

    def each(values):
        return " x ".join("?" if value is None else f"{value:.3g}" for value in values)

    return {
        "sentence": found.sentence(),
        "stated_mm": each(axis.spacing_mm for axis in found.axes),
        "measured_mm": each(axis.true_mm for axis in found.axes),
        "interpolation": " x ".join(axis.interpolation for axis in found.axes),
        "confidence": each(axis.confidence for axis in found.axes),
        "noise": "" if found.noise.value is None else found.noise.value,
        "noise_kind": found.noise_kind.value,
        "contrast": found.contrast.value,
        "bits": "" if found.bits.value is None else found.bits.value,
        "slices": found.slices.value,
        "ringing": found.ringing.value,
        "partial_fourier": found.partial_fourier.value,
        "elliptical": found.elliptical.value,
        "warnings": " ".join(found.warnings),
    }


def _scans(source):
    """(path, series) of the scans of a folder; the file or folder itself where it is one scan."""
    if not source.is_dir():
        return [(source, "")]
    from .cohort import find_members

    members = find_members(source, source)
    return (
        [(source, "")] if [one.input for one in members] == [source] else [(one.input, one.series) for one in members]
    )
