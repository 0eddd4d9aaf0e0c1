"""``charmssr bids``: a whole BIDS dataset, as a BIDS App."""

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from ..bids.file_names import CONTRASTS, label_of
from ..errors import CHARMSSRError, InputError, SettingsError
from ..settings import EnhancementSettings
from ..settings_table import settings_of
from .command import new_command
from .interruption import Interruption
from .options import add_enhancement_options, check_early, positive, settings_from
from .progress import ProgressLine

REFUSED, FAILED = 3, 4
LEAST_MEMORY_MB = 1000  # measured: 0.77 to 0.90 GB for a small head, both processes together
SNAKEMAKE = "snakemake"
_ENGINE, _NETWORK_ENGINE = settings_of(EnhancementSettings)["engine"]
_SHOWN_NOTES = 20
_REDO = ("no", "changed", "all")

_DESCRIPTION = """\
Enhance the T1w, T2w and FLAIR scans of a BIDS dataset into a derivative dataset.

participant does the scans; what is finished is skipped, so a run that was stopped or killed goes on where it was,
and several processes may share one output folder. group makes the quality pages and the table of all scans.
"""
_EPILOG = """\
examples:
  charmssr bids DATASET DATASET/derivatives/charmssr participant --participant-label 01 02
  charmssr bids DATASET OUT participant --shard 3/40        (task 3 of an array of 40 jobs)
  charmssr bids DATASET OUT group

exit status: 0 all done; 2 bad input or usage, nothing was begun; 3 some scans were refused (trying again will not
help); 4 some scans failed (trying again may help); 130 stopped. Other scans go on in either case.
"""


def add_parser(subparsers):
    """Register the subcommand."""
    parser = new_command(
        subparsers,
        "bids",
        run,
        help="enhance a BIDS dataset (a BIDS App)",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        conflict_handler="resolve",
    )
    parser.add_argument("dataset", metavar="BIDS_DIR", type=Path, help="raw BIDS dataset; it is never written")
    parser.add_argument("output", metavar="OUTPUT_DIR", type=Path, help="folder of the derivatives; made if missing")
    parser.add_argument("level", choices=("participant", "group"), help="the scans, or the pages over all of them")
    what = parser.add_argument_group("scans")
    what.add_argument("--participant-label", "--participant_label", nargs="+", default=[], metavar="LABEL")
    what.add_argument("--session-label", "--session_label", nargs="+", default=[], metavar="LABEL")
    what.add_argument("--contrasts", nargs="+", choices=CONTRASTS, default=list(CONTRASTS), help="default: all")
    what.add_argument(
        "--bids-filter-file", metavar="FILE", type=Path, help='JSON such as {"t1w": {"acquisition": "mprage"}}'
    )
    what.add_argument("--shard", type=_shard, default=(1, 1), metavar="I/N", help="do part I of N parts (by subject)")
    what.add_argument("--skip-bids-validation", action="store_true", help="do not run bids-validator-deno first")
    what.add_argument("--dry-run", action="store_true", help="list what would be done, and do nothing")
    again = parser.add_argument_group("what is there already")
    again.add_argument(
        "--redo",
        choices=_REDO,
        default="no",
        help="do again what is finished: nothing (results whose scan, settings or weights have changed are refused), "
        "what has changed, or all (default: no)",
    )
    again.add_argument("--verify-inputs", action="store_true", help="compare hashes even where size and time agree")
    again.add_argument(
        "--accept-refused",
        action="store_true",
        help="end with status 0, not 3, where scans were refused: for engines that throw away a job with any other",
    )
    again.add_argument("--retries", type=_retries, default=1, metavar="N", help="tries of failed scans (default: 1)")
    add_enhancement_options(parser)
    parser.add_argument("--maps", action="store_true", help="also write the maps of what was added")
    # One option of two kinds: what runs the network, and what runs the scans. It may be given twice.
    parser.add_argument(
        "--engine",
        action="append",
        choices=(*_ENGINE.choices, SNAKEMAKE),
        help=f"what runs the network (default: {_NETWORK_ENGINE}); snakemake: Snakemake runs the scans, in batches",
    )
    parser.add_argument("--profile", default="local", help="Snakemake's: local, slurm, cluster, or one of yours")
    parser.add_argument("--parts", type=positive, default=0, metavar="N", help="Snakemake's batches: one per subject")
    parser.add_argument("--no-pages", action="store_true", help="make no quality pages")
    parser.add_argument("-w", "--work-dir", metavar="WORK", type=Path, help="folder for temporary files")
    parser.add_argument("--n-cpus", "--n_cpus", "--nprocs", type=positive, metavar="N", help="cores to use")
    parser.add_argument("--mem-mb", "--mem_mb", type=positive, metavar="MB", help="memory to use, at least 1000")


