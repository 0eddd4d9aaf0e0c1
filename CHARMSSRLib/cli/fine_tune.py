"""``charmssr fine-tune``: a checkpoint of one's own from pairs of 3T and 7T scans."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BackendError, CHARMSSRError, SettingsError
from ..settings import FineTuningSettings
from .command import new_command
from .interruption import Interruption
from .options import add_options, check_backend_name, values_of
from .progress import ProgressLine, tell_warnings

if TYPE_CHECKING:
    import argparse

_EPILOG = """\
examples:
  charmssr fine-tune pairs.csv my-7t
  charmssr fine-tune pairs.csv models/my-7t.safetensors --hold-out 2 --seed 3
  charmssr enhance scan.nii.gz enhanced.nii.gz --checkpoint my-7t

PAIRS.csv has the columns subject, contrast, path_3t, path_7t and, where there are brain masks, mask_3t.
A run that was killed goes on when the same command is given again. Ctrl-C keeps the best so far.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Register the subcommand."""
    parser = new_command(
        subparsers,
        "fine-tune",
        run,
        help="tune a checkpoint to 3T/7T pairs",
        description="Tune a checkpoint to pairs of 3T and 7T scans of the same heads, and report what was gained.",
        epilog=_EPILOG,
    )
    parser.add_argument("pairs", metavar="PAIRS.csv", type=Path, help="list of the pairs")
    parser.add_argument(
        "output", metavar="OUTPUT",
        help="name of the new checkpoint, which then lies with your others, or its file NAME.safetensors",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace an existing checkpoint")
    add_options(parser, FineTuningSettings)


def run(arguments: argparse.Namespace) -> int | None:
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
    tell_warnings(report["warnings"])
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
    values = {**values_of(arguments, FineTuningSettings), "overwrite": arguments.overwrite}
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
        from ..fine_tuning.pairs.pair_list import read_pairs
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
