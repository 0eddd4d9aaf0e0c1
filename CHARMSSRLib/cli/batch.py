"""``charmssr batch``: many volumes, one after the other, resumable."""

import argparse
import csv
import io
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from ..errors import Cancelled, CHARMSSRError, OutputError
from .cohort import find_members
from .interruption import Interruption
from .one_volume import VolumeJob
from .options import add_enhancement_options, check_early, settings_from
from .progress import ProgressLine

SUMMARY = "summary.csv"
COLUMNS = ("input", "output", "status", "message", "seconds", "warnings")
PENDING, FINISHED, SKIPPED, FAILED, STOPPED = "pending", "done", "skipped", "failed", "cancelled"

# What a result does not depend on beyond rounding: another machine may go on with a batch.
_MACHINE_SETTINGS = ("device", "precision", "batch")

_DESCRIPTION = f"""\
Enhance all volumes of a folder (with its subfolders) or of a CSV table with the columns
input and, if wished, output and mask. Results and reports land in OUTDIR, with {SUMMARY}.
What is finished is skipped, so a batch that was stopped goes on where it was; a volume that
cannot be enhanced is noted in the summary and does not stop the others.
"""


def add_parser(subparsers):
    """Register the subcommand."""
    parser = subparsers.add_parser(
        "batch",
        help="enhance many volumes (a folder or a CSV table)",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("source", metavar="INPUTS.csv|DIR", type=Path, help="CSV table, or folder with volumes")
    parser.add_argument("folder", metavar="OUTDIR", type=Path, help="folder of the results; made if missing")
    parser.add_argument("--overwrite", action="store_true", help="enhance again what is finished")
    add_enhancement_options(parser)
    parser.set_defaults(run=run)


def run(arguments):
    """Run the subcommand."""
    from ..files.output_files import check_folder

    settings = settings_from(arguments)
    check_early(settings)
    members = find_members(arguments.source, arguments.folder)
    _make_folder(arguments.folder)
    check_folder(arguments.folder)
    maps_folder = Path(arguments.maps) if arguments.maps else None
    jobs = [
        VolumeJob(
            input=member.input,
            output=member.output,
            settings=settings,
            mask=member.mask,
            report=member.output.with_name(f"{_stem(member.output)}.json"),
            maps_folder=maps_folder,
            overwrite=arguments.overwrite,
        )
        for member in members
    ]
    with Interruption() as interruption:
        return _Batch(jobs, arguments.folder / SUMMARY).run(interruption)


class _Batch:
    """Runs the jobs in order and keeps the summary on the disk up to date."""

    def __init__(self, jobs, summary):
        self._jobs = jobs
        self._summary = summary
        self._rows = [dict.fromkeys(COLUMNS, "") for _ in jobs]
        for row, job in zip(self._rows, jobs):
            row.update(input=str(job.input), output=str(job.output), status=PENDING)

    def run(self, interruption):
        self._write_summary()
        for number, (row, job) in enumerate(zip(self._rows, self._jobs), 1):
            started = time.monotonic()
            prefix = f"[{number}/{len(self._jobs)}] {job.input.name}  "
            try:
                interruption.check()
                with ProgressLine(prefix=prefix) as progress:
                    report, status = self._run_one(job, progress, interruption)
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
            self._announce(prefix, row)
            self._write_summary()
        return self._close()

    def _run_one(self, job, progress, interruption):
        report = _finished_report(job)
        if report is not None:
            return report, SKIPPED
        _make_folder(job.output.parent)
        if job.maps_folder is not None:
            _make_folder(job.maps_folder)
        job.check_outputs()
        return job.run(progress, interruption), FINISHED

    def _announce(self, prefix, row):
        text = {SKIPPED: "finished earlier", FINISHED: f"done in {row['seconds']} s"}.get(row["status"], row["message"])
        print(f"{prefix}{text}", file=sys.stderr)

    def _close(self):
        failed = sum(row["status"] == FAILED for row in self._rows)
        print(f"{len(self._rows) - failed} of {len(self._rows)} volumes are finished; see {self._summary}")
        if failed:
            raise CHARMSSRError(f"{failed} of {len(self._rows)} volumes failed; see the messages in {self._summary}.")

    def _write_summary(self):
        from ..files.output_files import OutputFiles

        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        with OutputFiles(overwrite=True) as files:
            files.add_text(text.getvalue(), self._summary)
            files.commit()


def _finished_report(job):
    """The report of a result that is there already; None if the work is to be done.

    Raises:
        OutputError: the result there was made from another input or with other settings.
    """
    if job.overwrite or not (job.output.exists() and job.report.exists()):
        return None
    try:
        report = json.loads(job.report.read_text(encoding="utf-8"))
        made_from, made_with = Path(report["files"]["input"]), dict(report["settings"])
        report["warnings"], report["seconds"]
    except (OSError, ValueError, KeyError, TypeError):
        raise OutputError(f"{job.report} is no report of this program; remove it or use --overwrite.") from None
    wanted = asdict(job.settings)
    if any(made_with.get(name) != wanted[name] for name in wanted if name not in _MACHINE_SETTINGS):
        raise OutputError(f"{job.output} was made with other settings; choose another folder or use --overwrite.")
    if made_from.absolute() != job.input.absolute():
        raise OutputError(f"{job.output} was made from {made_from}; choose another folder or use --overwrite.")
    return report


def _make_folder(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be created: {error.strerror or error}. Choose another."
        ) from error


def _stem(path):
    from ..files.output_files import volume_stem

    return volume_stem(path)


def _one_line(text):
    return " ".join(str(text).split())