def run(arguments):
    """Run the subcommand."""
    from ..bids.dataset import check_places, read_description
    from ..checkpoints.registry import read_card

    arguments.maps = "yes" if arguments.maps else None
    engines = arguments.engine or []
    by_snakemake = SNAKEMAKE in engines
    arguments.engine = next((name for name in reversed(engines) if name != SNAKEMAKE), _NETWORK_ENGINE)
    settings = settings_from(arguments)
    check_early(settings)
    if arguments.mem_mb is not None and arguments.mem_mb < LEAST_MEMORY_MB:
        raise SettingsError(f"--mem-mb {arguments.mem_mb} is too little: give at least {LEAST_MEMORY_MB}.")
    description = read_description(arguments.dataset)
    check_places(arguments.dataset, arguments.output)
    if not arguments.no_pages:
        from ..bids.pictures import require_pages

        require_pages()
    if arguments.level == "group":
        return _group(arguments)
    card = read_card(settings.checkpoint)
    tasks, notes = _find(arguments, settings, card["scale"])
    run_level = _by_snakemake if by_snakemake and not arguments.dry_run else _participant
    return run_level(arguments, settings, card, description, tasks, notes)


def _find(arguments, settings, scale):
    from ..bids.file_names import Outputs
    from ..bids.filters import Selection, read_filters
    from ..bids.participant import ScanTask, shard_of
    from ..bids.scans import find_scans

    selection = Selection(
        subjects=_labels(arguments.participant_label, "sub"),
        sessions=_labels(arguments.session_label, "ses"),
        contrasts=tuple(arguments.contrasts),
        filters=read_filters(arguments.bids_filter_file) if arguments.bids_filter_file else {},
    )
    scans, notes = find_scans(arguments.dataset, selection)
    if not scans:
        first = next((note.message for note in notes if note.refused), "")
        raise InputError(first or f"{arguments.dataset} has no {' or '.join(selection.contrasts)} scan to enhance.")
    whole_head = settings.keep_skull or settings.skull_strip == "none"
    tasks = [ScanTask(scan, Outputs(scan.path, scale, whole_head)) for scan in scans]
    return shard_of(tasks, *arguments.shard), notes


def _labels(texts, key):
    """Labels with or without "sub-", also with commas between them; each once."""
    return tuple(dict.fromkeys(label_of(one, key) for text in texts for one in text.split(",") if one))


def _group(arguments):
    from ..bids.dataset import check_own_output
    from ..bids.pages import TABLE, write_group

    check_own_output(arguments.output)
    rows, unusual = write_group(arguments.output, pages=not arguments.no_pages)
    done = sum(row.status == "done" for row in rows)
    page = TABLE if arguments.no_pages else "group.html"
    print(f"{len(rows)} scans: {done} done, {unusual} with an unusual figure. See {arguments.output / page}")
    return 0


def _orders(arguments, settings):
    from ..bids.participant import Orders
    from ..checkpoints.registry import find_weights, sha256_of

    return Orders(
        dataset=arguments.dataset,
        output=arguments.output,
        settings=settings,
        checkpoint_sha256=sha256_of(find_weights(settings.checkpoint)),
        redo=arguments.redo,
        retries=arguments.retries,
        verify=arguments.verify_inputs,
        pictures=not arguments.no_pages,
    )


def _by_snakemake(arguments, settings, card, description, tasks, notes):
    from ..bids import journal
    from ..bids.dataset import prepare_output
    from ..bids.participant import plan
    from ..bids.snakemake import run_snakemake, snakemake_program
    from ..bids.validation import validate

    snakemake_program()
    if arguments.shard != (1, 1):
        raise SettingsError("--shard and --engine snakemake both share out the work; use one of them.")
    if not arguments.skip_bids_validation:
        _say(validate(arguments.dataset))
    prepare_output(arguments.dataset, arguments.output, description, card)
    _tell(notes)
    wanted = {"cpus": arguments.n_cpus, "mem_mb": arguments.mem_mb}
    run_snakemake(
        arguments.dataset,
        arguments.output,
        sorted({task.scan.subject for task in tasks}),
        _options_of(arguments, settings),
        arguments.profile,
        arguments.parts,
        {name: value for name, value in wanted.items() if value is not None},
    )
    to_do, changed, done = plan(tasks, _orders(arguments, settings), fresh=True)  # other machines did it
    refused = len(changed)
    for task in to_do:
        entry = journal.last(arguments.output / task.outputs.log)
        refused += entry is not None and entry.status == journal.REFUSED
        _say(f"not done: {task.scan.path}: {entry.message or entry.status if entry else 'not begun'}")
    print(f"{len(tasks)} scans: {done} done, {len(to_do) + len(changed)} not. Results: {arguments.output}")
    return _status(arguments, len(to_do) + len(changed) > refused, bool(refused), notes)


def _status(arguments, failed, refused, notes):
    if failed:
        return FAILED
    return REFUSED if (refused or any(note.refused for note in notes)) and not arguments.accept_refused else 0


