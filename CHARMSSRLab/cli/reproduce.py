"""``charmssr reproduce``: the paper's experiments on the public data sets that the user has downloaded."""

import sys
from pathlib import Path

from CHARMSSRLib.cli.command import new_command
from CHARMSSRLib.cli.interruption import Interruption
from CHARMSSRLib.cli.options import positive
from CHARMSSRLib.cli.progress import ProgressLine

from ..methods.registry import METHODS
from ..reproduction.presets import PRESETS
from .options import add_device_option


def add_parser(subparsers):
    """Register the subcommand."""
    parser = new_command(
        subparsers,
        "reproduce",
        run,
        help="run the paper's experiments on IXI, HCP and the paired 3T/7T sets",
        description="Find subjects, contrasts and fields in what was downloaded, run the paper's protocol and write its"
        " tables: 2-4 from IXI and HCP, 5-8 from PTT1 (fine-tuning) and PTT2 (test). docs/studies/reproduce.md says"
        " where to get each set. A run that was stopped goes on; what is finished is not done again.",
    )
    data = parser.add_argument_group("data, as unpacked; --dry-run shows what is found")
    data.add_argument("--ixi", metavar="DIR", type=Path, help="IXI: the folder with IXI-T1/ and IXI-T2/")
    data.add_argument("--hcp", metavar="DIR", type=Path, help="HCP Young Adult: the folder with the subjects")
    data.add_argument("--ptt1", metavar="DIR", type=Path, help="PTT1 (Chu 2025, 'BNU'): 3T/7T pairs to tune on")
    data.add_argument("--ptt2", metavar="DIR", type=Path, help="PTT2 (Chen 2023, 'UNC'): 3T/7T pairs to test on")
    data.add_argument("--layout", metavar="FILE.csv", type=Path, help="where scans of other names lie: columns set,"
                      " subject, contrast, field, path")  # fmt: skip
    data.add_argument("--contrast", choices=("T1w", "T2w", "both"), default="both", help="default: both")
    data.add_argument(
        "--subjects", type=positive, metavar="N", help="only N subjects of IXI and HCP, drawn by the seed"
    )
    parser.add_argument("--output", metavar="DIR", type=Path, help="folder of the results; made if missing")
    parser.add_argument("--dry-run", action="store_true", help="list what was found and what would be done; do nothing")
    tables = parser.add_argument_group("Tables 2-4")
    tables.add_argument("--scale", choices=("2", "4", "both"), default="2", help="default: 2")
    tables.add_argument("--methods", nargs="+", choices=METHODS, metavar="NAME", help=f"of {', '.join(METHODS)}")
    tables.add_argument("--ablation", action="store_true", help="also the ladder of Table 4")
    tables.add_argument("--preset", choices=("auto", *PRESETS), default="auto", help="training schedule:"
                        " the paper's, that of our comparison, or a short one (default: by device)")  # fmt: skip
    tables.add_argument("--steps", type=positive, metavar="N", help="training steps, instead of the preset's")
    tables.add_argument(
        "--weights", metavar="DIR", type=Path, help="trained weights: an earlier output, or NAME.safetensors"
    )
    tables.add_argument("--figures", action="store_true", help="also draw figures")
    tables.add_argument("--no-timing", action="store_true", help="leave out the milliseconds per slice")
    pairs = parser.add_argument_group("Tables 5-8")
    pairs.add_argument("--tuning-steps", type=positive, default=0, metavar="N", help="default: by device")
    pairs.add_argument(
        "--tuning-rate", type=float, default=0.0, metavar="RATE", help="learning rate (default: by device)"
    )
    pairs.add_argument("--hold-out", type=positive, default=2, metavar="N", help="subjects of PTT1 that choose the"
                       " step that is kept (default: 2)")  # fmt: skip
    both = parser.add_argument_group("all")
    both.add_argument("--checkpoint", metavar="NAME|FILE", help="what is tuned (default: that of 'charmssr enhance');"
                      " with --score-only also scored in Tables 2-3")  # fmt: skip
    both.add_argument("--score-only", action="store_true", help="train nothing: score --weights and --checkpoint")
    both.add_argument("--skull-strip", default="auto", metavar="auto|none|BACKEND", help="default: auto")
    both.add_argument("--seed", type=int, default=0, metavar="N", help="of the split and all training (default: 0)")
    add_device_option(both)


def run(arguments):
    """Run the subcommand."""
    from CHARMSSRLib.cli.entry import CANCELLED
    from CHARMSSRLib.errors import Cancelled

    from ..reproduction.experiment_plan import make_plan
    from ..reproduction.run_experiments import carry_out

    plan = make_plan(arguments)
    if arguments.dry_run:
        print("\n".join(plan.describe()))
        return None
    try:
        with Interruption() as interruption, ProgressLine() as progress:
            report = carry_out(plan, arguments.output, progress, interruption.is_cancelled)
    except Cancelled:
        print(
            f"charmssr: stopped; {arguments.output} keeps what is finished. The same command goes on.", file=sys.stderr
        )
        return CANCELLED
    print(report)
    return None
