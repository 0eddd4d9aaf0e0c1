"""``charmssr fine-tune``: a checkpoint of one's own from pairs of 3T and 7T scans."""

import argparse
import os
import sys
from dataclasses import fields
from pathlib import Path

from ..errors import BackendError, CHARMSSRError, SettingsError
from ..settings import DEFAULT_CHECKPOINT, FineTuningSettings
from .interruption import Interruption
from .options import check_backend_name, device_name
from .progress import ProgressLine

_EPILOG = """\
examples:
  charmssr fine-tune pairs.csv my-7t
  charmssr fine-tune pairs.csv models/my-7t.safetensors --hold-out 2 --seed 3
  charmssr enhance scan.nii.gz enhanced.nii.gz --checkpoint my-7t

PAIRS.csv has the columns subject, contrast, path_3t, path_7t and, where there are brain masks, mask_3t.
A run that was killed goes on when the same command is given again. Ctrl-C keeps the best so far.
"""
_AUTOMATIC = "default: chosen by the device"


def add_parser(subparsers):
    """Register the subcommand."""
    parser = subparsers.add_parser(
        "fine-tune",
        help="tune a checkpoint to 3T/7T pairs",
        description="Tune a checkpoint to pairs of 3T and 7T scans of the same heads, and report what was gained.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("pairs", metavar="PAIRS.csv", type=Path, help="list of the pairs")
    parser.add_argument(
        "output", metavar="OUTPUT",
        help="name of the new checkpoint, which then lies with your others, or its file NAME.safetensors",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace an existing checkpoint")
    start = parser.add_argument_group("start and data")
    start.add_argument(
        "--checkpoint", default=DEFAULT_CHECKPOINT, metavar="NAME|FILE",
        help="where it starts from (default: %(default)s)",
    )  # fmt: skip
    start.add_argument(
        "--hold-out", type=int, default=1, metavar="N",
        help="subjects held out to watch the run and to score it: the last of the list (default: 1)",
    )  # fmt: skip
    start.add_argument(
        "--leave-one-out", action="store_true", help="a run without each subject, then a final one with all"
    )
    start.add_argument(
        "--bias-correction", action=argparse.BooleanOptionalAction, default=True,
        help="correct the bias field (N4) of both scans first (default: yes)",
    )  # fmt: skip
    start.add_argument(
        "--skull-strip", default="auto", metavar="auto|none|BACKEND", help="how the brains are found (default: auto)"
    )
    training = parser.add_argument_group("training")
    training.add_argument("--learning-rate", type=float, default=0.0, metavar="RATE", help=_AUTOMATIC)
    for name, text in (
        ("steps", "optimiser steps at most"), ("batch", "patches per step"),
        ("patch", "size of a patch in pixels of the 3T slice"), ("validate-every", "steps between two validations"),
        ("patience", "validations without gain after which it stops"),
    ):  # fmt: skip
        training.add_argument(f"--{name}", type=int, default=0, metavar="N", help=f"{text} ({_AUTOMATIC})")
    training.add_argument("--seed", type=int, default=0, metavar="N", help="of patches and their order (default: 0)")
    machine = parser.add_argument_group("machine")
    machine.add_argument(
        "--device", type=device_name, default="auto", metavar="auto|cpu|cuda[:N]|mps", help="default: auto"
    )
    machine.add_argument(
        "--precision", choices=("auto", "float32", "bfloat16"), default="auto", help="number format (default: auto)"
    )
    parser.set_defaults(run=run)


def run(arguments):
    """Run the subcommand; the exit status is 130 also where a cancelled run kept its best."""
    settings = _settings(arguments)
    with Interruption() as interruption:
        fine_tune, read_pairs = _library()
        pairs = read_pairs(arguments.pairs)
        interruption.check()
        with ProgressLine() as progress:
            result = fine_tune(
                pairs, settings, progress, interruption.is_cancelled, _tell_refusals, command=_command(arguments)
            )
    report = result.report
    for warning in report["warnings"]:
        print(f"charmssr: warning: {warning}", file=sys.stderr)
    if result.checkpoint_path is None:
        raise CHARMSSRError(f"{report['verdict']} The report: {report['files']['page']}")
    print(report["verdict"])
    print(f"{result.checkpoint_path}  ({report['seconds']:.0f} s; report: {report['files']['page']})")
    if report["cancelled"]:
        from .entry import CANCELLED

        return CANCELLED
    return None


def _settings(arguments):
    """FineTuningSettings from parsed arguments; OUTPUT gives name and folder."""
    named = {field.name for field in fields(FineTuningSettings)}
    values = {name: value for name, value in vars(arguments).items() if name in named}
    output = arguments.output
    is_path = output.endswith(".safetensors") or any(mark and mark in output for mark in (os.sep, os.altsep))
    path = Path(output)
    name = path.name[: -len(".safetensors")] if output.endswith(".safetensors") else path.name
    settings = FineTuningSettings(**values, name=name, folder=str(path.parent.resolve()) if is_path else "")
    check_backend_name(settings.skull_strip)
    if is_path and not path.parent.is_dir():
        raise SettingsError(f"There is no folder {path.parent}; create it first or choose another.")
    return settings


def _library():
    """The library's functions, imported only now: torch takes seconds to load."""
    try:
        from ..fine_tuning.fine_tune import fine_tune
        from ..fine_tuning.pairs.pairs import read_pairs
    except ModuleNotFoundError as error:
        raise BackendError(
            f"The Python package {error.name!r} is missing; install it (python -m pip install {error.name})."
        ) from error
    return fine_tune, read_pairs


def _tell_refusals(event):
    """A pair that is left out is said at once: a run takes minutes to hours."""
    if event["event"] == "pair" and event["status"] == "refused":
        print(f"charmssr: a pair is left out: {event['reason']}", file=sys.stderr)


def _command(arguments):
    """The command line for the card: names of files alone, since paths of this machine say nothing to a reader."""
    hidden = {str(arguments.pairs): arguments.pairs.name, arguments.output: Path(arguments.output).name}
    words = [Path(word).name if word.endswith(".safetensors") else hidden.get(word, word) for word in sys.argv[1:]]
    return " ".join(["charmssr", *words])
