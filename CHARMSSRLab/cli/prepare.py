"""``charmssr prepare``: turn volumes into the cached slices that training and evaluation read."""

from pathlib import Path

from CHARMSSRLib.cli.command import new_command
from CHARMSSRLib.cli.interruption import Interruption
from CHARMSSRLib.cli.progress import ProgressLine


def add_parser(subparsers):
    """Register the subcommand."""
    parser = new_command(
        subparsers,
        "prepare",
        run,
        help="turn volumes into cached slices for training",
        description="Preprocess every volume that DATA/manifest.csv lists (columns file, subject, split, contrast,"
        " skull) and cut it into slices. Restartable: what is finished is not done again.",
    )
    parser.add_argument("data", metavar="DATA", type=Path, help="folder with manifest.csv and its volumes")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="folder of the prepared slices")
    parser.add_argument("--splits", nargs="+", default=["train", "val"], help="rows to prepare (default: train val)")
    parser.add_argument(
        "--all-sources", action="store_true", help="also volumes that bundled weights may not learn from"
    )
    parser.add_argument("--skull-strip", default="auto", metavar="auto|BACKEND", help="for volumes with a skull")


def run(arguments):
    """Run the subcommand."""
    from ..training.prepare import prepare

    with Interruption() as interruption, ProgressLine() as progress:
        files = prepare(
            arguments.data, arguments.output, arguments.splits, not arguments.all_sources, arguments.skull_strip,
            progress, interruption.is_cancelled,
        )  # fmt: skip
    print(f"{len(files)} stacks of slices in {arguments.output}")
