"""``charmssr batch``: many volumes, one after the other, resumable."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Cancelled, CHARMSSRError, OutputError
from ..settings import MACHINE, DICOMSettings, EnhancementSettings
from ..settings_table import settings_of
from ..task import Task
from .cohort import base_of, find_members
from .command import new_command
from .interruption import Interruption
from .one_volume import VolumeJob
from .options import add_enhancement_options, add_options, check_early, dicom_settings, settings_from
from .progress import ProgressLine, is_wanted

if TYPE_CHECKING:
    import argparse

SUMMARY = "summary.csv"
COLUMNS = ("input", "output", "status", "message", "seconds", "warnings")
PENDING, FINISHED, SKIPPED, FAILED, STOPPED = "pending", "done", "skipped", "failed", "cancelled"

# What a result does not depend on beyond rounding: another machine may go on with a batch.
_MACHINE_SETTINGS = {name for name, (one, _) in settings_of(EnhancementSettings).items() if one.group == MACHINE}
# What loses nothing, whatever lies there.
_KEEP = "choose another folder for the results, or move that one away first"
_LOOK_AGAIN_SECONDS = 1.0
_SUMMARY_TRIES = 100

_DESCRIPTION = f"""\
Enhance all volumes of a folder (with its subfolders) or of a CSV table with the columns
input and, if wished, output and mask. Results and reports land in OUTDIR, with {SUMMARY}.
What is finished is skipped, so a batch that was stopped goes on where it was; a volume that
cannot be enhanced is noted in the summary and does not stop the others. Several batches may run
into one folder at once: each volume is done by one of them. With --output-format dicom each DICOM
series becomes a folder with a DICOM series of the same study.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Register the subcommand."""
    parser = new_command(
        subparsers,
        "batch",
        run,
        help="enhance many volumes (a folder or a CSV table)",
        description=_DESCRIPTION,
    )
    parser.add_argument("source", metavar="INPUTS.csv|DIR", type=Path, help="CSV table, or folder with volumes")
    parser.add_argument("folder", metavar="OUTDIR", type=Path, help="folder of the results; made if missing")
    parser.add_argument(
        "--output-format", choices=("volume", "dicom"), default="volume", help="what results are (default: volume)"
    )
    parser.add_argument("--overwrite", action="store_true", help="enhance again what is finished")
    add_enhancement_options(parser)
    add_options(parser, DICOMSettings)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand."""
    from ..files.output_files import check_folder

    settings = settings_from(arguments)
    check_early(settings)
    dicom = dicom_settings(arguments, arguments.output_format == "dicom")
    notes: list[str] = []
    members = find_members(arguments.source, arguments.folder, notes, as_series=dicom is not None)
    _make_folder(arguments.folder)
    check_folder(arguments.folder)
    for note in notes if is_wanted() else ():
        print(note, file=sys.stderr)
    maps_folder = Path(arguments.maps) if arguments.maps else None
    jobs = [
        VolumeJob(
            input=member.input,
            output=member.output,
            settings=settings,
            mask=member.mask,
            report=member.output.with_name(f"{base_of(member.output)}.json"),
            maps_folder=maps_folder and maps_folder / _place_of_maps(member.output, arguments.folder, dicom),
            overwrite=arguments.overwrite,
            series=member.series,
            dicom=dicom,
        )
        for member in members
    ]
    with Interruption() as interruption:
        return _Batch(jobs, arguments.folder / SUMMARY).run(interruption)


def _place_of_maps(output, folder, dicom):
    """Where maps of a result go below their folder: as the result does below its own; series need a folder each."""
    place = Path(os.path.abspath(output))
    place = place.parent if dicom is None else place
    try:
        return place.relative_to(os.path.abspath(folder))
    except ValueError:
        return Path(*place.parts[1:])


