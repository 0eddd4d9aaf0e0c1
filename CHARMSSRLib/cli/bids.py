"""``charmssr bids``: a whole BIDS dataset, as a BIDS App."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..bids.file_names import label_of
from ..errors import InputError, SettingsError
from .bids_console import Console, say, tell
from .bids_options import NETWORK_ENGINE, SNAKEMAKE, add_arguments, options_of
from .command import new_command
from .interruption import Interruption
from .options import check_early, settings_from

if TYPE_CHECKING:
    import argparse

REFUSED, FAILED = 3, 4
LEAST_MEMORY_MB = 1000  # measured: 0.77 to 0.90 GB for a small head, both processes together

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


def add_parser(subparsers: argparse._SubParsersAction) -> None:
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
    add_arguments(parser)


def run(arguments: argparse.Namespace) -> int | None:
    """Run the subcommand."""
    from ..bids.dataset import check_places, read_description
    from ..checkpoints.registry import read_card

    arguments.maps = "yes" if arguments.maps else None
    engines = arguments.engine or []
    by_snakemake = SNAKEMAKE in engines
    arguments.engine = next((name for name in reversed(engines) if name != SNAKEMAKE), NETWORK_ENGINE)
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
        say(validate(arguments.dataset))
    prepare_output(arguments.dataset, arguments.output, description, card)
    tell(notes)
    wanted = {"cpus": arguments.n_cpus, "mem_mb": arguments.mem_mb}
    run_snakemake(
        arguments.dataset,
        arguments.output,
        sorted({task.scan.subject for task in tasks}),
        options_of(arguments, settings),
        arguments.profile,
        arguments.parts,
        {name: value for name, value in wanted.items() if value is not None},
    )
    to_do, changed, done = plan(tasks, _orders(arguments, settings), fresh=True)  # other machines did it
    refused = len(changed)
    for task in to_do:
        entry = journal.last(arguments.output / task.outputs.log)
        refused += entry is not None and entry.status == journal.REFUSED
        say(f"not done: {task.scan.path}: {entry.message or entry.status if entry else 'not begun'}")
    print(f"{len(tasks)} scans: {done} done, {len(to_do) + len(changed)} not. Results: {arguments.output}")
    return _status(arguments, len(to_do) + len(changed) > refused, bool(refused), notes)


def _status(arguments, failed, refused, notes):
    if failed:
        return FAILED
    return REFUSED if (refused or any(note.refused for note in notes)) and not arguments.accept_refused else 0


def _participant(arguments, settings, card, description, tasks, notes):
    from ..bids.dataset import prepare_output
    from ..bids.participant import ParticipantRun, describe, plan
    from ..bids.validation import validate
    from ..bids.warm_worker import WarmWorker
    from ..machine.cores import usable_cores

    orders = _orders(arguments, settings)
    if arguments.dry_run:
        tell(notes, everything=True)
        return _show_plan(*plan(tasks, orders))
    if not arguments.skip_bids_validation and arguments.shard[0] == 1:
        say(validate(arguments.dataset))
    prepare_output(arguments.dataset, arguments.output, description, card)
    tell(notes)
    with ExitStack() as stack:
        if arguments.work_dir is not None:
            _use_work_folder(arguments.work_dir)
        interruption = stack.enter_context(Interruption())
        cores = arguments.n_cpus or usable_cores()
        worker = stack.enter_context(WarmWorker(cores, arguments.mem_mb))
        console = Console(arguments)
        stack.callback(console.close)
        outcome = ParticipantRun(orders, worker, console, interruption.is_cancelled).run(tasks)
    counts = ", ".join(f"{count} {name}" for name, count in describe(outcome).items()) or "nothing to do"
    print(f"{len(tasks)} scan{'s' if len(tasks) != 1 else ''}: {counts}. Results: {arguments.output}")
    for kind, listed in (("failed", outcome.failed), ("refused", outcome.refused)):
        for path, message in listed:
            print(f"charmssr: {kind}: {path}: {message}", file=sys.stderr)
    return _status(arguments, bool(outcome.failed), bool(outcome.refused), notes)


def _show_plan(to_do, changed, done):
    for task in to_do:
        print(f"to do: {task.scan.path} -> {task.outputs.image}")
    for task, reason in changed:
        print(f"changed: {task.scan.path}: {reason}")
    print(f"{len(to_do)} to do, {len(changed)} changed, {done} finished")
    return 0


def _use_work_folder(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The work folder {folder} cannot be created: {error.strerror or error}.") from None
    tempfile.tempdir = str(folder)
    os.environ["TMPDIR"] = str(folder)
