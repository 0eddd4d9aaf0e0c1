"""``charmssr compare``: train or load every method under one protocol and write the tables."""

from pathlib import Path

from CHARMSSRLib.cli.command import new_command
from CHARMSSRLib.cli.interruption import Interruption
from CHARMSSRLib.cli.progress import ProgressLine
from CHARMSSRLib.task import Task

from ..comparison.studies import STUDIES
from ..training.degradation_list import DEGRADATIONS
from .options import add_device_option, add_volume_options


def add_parser(subparsers):
    """Register the subcommand."""
    parser = new_command(
        subparsers,
        "compare",
        run,
        help="train, score and tabulate all methods under one protocol",
        description="Train (or go on with, or load) every network of a study with one configuration, score them on the"
        " same slices and write report.md, scores.csv and costs.csv. A run that was stopped goes on where it was.",
    )
    parser.add_argument("config", metavar="CONFIG.json", type=Path, help="training configuration that all share")
    parser.add_argument("output", metavar="DIR", type=Path, help="existing folder for the report")
    add_volume_options(parser)
    parser.add_argument("--study", choices=STUDIES, default="methods", help="what to compare (default: %(default)s)")
    parser.add_argument(
        "--ablation", action="store_const", dest="study", const="ablation", help="the same as --study ablation"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these entries of the study")
    parser.add_argument(
        "--degradation",
        nargs="+",
        choices=DEGRADATIONS,
        metavar="NAME",
        help="degradations to score under (default: the one trained on)",
    )
    parser.add_argument("--weights", metavar="DIR", type=Path, help="folder with NAME.safetensors of trained entries")
    parser.add_argument(
        "--runs", metavar="DIR", type=Path, help="folder for training states (default: runs/NAME of the configuration)"
    )
    parser.add_argument(
        "--skip-missing",
        action="store_true",
        help="train nothing: score the networks whose training is finished, and name the others in the report",
    )
    parser.add_argument(
        "--figures",
        action="store_true",
        help="also draw quality.png, gains.png, errors.png, curves.png and, by study, depth.png or attention.png",
    )
    parser.add_argument("--no-timing", action="store_true", help="leave out the milliseconds per slice")
    add_device_option(parser)


def run(arguments):
    """Run the subcommand."""
    from CHARMSSRLib.files.output_files import check_folder
    from CHARMSSRLib.machine.devices import choose_device, hardware

    from ..comparison import contest
    from ..comparison.studies import check_base, entries_of
    from ..comparison.study_report import StudyOutcome, report_study
    from ..comparison.volumes import one_plane_each, prepared_volumes
    from ..plots import require_matplotlib
    from ..training.config import TrainingConfig

    check_folder(arguments.output)
    if arguments.figures:
        require_matplotlib()
    config = TrainingConfig.read(arguments.config)
    check_base(config)
    entries = entries_of(arguments.study, arguments.only)
    device = choose_device(arguments.device)
    degradations = arguments.degradation or [config.degradation]
    runs = arguments.runs or Path("runs") / config.name
    with Interruption() as interruption, ProgressLine() as progress:
        task = Task(progress, interruption.is_cancelled)
        scored = list(prepared_volumes(arguments.data, arguments.split, arguments.contrast, task=task))
        training = list(prepared_volumes(arguments.data, "train", task=task))
        contestants = contest.contest(
            entries, config, training, one_plane_each(scored), runs, arguments.weights, device, task,
            arguments.skip_missing,
        )  # fmt: skip
        if arguments.first_plane:
            scored = one_plane_each(scored)
        task.tell(1.0, "Scoring")
        rows = contest.score(contestants, scored, degradations, config.scale, arguments.slices, device, task)
        costs = contest.costs(contestants, config.scale, device, timed=not arguments.no_timing)
    protocol = contest.describe_protocol(
        config, training, degradations, arguments.split, arguments.study == "methods-as-published"
    )
    protocol += f" Machine: {hardware(device)}. Command: `{_command(arguments)}`."
    outcome = StudyOutcome(
        arguments.study, entries, config, protocol, contestants, costs, rows, scored, arguments.slices
    )
    report_study(outcome, arguments.output, arguments.weights or runs, arguments.figures, device)
    print(arguments.output / "report.md")


def _command(arguments):
    """The command line for the report: the paths of this machine say nothing to a reader."""
    words = ["charmssr compare", arguments.config.name, "DIR --data DATA --study", arguments.study]
    words += ["--only", *arguments.only] if arguments.only else []
    words += ["--split", arguments.split]
    words += ["--contrast", arguments.contrast] if arguments.contrast else []
    words += ["--degradation", *arguments.degradation] if arguments.degradation else []
    words += ["--slices", str(arguments.slices)] if arguments.slices else []
    options = (("--first-plane", arguments.first_plane), ("--skip-missing", arguments.skip_missing),
               ("--figures", arguments.figures), ("--no-timing", arguments.no_timing))  # fmt: skip
    return " ".join([*words, *(option for option, wanted in options if wanted)])