class _Batch:
    """Runs the jobs in order and keeps the summary on the disk up to date.

    Several batches may run into one folder: a volume that another one is at work on is left to it
    and looked at again at the end.
    """

    def __init__(self, jobs, summary):
        self._jobs = jobs
        self._summary = summary
        self._rows = [dict.fromkeys(COLUMNS, "") for _ in jobs]
        for row, job in zip(self._rows, jobs):
            row.update(input=str(job.input), output=str(job.output), status=PENDING)

    def run(self, interruption):
        self._write_summary()
        busy = [number for number in range(len(self._jobs)) if not self._finish(number, interruption)]
        for number in busy:
            waiting = False
            while not self._finish(number, interruption):
                if not waiting:
                    print(f"{self._prefix(number)}waiting for the other batch", file=sys.stderr)
                waiting = True
                time.sleep(_LOOK_AGAIN_SECONDS)
        return self._close()

    def _finish(self, number, interruption):
        """Do one job; False if another batch is at it."""
        row, job = self._rows[number], self._jobs[number]
        started = time.monotonic()
        try:
            interruption.check()
            with ProgressLine(prefix=self._prefix(number)) as progress:
                outcome = self._run_one(job, Task(progress, interruption.is_cancelled))
            if outcome is None:
                return False
            report, status = outcome
            row.update(status=status, warnings=" | ".join(report["warnings"]), seconds=report["seconds"])
        except (Cancelled, KeyboardInterrupt):
            row.update(status=STOPPED, message="stopped by the user")
            self._write_summary()
            raise Cancelled() from None
        except CHARMSSRError as error:
            row.update(status=FAILED, message=_one_line(error), seconds=round(time.monotonic() - started, 1))
        except Exception as error:  # one volume must not stop a cohort, whatever it does
            message = _one_line(f"unexpected {type(error).__name__}: {error}")
            row.update(status=FAILED, message=message, seconds=round(time.monotonic() - started, 1))
        self._announce(self._prefix(number), row)
        self._write_summary()
        return True

    def _prefix(self, number):
        return f"[{number + 1}/{len(self._jobs)}] {self._jobs[number].input.name}  "

    def _run_one(self, job, task):
        from ..files.lease_lock import LeaseLock

        report = _finished_report(job)
        if report is not None:
            return report, SKIPPED
        _make_folder(job.output.parent)
        lock = LeaseLock.beside(job.output)
        if not lock.acquire():
            return None
        try:
            # A second look: the other batch may have finished it between the first look and the lock.
            report = _finished_report(job)
            if report is not None:
                return report, SKIPPED
            if job.maps_folder is not None:
                _make_folder(job.maps_folder)
            job.check_outputs()
            return job.run(task), FINISHED
        finally:
            lock.release()

    def _announce(self, prefix, row):
        text = {SKIPPED: "finished earlier", FINISHED: f"done in {row['seconds']} s"}.get(row["status"], row["message"])
        if row["status"] == FAILED or is_wanted():
            print(f"{prefix}{text}", file=sys.stderr)

    def _close(self):
        failed = sum(row["status"] == FAILED for row in self._rows)
        print(f"{len(self._rows) - failed} of {len(self._rows)} volumes are finished; see {self._summary}")
        if failed:
            raise CHARMSSRError(f"{failed} of {len(self._rows)} volumes failed; see the messages in {self._summary}.")

    def _write_summary(self):
        """Write the rows of this batch, after those of others into the same folder."""
        from ..files.lease_lock import LeaseLock
        from ..files.output_files import OutputFiles

        lock = LeaseLock.beside(self._summary)
        for _ in range(_SUMMARY_TRIES):
            if lock.acquire():
                break
            time.sleep(0.05)
        try:
            text = io.StringIO()
            writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self._rows_of_others() + self._rows)
            with OutputFiles(overwrite=True) as files:
                files.add_text(text.getvalue(), self._summary)
                files.commit()
        finally:
            lock.release()

    def _rows_of_others(self):
        ours = {row["output"] for row in self._rows}
        try:
            with open(self._summary, newline="", encoding="utf-8", errors="surrogateescape") as stream:
                rows = list(csv.DictReader(stream))
        except (OSError, csv.Error):
            return []
        if any(set(row) != set(COLUMNS) for row in rows):
            return []
        return [row for row in rows if row["output"] not in ours]


def _finished_report(job):
    """The report of a result that is there already; None if the work is to be done.

    Raises:
        OutputError: the result there was made from another input, from an input that has changed
            since, or with other settings.
    """
    from ..files.fingerprint import is_unchanged

    if job.overwrite or not (job.output.exists() and job.report.exists()) or _is_empty_folder(job.output):
        return None
    try:
        report = json.loads(job.report.read_text(encoding="utf-8"))
        made_from, made_with = Path(report["files"]["input"]), dict(report["settings"])
        state = report["files"].get("input_state")
        report["warnings"], report["seconds"]
    except (OSError, ValueError, KeyError, TypeError):
        raise OutputError(f"{job.report} is no report of this program; {_KEEP}.") from None
    if job.dicom is not None:
        written = report.get("dicom") or {}
        if written.get("settings") != asdict(job.dicom):
            raise OutputError(f"{job.output} was made with other settings; {_KEEP}.")
        if written.get("images") != len(list(job.output.glob("IM*.dcm"))):
            raise OutputError(f"{job.output} does not hold all images of its series any more; {_KEEP}.")
    wanted = asdict(job.settings)
    if any(made_with.get(name) != wanted[name] for name in wanted if name not in _MACHINE_SETTINGS):
        raise OutputError(f"{job.output} was made with other settings; {_KEEP}.")
    if made_from.absolute() != job.input.absolute():
        raise OutputError(f"{job.output} was made from {made_from}; {_KEEP}.")
    if state and job.input.exists() and not is_unchanged(job.input, state):
        raise OutputError(f"{job.input} has changed since {job.output} was made from it; {_KEEP}.")
    return report


def _make_folder(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be created: {error.strerror or error}. Choose another."
        ) from error


def _is_empty_folder(path):
    return path.is_dir() and not any(path.iterdir())


def _one_line(text):
    return " ".join(str(text).split())
