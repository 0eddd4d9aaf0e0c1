"""What the training scripts of this folder share: time, device, data, how many steps fit."""

import logging
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from CHARMSSRLib.machine.devices import choose_device

from ..training.trainer import train
from .pack import read_archive

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "CHARMSSRLab" / "training" / "recipes"
WARM_STEPS, TIMED_STEPS = 40, 100  # of a measurement; the first ones compile and tune
NEVER = 10**9

logger = logging.getLogger(__name__)


class Deadline:
    """The end of one command, counted from its start."""

    def __init__(self, minutes):
        self.seconds = 60 * minutes
        self.end = time.monotonic() + self.seconds

    def left(self):
        """Seconds."""
        return self.end - time.monotonic()

    def passed(self):
        return self.left() <= 0


def add_common_arguments(parser):
    """Options that every script has."""
    parser.add_argument("--data", type=Path, required=True, help="archive of the training slices (pack.py)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results, at most 8 files a command")
    parser.add_argument("--from", dest="earlier", type=Path, help="results of the command before (default: --out)")
    parser.add_argument("--minutes", type=float, default=9.0, help="of this command (default: %(default)s)")
    parser.add_argument("--recipe", type=Path, help="another training configuration than the built-in one")
    parser.add_argument("--steps", type=int, help="optimiser steps (default: see README.md)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N (default: %(default)s)")


def start(device_name):
    """Set torch up for training and return the device."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    device = choose_device(device_name)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True  # all patches have one size
        torch.set_float32_matmul_precision("high")
    logger.info("torch %s on %s", torch.__version__, _name(device))
    return device


def read_volumes(archive):
    """(training volumes, volumes to watch a run by) of an archive."""
    volumes = list(read_archive(archive, processes=1 if cores() < 3 else None).values())
    parts = [[one for one in volumes if one.split == split] for split in ("train", "val")]
    logger.info("%s: %d training volumes, %d to watch", archive, len(parts[0]), len(parts[1]))
    return parts


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def with_workers(config):
    """The configuration with no more loader processes than this machine has cores to spare."""
    return replace(config, workers=max(0, min(config.workers, cores() - 3)))


def measure_rate(config, volumes, device):
    """Optimiser steps per second of a configuration, loading included."""
    warm, timed = (1, 3) if device.type == "cpu" else (WARM_STEPS, TIMED_STEPS)
    times = {}
    trial = replace(config, steps=warm + timed, validate_every=NEVER, save_every=NEVER)

    def note(fraction, message):
        times[round(fraction * trial.steps)] = time.monotonic()

    with tempfile.TemporaryDirectory() as folder:
        train(trial, volumes, [], folder, device, note)
    # The last step also writes a state: it does not count.
    reported = [step for step in sorted(times) if warm <= step < trial.steps]
    first, last = reported[0], reported[-1]
    return (last - first) / (times[last] - times[first])


def _name(device):
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device}, {torch.get_num_threads()} threads"
