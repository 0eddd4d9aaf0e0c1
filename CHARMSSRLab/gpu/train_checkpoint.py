"""Trains a bundled checkpoint with its GPU recipe, in one or more parts of a few minutes.

    python -m CHARMSSRLab.gpu.train_checkpoint charms-x2-bicubic --data TRAIN.pack --out FOLDER

The first part measures how many steps fit into its time (and, with --parts N, into those
of N parts) and fixes the schedule with them; NAME.config.json keeps it. Each part leaves
the weights so far with their card, the log and, unless the run is finished, its state in
pieces. The same command again, with --from naming the folder of these files, goes on.
"""

import argparse
import json
import logging
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import torch

from CHARMSSRLib.checkpoints.loading import save_checkpoint
from CHARMSSRLib.errors import Cancelled

from ..training.config import TrainingConfig
from ..training.trainer import TrainingResult, build_network, train
from ..training.training_run import ancestor, trained_card
from ..training.validation import validate
from .shards import join_file, remove_pieces, split_file
from .training_part import (
    RECIPES,
    ROOT,
    Deadline,
    add_common_arguments,
    measure_rate,
    read_volumes,
    start,
    with_workers,
)

CHECKPOINTS = ("charms-x2-bicubic", "charms-x2-clinical", "charms-x4-bicubic", "charms-x4-clinical")
OVERHEAD = 25  # seconds that are left for loading, validation and writing, once the rate is known
CAUTION = 0.95  # share of the measured rate that is counted on
COMPILED_PAYS = 1.1  # times the plain rate, before compiling once more is worth it

logger = logging.getLogger(__name__)


def plan(config, volumes, device, deadline, parts=1, compilation="auto"):
    """The configuration with its number of steps, and compiled where that pays.

    Args:
        config: TrainingConfig.
        volumes: list of PreparedVolume to train on.
        device: where torch computes.
        deadline: when the command must end.
        parts: that the schedule shall fill, each as long as this one.
        compilation: "auto" measures both ways, but for a recipe that records its steps (``cuda_graph``):
            compiling takes minutes, and what it saves is mostly the launching of kernels. "yes", "no".
    """
    if compilation == "auto" and config.cuda_graph:
        compilation = "no"
    plain = replace(config, compile=False)
    compiled = replace(config, compile=True)
    rates = {}
    if compilation != "yes":
        rates[False] = measure_rate(plain, volumes, device)
    if compilation != "no":
        try:
            rates[True] = measure_rate(compiled, volumes, device)
        except Exception as error:  # whatever the compiler of this machine lacks: plain training goes on
            if compilation == "yes":
                raise
            logger.warning("compilation failed, training runs without: %s", str(error).splitlines()[0])
    pays = True in rates and rates[True] > COMPILED_PAYS * rates.get(False, 0)
    rate = CAUTION * rates[pays]
    seconds = max(0, deadline.left() - OVERHEAD) + (parts - 1) * max(0, deadline.seconds - OVERHEAD)
    steps = max(1, int(rate * seconds))
    logger.info("steps per second, plain and compiled: %s, %s; %d steps fit", rates.get(False), rates.get(True), steps)
    return replace(compiled if pays else plain, steps=steps)


def with_looks(config):
    """Validated twice and saved four times over the run, however long it is."""
    return replace(config, validate_every=max(1, config.steps // 2), save_every=max(1, config.steps // 4))


def result_so_far(config, state_path, watched, device):
    """The TrainingResult of a run that is not finished: its average where it keeps one."""
    state = torch.load(state_path, map_location="cpu", weights_only=True)
    network = build_network(config)
    network.load_state_dict(state["average"] or state["network"])
    scores = validate(
        network.to(device), watched, config.scale, config.degradation, config.normalisation,
        config.validation_slices, device,
    )  # fmt: skip
    return TrainingResult(network.eval().cpu(), scores, state["seconds"], state["step"], state["average"] is not None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help=f"one of {', '.join(CHECKPOINTS)}, or any name with --recipe")
    add_common_arguments(parser)
    parser.add_argument("--work", type=Path, help="folder of the state while training (default: runs/gpu/NAME)")
    parser.add_argument("--parts", type=int, default=1, help="that the schedule shall fill (default: %(default)s)")
    parser.add_argument("--initial", help="checkpoint (name or file) to start from")
    parser.add_argument(
        "--grace", type=float, default=0.0,
        help="seconds after --minutes in which a schedule that is late may still end (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--compile", dest="compilation", choices=("auto", "yes", "no"), default="auto")
    arguments = parser.parse_args()
    deadline, device = Deadline(arguments.minutes), start(arguments.device)
    last_moment = Deadline(arguments.minutes + arguments.grace / 60)
    name, out, earlier = arguments.name, arguments.out, arguments.earlier or arguments.out
    work = arguments.work or ROOT / "runs" / "gpu" / name
    out.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    volumes, watched = read_volumes(arguments.data)

    begun = earlier / f"{name}.config.json"
    if begun.is_file():
        config = with_workers(TrainingConfig.read(begun))
        if not (work / "state.pt").exists():
            join_file(earlier, f"{name}.state", work / "state.pt")
            if (earlier / f"{name}.log.csv").is_file():
                shutil.copyfile(earlier / f"{name}.log.csv", work / "log.csv")
    else:
        config = with_workers(TrainingConfig.read(arguments.recipe or RECIPES / f"{name}.gpu.json"))
        config = replace(config, name=name, initial=arguments.initial or config.initial)
        if arguments.steps:
            config = replace(config, steps=arguments.steps, compile=arguments.compilation == "yes")
        else:
            config = plan(config, volumes, device, deadline, arguments.parts, arguments.compilation)
        config = with_looks(config)
    started_from = ancestor(config.initial)
    (out / f"{name}.config.json").write_text(json.dumps(config.to_dict(), indent=2), encoding="utf-8")

    try:
        result = train(
            config, volumes, watched, work, device, lambda fraction, message: tell(config, fraction, message),
            last_moment.passed,
        )  # fmt: skip
        remove_pieces(out, f"{name}.state")
    except Cancelled as stop:
        logger.info("%s", stop)
        result = result_so_far(config, work / "state.pt", watched, device)
        split_file(work / "state.pt", out, f"{name}.state")
    if (work / "log.csv").exists():
        shutil.copyfile(work / "log.csv", out / f"{name}.log.csv")
    own = replace(config, initial=Path(config.initial).stem if config.initial else None)
    command = f"python -m CHARMSSRLab.gpu.train_checkpoint {name}"
    card = trained_card(own, result, volumes, watched, command, device, started_from)
    path = save_checkpoint(result.network, card, out, half=True)
    figures = ", ".join(f"{key} {value:.3f}" for key, value in result.validation.items())
    print(f"{name}: step {result.steps} of {config.steps}, {result.seconds:.0f} s of training; {figures}; {path}")


def tell(config, fraction, message):
    """A line on the log about every twentieth of the run."""
    step = round(fraction * config.steps)
    if step % max(20, config.steps // 400 * 20) == 0 or step == config.steps:
        logger.info("%s", message)


if __name__ == "__main__":
    sys.exit(main())
