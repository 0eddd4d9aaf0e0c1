"""The options of ``charmssr bids``, and those that it hands to each of its batches."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..bids.file_names import CONTRASTS
from ..settings import EnhancementSettings
from ..settings_table import settings_of
from .options import add_enhancement_options, positive

if TYPE_CHECKING:
    pass

SNAKEMAKE = "snakemake"
ENGINE, NETWORK_ENGINE = settings_of(EnhancementSettings)["engine"]
REDO = ("no", "changed", "all")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all arguments of the command to its parser."""
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
    what.add_argument("--shard", type=shard, default=(1, 1), metavar="I/N", help="do part I of N parts (by subject)")
    what.add_argument("--skip-bids-validation", action="store_true", help="do not run bids-validator-deno first")
    what.add_argument("--dry-run", action="store_true", help="list what would be done, and do nothing")
    again = parser.add_argument_group("what is there already")
    again.add_argument(
        "--redo",
        choices=REDO,
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
    again.add_argument("--retries", type=retries, default=1, metavar="N", help="tries of failed scans (default: 1)")
    add_enhancement_options(parser)
    parser.add_argument("--maps", action="store_true", help="also write the maps of what was added")
    # One option of two kinds: what runs the network, and what runs the scans. It may be given twice.
    parser.add_argument(
        "--engine",
        action="append",
        choices=(*ENGINE.choices, SNAKEMAKE),
        help=f"what runs the network (default: {NETWORK_ENGINE}); snakemake: Snakemake runs the scans, in batches",
    )
    parser.add_argument("--profile", default="local", help="Snakemake's: local, slurm, cluster, or one of yours")
    parser.add_argument("--parts", type=positive, default=0, metavar="N", help="Snakemake's batches: one per subject")
    parser.add_argument("--no-pages", action="store_true", help="make no quality pages")
    parser.add_argument("-w", "--work-dir", metavar="WORK", type=Path, help="folder for temporary files")
    parser.add_argument("--n-cpus", "--n_cpus", "--nprocs", type=positive, metavar="N", help="cores to use")
    parser.add_argument("--mem-mb", "--mem_mb", type=positive, metavar="MB", help="memory to use, at least 1000")


def options_of(arguments: argparse.Namespace, settings: EnhancementSettings) -> list[str]:
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


def shard(text: str) -> tuple[int, int]:
    """Type of an option for a part of a whole: "3/40"."""
    part, _, parts = text.partition("/")
    if part.isdigit() and parts.isdigit() and 1 <= int(part) <= int(parts):
        return int(part), int(parts)
    raise argparse.ArgumentTypeError(f"{text!r} is no part of a whole; write 3/40 for part 3 of 40")


def retries(text: str) -> int:
    """Type of an option for a number of tries, 0 to 10."""
    if text.isdigit() and int(text) <= 10:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 10")
