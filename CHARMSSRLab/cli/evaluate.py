"""``charmssr evaluate``: score a checkpoint against bicubic interpolation on high-resolution volumes."""

from pathlib import Path

from CHARMSSRLib.cli.interruption import Interruption
from CHARMSSRLib.cli.progress import ProgressLine
from CHARMSSRLib.task import Task

from ..training.degradation_list import DEGRADATIONS
from .whole_volume_study import add_study_options, run_whole_volume_study


def add_parser(subparsers):
    """Register the subcommand."""
    parser = subparsers.add_parser(
        "evaluate",
        help="score a checkpoint on high-resolution volumes",
        description="Degrade the slices of high-resolution volumes, enlarge them with a checkpoint and with bicubic"
        " interpolation, and compare both with the volumes.",
        allow_abbrev=False,
    )
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="name of a checkpoint, or the path of its weights")
    parser.add_argument(
        "--data",
        required=True,
        metavar="DIR",
        type=Path,
        help="folder with a manifest.csv and its volumes, or one made by 'charmssr prepare'",
    )
    parser.add_argument("--split", default="val", help="which rows of the manifest (default: %(default)s)")
    parser.add_argument("--contrast", help="only this contrast, for example T1w")
    parser.add_argument(
        "--degradation",
        nargs="+",
        default=["bicubic"],
        choices=DEGRADATIONS,
        metavar="NAME",
        help=f"one or more of {', '.join(DEGRADATIONS)} (default: bicubic)",
    )
    parser.add_argument("--slices", type=int, metavar="N", help="only the central N slices of each volume")
    parser.add_argument(
        "--first-plane", action="store_true", help="of volumes sliced along three axes score only the first, axial"
    )
    parser.add_argument(
        "--skull-strip", default="auto", metavar="auto|BACKEND", help="for volumes that are not stripped yet"
    )
    parser.add_argument(
        "--device", default="auto", metavar="auto|cpu|cuda[:N]|mps", help="where the network runs (default: auto)"
    )
    parser.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        type=Path,
        help="table to write: .md for Markdown, else CSV; may be given more than once. Without it Markdown is printed",
    )
    add_study_options(parser)
    parser.set_defaults(run=run)


def run(arguments):
    """Run the subcommand."""
    if arguments.study is not None:
        return run_whole_volume_study(arguments)
    from CHARMSSRLib.checkpoints.loading import load_checkpoint
    from CHARMSSRLib.files.output_files import check_target
    from CHARMSSRLib.machine.devices import choose_device

    from ..comparison.protocol import BASELINE, candidate_of, score_prepared
    from ..comparison.sites import site_section
    from ..comparison.tables import markdown, write_tables
    from ..comparison.volumes import first_planes, prepared_volumes

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
            for degradation in arguments.degradation:
                rows += score_prepared(
                    volume, candidates, degradation, checkpoint.card["scale"], arguments.slices, device,
                    task=task,
                )  # fmt: skip
    name = checkpoint.card["name"]
    title = f"{name} on the {arguments.split} volumes"
    more = [_made_by(arguments, checkpoint.card), "", *site_section(rows, name)]
    write_tables(rows, arguments.output, title, more)
    if not arguments.output:
        print("\n".join([markdown(rows, title), *more]))


def _made_by(arguments, card):
    """The line of a report that says which weights it is about and how to make it again."""
    words = ["charmssr evaluate", card["name"], "--data DATA", "--split", arguments.split]
    words += ["--contrast", arguments.contrast] if arguments.contrast else []
    words += ["--slices", str(arguments.slices)] if arguments.slices else []
    words += ["--first-plane"] if arguments.first_plane else []
    words += ["--degradation", *arguments.degradation]
    return f"Checkpoint: {card['name']} (SHA-256 {card['sha256'][:12]}...). Command: `{' '.join(words)}`."
