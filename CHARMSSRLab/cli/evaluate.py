"""``charmssr evaluate``: score a checkpoint against bicubic interpolation on high-resolution volumes."""

from pathlib import Path

from CHARMSSRLib.cli.command import new_command
from CHARMSSRLib.cli.interruption import Interruption
from CHARMSSRLib.cli.progress import ProgressLine
from CHARMSSRLib.task import Task

from ..training.degradation_list import DEGRADATIONS
from .options import add_device_option, add_volume_options
from .whole_volume_study import add_study_options, run_whole_volume_study


def add_parser(subparsers):
    """Register the subcommand."""
    parser = new_command(
        subparsers,
        "evaluate",
        run,
        help="score a checkpoint on high-resolution volumes",
        description="Degrade the slices of high-resolution volumes, enlarge them with a checkpoint and with bicubic"
        " interpolation, and compare both with the volumes.",
    )
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="name of a checkpoint, or the path of its weights")
    add_volume_options(parser)
    parser.add_argument(
        "--degradation",
        nargs="+",
        choices=DEGRADATIONS,
        metavar="NAME",
        help=f"one or more of {', '.join(DEGRADATIONS)} (default: bicubic; of study whole-heads: kspace clinical)",
    )
    parser.add_argument(
        "--skull-strip", default="auto", metavar="auto|BACKEND", help="for volumes that are not stripped yet"
    )
    add_device_option(parser)
    parser.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        type=Path,
        help="table to write: .md for Markdown, else CSV; may be given more than once. Without it Markdown is printed",
    )
    add_study_options(parser)


def run(arguments):
    """Run the subcommand."""
    if arguments.study is not None:
        return run_whole_volume_study(arguments)
    from CHARMSSRLib.checkpoints.loading import load_checkpoint
    from CHARMSSRLib.files.output_files import check_target
    from CHARMSSRLib.machine.devices import choose_device

    from ..comparison.protocol import BASELINE, candidate_of, score_prepared
    from ..comparison.score_tables import markdown, write_tables
    from ..comparison.sites import site_section
    from ..comparison.volumes import first_planes, prepared_volumes

    degradations = arguments.degradation or ["bicubic"]
    for path in arguments.output:
        check_target(path, overwrite=True)
    device = choose_device(arguments.device)
    checkpoint = load_checkpoint(arguments.checkpoint, device)
    candidates = [BASELINE, candidate_of(checkpoint)]
    rows = []
    with Interruption() as interruption, ProgressLine() as progress:
        task = Task(progress, interruption.is_cancelled)
        volumes = prepared_volumes(arguments.data, arguments.split, arguments.contrast, arguments.skull_strip, task)
        for volume in first_planes(volumes) if arguments.first_plane else volumes:
            for degradation in degradations:
                rows += score_prepared(
                    volume, candidates, degradation, checkpoint.card["scale"], arguments.slices, device,
                    task=task,
                )  # fmt: skip
    name = checkpoint.card["name"]
    title = f"{name} on the {arguments.split} volumes"
    more = [_made_by(arguments, degradations, checkpoint.card), "", *site_section(rows, name)]
    write_tables(rows, arguments.output, title, more)
    if not arguments.output:
        print("\n".join([markdown(rows, title), *more]))


def _made_by(arguments, degradations, card):
    """The line of a report that says which weights it is about and how to make it again."""
    words = ["charmssr evaluate", card["name"], "--data DATA", "--split", arguments.split]
    words += ["--contrast", arguments.contrast] if arguments.contrast else []
    words += ["--slices", str(arguments.slices)] if arguments.slices else []
    words += ["--first-plane"] if arguments.first_plane else []
    words += ["--degradation", *degradations]
    return f"Checkpoint: {card['name']} (SHA-256 {card['sha256'][:12]}...). Command: `{' '.join(words)}`."