def _options_of(arguments, settings):
    """The options of this run that every batch needs, as a command line has them."""
    options = []
    for name, (one, default) in settings_of(type(settings)).items():
        value = getattr(settings, name)
        flag = name.replace("_", "-")
        if not one.on_the_command_line or value == default:
            continue
        if isinstance(default, bool):
            options.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            options += [f"--{flag}", str(value)]
    for flag in ("maps", "no_pages", "verify_inputs"):
        options += [f"--{flag.replace('_', '-')}"] if getattr(arguments, flag) else []
    if arguments.session_label:
        options += ["--session-label", *arguments.session_label]
    if arguments.bids_filter_file:
        options += ["--bids-filter-file", str(arguments.bids_filter_file.resolve())]
    if arguments.work_dir:
        options += ["--work-dir", str(arguments.work_dir.resolve())]
    options += ["--contrasts", *arguments.contrasts]
    return [*options, "--redo", arguments.redo, "--retries", str(arguments.retries)]


def _participant(arguments, settings, card, description, tasks, notes):
    from ..bids.dataset import prepare_output
    from ..bids.participant import ParticipantRun, describe, plan
    from ..bids.validation import validate
    from ..bids.warm_worker import WarmWorker
    from ..machine.cores import usable_cores

    orders = _orders(arguments, settings)
    if arguments.dry_run:
        _tell(notes, everything=True)
        return _show_plan(*plan(tasks, orders))
    if not arguments.skip_bids_validation and arguments.shard[0] == 1:
        _say(validate(arguments.dataset))
    prepare_output(arguments.dataset, arguments.output, description, card)
    _tell(notes)
    with ExitStack() as stack:
        if arguments.work_dir is not None:
            _use_work_folder(arguments.work_dir)
        interruption = stack.enter_context(Interruption())
        cores = arguments.n_cpus or usable_cores()
        worker = stack.enter_context(WarmWorker(cores, arguments.mem_mb))
        console = _Console(arguments)
        stack.callback(console.close)
        outcome = ParticipantRun(orders, worker, console, interruption.is_cancelled).run(tasks)
    counts = ", ".join(f"{count} {name}" for name, count in describe(outcome).items()) or "nothing to do"
    print(f"{len(tasks)} scan{'s' if len(tasks) != 1 else ''}: {counts}. Results: {arguments.output}")
    for kind, listed in (("failed", outcome.failed), ("refused", outcome.refused)):
        for path, message in listed:
            print(f"charmssr: {kind}: {path}: {message}", file=sys.stderr)
    return _status(arguments, bool(outcome.failed), bool(outcome.refused), notes)


class _Console:
    """Tells a run's progress on standard error."""

    def __init__(self, arguments):
        self._arguments = arguments
        self._line = None
        self._position = ""

    def progress(self, task, position, seconds_left):
        from ..remaining_time import spoken

        self.close()
        left = f", all: about {spoken(seconds_left)} left" if seconds_left else ""
        self._position = position
        self._line = ProgressLine(prefix=f"[{position}{left}] {task.outputs.key}  ")
        return self._line

    def ended(self, task, status, message):
        self.close()
        position = f"[{self._position}] " if self._position else ""
        text = f"{status}: {message}" if message and status != "done" else f"{status} {message}".strip()
        print(f"{position}{task.outputs.key}  {text}", file=sys.stderr)
        self._position = ""

    def subject_done(self, subject):
        if self._arguments.no_pages:
            return
        from ..bids.pages import write_subject_page

        try:
            write_subject_page(self._arguments.output, subject)
        except CHARMSSRError as error:  # the group level makes all pages anew
            _say(f"The page of {subject} is left for the group level: {error}")

    def close(self):
        if self._line is not None:
            self._line.__exit__()
            self._line = None


def _show_plan(to_do, changed, done):
    for task in to_do:
        print(f"to do: {task.scan.path} -> {task.outputs.image}")
    for task, reason in changed:
        print(f"changed: {task.scan.path}: {reason}")
    print(f"{len(to_do)} to do, {len(changed)} changed, {done} finished")
    return 0


def _tell(notes, everything=False):
    shown = notes if everything else notes[:_SHOWN_NOTES]
    for note in shown:
        _say(note.message)
    if len(notes) > len(shown):
        _say(f"... and {len(notes) - len(shown)} more scans or folders are left out; --dry-run lists them all.")


def _say(message):
    if message:
        print(f"charmssr: {message}", file=sys.stderr)


def _use_work_folder(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The work folder {folder} cannot be created: {error.strerror or error}.") from None
    tempfile.tempdir = str(folder)
    os.environ["TMPDIR"] = str(folder)


def _shard(text):
    part, _, parts = text.partition("/")
    if part.isdigit() and parts.isdigit() and 1 <= int(part) <= int(parts):
        return int(part), int(parts)
    raise argparse.ArgumentTypeError(f"{text!r} is no part of a whole; write 3/40 for part 3 of 40")


def _retries(text):
    if text.isdigit() and int(text) <= 10:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 10")
