"""``charmssr benchmark``: what this machine can do, and how near CHARMS comes to it."""

import argparse
from pathlib import Path

from CHARMSSRLib.cli.command import new_command
from CHARMSSRLib.cli.interruption import Interruption
from CHARMSSRLib.cli.options import check_backend_name, device_name, positive
from CHARMSSRLib.cli.progress import ProgressLine
from CHARMSSRLib.settings import DEFAULT_CHECKPOINT

from ..benchmark.benchmark_plan import PARTS
from ..costs.clocks import CLOCKS, WALL

_EPILOG = """\
parts, in this order:
  limits       rates of matrix product, convolution and copy
  networks     one slice through CHARMS (as trained, for inference, engines), both EDSRs, other methods
  operators    where the time of a slice goes (CPU)
  stage        the slices of a volume as enhance runs them
  enhancement  a whole enhancement with its stages
  whole-job    the same beside the naive way (CPU); only where asked for
  worker       one enhancement in the process that the panel uses (CPU); only with whole-job
  growth       time and memory over voxels, slices and threads, with a plot (CPU); only where asked for

examples:
  charmssr benchmark --quick
  charmssr benchmark --output FOLDER --whole-job scan.nii.gz --size 176 256 256
  charmssr benchmark --output FOLDER --only growth --whole-job scan.nii.gz
Parts that a folder holds from an earlier call stay; so they can be measured one after the other.
"""


def add_parser(subparsers):
    """Register the subcommand."""
    parser = new_command(
        subparsers,
        "benchmark",
        run,
        help="measure speed and memory on this machine",
        description="Measure the machine's limits, CHARMS against them and against other networks, and whole"
        " enhancements. What is compared takes turns; medians with spread. Prints a table and, with --output, writes"
        " benchmark.json and benchmark.md.",
        epilog=_EPILOG,
    )
    parser.add_argument("--quick", action="store_true", help="a look of seconds: small sizes, few turns")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help="only these parts (see below)")
    parser.add_argument("--output", metavar="DIR", type=Path, help="existing folder for the figures")
    parser.add_argument("--whole-job", metavar="FILE|generated", help="compare whole enhancements of this head with"
                        " the naive way: a volume file, or a generated head")  # fmt: skip
    parser.add_argument("--size", nargs=3, type=positive, metavar="N", help="voxels along x, y and z that the head is"
                        " cropped or padded to (or generated with; default there: 176 256 256)")  # fmt: skip
    parser.add_argument("--naive-slices", type=positive, metavar="N", help="let the naive way do only N slices, evenly"
                        " spread, and extrapolate its network stage (default: all)")  # fmt: skip
    parser.add_argument("--growth", action="store_true", help="also measure growth; needs matplotlib with --output")
    parser.add_argument("--rounds", type=positive, metavar="N", help="turns of each network (default: 15)")
    parser.add_argument("--whole-rounds", type=positive, metavar="N", help="whole enhancements of each kind"
                        " (default: 3)")  # fmt: skip
    parser.add_argument("--more-rounds", action="store_true", help="add the rounds of whole-job to those that the"
                        " folder holds of the same head and machine")  # fmt: skip
    parser.add_argument("--growth-shares", nargs="+", type=_share, metavar="X", help="of the head's voxels along each"
                        " axis, for growth (default: 0.5 0.75 1)")  # fmt: skip
    parser.add_argument("--lr-size", type=positive, metavar="N", help="rows and columns of the LR slices"
                        " (default: 128)")  # fmt: skip
    parser.add_argument("--batches", nargs="+", type=positive, metavar="N", help="slices at a time"
                        " (default: 1; on a GPU 1 16 44)")  # fmt: skip
    parser.add_argument("--no-others", action="store_true", help="leave out the other methods of the comparison")
    parser.add_argument("--checkpoint", default=DEFAULT_CHECKPOINT, metavar="NAME|FILE", help="default: %(default)s")
    parser.add_argument("--skull-strip", default="auto", metavar="auto|BACKEND", help="of whole enhancements")
    parser.add_argument("--device", type=device_name, default="auto", metavar="auto|cpu|cuda[:N]|mps",
                        help="where to compute (default: auto)")  # fmt: skip
    parser.add_argument("--clock", choices=CLOCKS, default=WALL,
                        help="of the wall, or the processor's seconds, for a machine that has other work"
                        " (default: %(default)s)")  # fmt: skip
    parser.add_argument("--threads", type=positive, metavar="N", help="CPU threads (default: all cores)")


def run(arguments):
    """Run the subcommand."""
    from CHARMSSRLib.files.output_files import check_folder

    from ..benchmark import benchmark_files
    from ..benchmark.measure_parts import read
    from ..benchmark.measure_parts import run as measure

    plan = _plan(arguments)
    check_backend_name(arguments.skull_strip)
    folder, earlier = arguments.output, None
    if folder is not None:
        check_folder(folder)
        earlier = read(folder / benchmark_files.JSON)
        benchmark_files.check(plan)
    with Interruption() as interruption, ProgressLine() as progress:
        figures = measure(plan, earlier, progress, interruption.is_cancelled)
    print(benchmark_files.as_markdown(figures))
    if folder is not None:
        benchmark_files.write(figures, folder)
        print(folder / benchmark_files.MARKDOWN)


def _plan(arguments):
    from CHARMSSRLib.machine.cores import usable_cores
    from CHARMSSRLib.machine.devices import choose_device

    from ..benchmark import benchmark_plan

    device = choose_device(arguments.device)
    parts = arguments.only or _usual_parts(arguments, benchmark_plan, device)
    whole = arguments.whole_job is not None or not {
        benchmark_plan.WHOLE_JOB,
        benchmark_plan.WORKER,
        benchmark_plan.GROWTH,
    }.isdisjoint(parts)
    choices = {
        "parts": tuple(name for name in benchmark_plan.PARTS if name in parts), "device": device,
        "checkpoint": arguments.checkpoint, "threads": arguments.threads or usable_cores(),
        "lr_size": arguments.lr_size, "rounds": arguments.rounds, "whole_rounds": arguments.whole_rounds,
        "batches": arguments.batches and tuple(arguments.batches), "naive_slices": arguments.naive_slices,
        "skull_strip": arguments.skull_strip, "others": not arguments.no_others,
        "head": arguments.whole_job, "head_size": arguments.size and tuple(arguments.size),
        "more_rounds": arguments.more_rounds, "clock": arguments.clock,
        "growth_shares": arguments.growth_shares and tuple(sorted(arguments.growth_shares)),
    }  # fmt: skip
    if device.type != "cpu" and not arguments.quick:
        choices["batches"] = choices["batches"] or (1, 16, 44)
    chosen = {name: value for name, value in choices.items() if value is not None}
    if "head_size" not in chosen and arguments.whole_job not in (None, benchmark_plan.GENERATED):
        chosen["head_size"] = None
    elif "head_size" not in chosen and whole and not arguments.quick:
        chosen["head_size"] = benchmark_plan.FULL_SIZE
    return (benchmark_plan.quick_plan if arguments.quick else benchmark_plan.BenchmarkPlan)(**chosen)


def _usual_parts(arguments, plan, device):
    parts = [one for one in plan.USUAL_PARTS if device.type == "cpu" or one != plan.OPERATORS]
    if arguments.whole_job is not None:
        parts = [one for one in parts if one != plan.ENHANCEMENT] + [plan.WHOLE_JOB, plan.WORKER]
    return parts + ([plan.GROWTH] if arguments.growth else [])


def _share(text):
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and up to 1")
    return share
