"""A study (compared methods, ablation, depth, stacking) on a GPU, some networks per command.

Every network trains with the same configuration, all in one go within a command; what is
trained is scored in the same command, so that large weights need not travel. Files in the
folder of results, LABEL being STUDY-xSCALE:

- LABEL.results.json: scores, costs and protocol of everything so far; the next command
  reads it and goes on with the networks that are missing.
- LABEL.weights-NAME.tar.000 ...: weights (float16) that this command trained.
"""

import argparse
import json
import logging
import multiprocessing
import sys
import tarfile
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file

from CHARMSSRLib.errors import Cancelled
from CHARMSSRLib.task import Task

from ..comparison import contest
from ..comparison.protocol import BICUBIC, LABELS, REFERENCE
from ..comparison.studies import check_base, entries_of
from ..training.config import TrainingConfig
from ..training.trainer import build_network
from .pack import read_archive
from .shards import split_file
from .training_part import (
    RECIPES,
    Deadline,
    add_common_arguments,
    cores,
    measure_rate,
    read_volumes,
    start,
    with_workers,
)

SCORING = 120  # seconds that scoring and writing may take at the end of a command
COSTS = 60  # seconds that the table of costs may take

logger = logging.getLogger(__name__)


class Results:
    """What a study has so far: scores, costs, protocol; a JSON file."""

    def __init__(self, study, scale, folders):
        self.label, self.titles = f"{study}-x{scale}", [entry.title for entry in entries_of(study)]
        self.rows, self.costs, self.protocol, self.done = [], [], "", {}
        for folder in folders:
            path = Path(folder) / f"{self.label}.results.json"
            if path.is_file():
                stored = json.loads(path.read_text(encoding="utf-8"))
                self.rows, self.costs = stored["rows"], stored["costs"]
                self.protocol, self.done = stored["protocol"], stored["done"]
                return

    def add(self, rows):
        """Add rows of scores; the bicubic and the reference rows of every command are the same."""
        merged = {}
        for row in [*self.rows, *rows]:
            # A study that holds bicubic calls it by its title.
            own = contest.BICUBIC_TITLE if contest.BICUBIC_TITLE in self.titles and row["method"] == BICUBIC else None
            row = {**row, "method": own or row["method"]}
            merged[tuple(row[label] for label in LABELS)] = row
        order = {title: number for number, title in enumerate([BICUBIC, *self.titles, REFERENCE])}
        self.rows = sorted(merged.values(), key=lambda row: order[row["method"]])

    def write(self, folder):
        content = {"protocol": self.protocol, "done": self.done, "costs": self.costs, "rows": self.rows}
        text = json.dumps(content, indent=None, separators=(",", ":"))
        (Path(folder) / f"{self.label}.results.json").write_text(text, encoding="utf-8")


def train_what_fits(entries, config, volumes, watched, device, deadline, folder):
    """Train entry after entry while time is left.

    Returns:
        dict name -> (Contestant, steps per second).
    """
    trained = {}
    for entry in entries:
        own, rate = entry.configure(config), None
        if entry.method != "bicubic":
            rate = measure_rate(own, volumes, device)
            needed = 1.1 * own.steps / rate
            logger.info("%s: %.2f steps per second, needs %.0f s", entry.title, rate, needed)
            if needed + SCORING > deadline.left():
                logger.info("%s does not fit any more: run the command again", entry.title)
                break
        try:
            late = Task(is_cancelled=lambda: deadline.left() < SCORING / 2)
            (contestant,) = contest.contest([entry], config, volumes, watched, folder, None, device, late)
        except Cancelled:
            logger.warning("%s was slower than measured: run the command again, with fewer --steps", entry.title)
            break
        contestant.network.cpu()
        trained[entry.name] = contestant, rate
    return trained


def score_all(contestants, volumes, degradations, scale, central, device):
    """Rows of the contestants on all volumes; several volumes at a time where there are cores."""
    task = partial(
        _score_one, contestants=contestants, degradations=degradations, scale=scale, central=central, device=str(device)
    )
    if cores() < 4:
        return [row for volume in volumes for row in task(volume)]
    with ProcessPoolExecutor(min(12, cores() - 2), multiprocessing.get_context("spawn")) as pool:
        return [row for rows in pool.map(task, volumes) for row in rows]


def _score_one(volume, contestants, degradations, scale, central, device):
    torch.set_num_threads(1)
    return contest.score(contestants, [volume], degradations, scale, central, device)


def costs_of(entries, config, device):
    """Parameters, multiply-accumulates and times of a study's networks; training changes none of them."""
    contestants = [
        contest.Contestant(entry.title, contest.METHODS[entry.method].remark, build_network(own).eval(), "minmax")
        for entry, own in ((entry, entry.configure(config)) for entry in entries)
    ]
    return contest.costs(contestants, config.scale, device)


def pack_weights(folder, names, out, label):
    """Float16 weights of the named entries as pieces of one archive."""
    archive = Path(folder) / "weights.tar"
    with tarfile.open(archive, "w") as file:
        for name in names:
            file.add(Path(folder) / f"{name}.half.safetensors", arcname=f"{name}.safetensors")
    split_file(archive, out, f"{label}.weights-{names[0]}.tar")


def run(study):
    """The command line of one study; ``study`` is its name or a tuple of names to choose from."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_common_arguments(parser)
    if not isinstance(study, str):
        parser.add_argument("--study", choices=study, default=study[0], help="default: %(default)s")
    parser.add_argument("--val", type=Path, required=True, help="archive of the volumes to score (pack.py)")
    parser.add_argument("--scale", type=int, choices=(2, 4), default=2, help="default: %(default)s")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these networks of the study")
    parser.add_argument("--degradation", nargs="+", metavar="NAME", help="to score under (default: the one trained on)")
    parser.add_argument("--slices", type=int, metavar="N", help="score only the central N slices of each volume")
    arguments = parser.parse_args()
    study = study if isinstance(study, str) else arguments.study
    deadline, device, out = Deadline(arguments.minutes), start(arguments.device), arguments.out
    out.mkdir(parents=True, exist_ok=True)
    config = TrainingConfig.read(arguments.recipe or RECIPES / f"study-x{arguments.scale}.gpu.json")
    check_base(config)
    config = with_workers(replace(config, steps=arguments.steps or config.steps))
    results = Results(study, config.scale, [folder for folder in (arguments.earlier, out) if folder])
    entries = entries_of(study, arguments.only)
    missing = [entry for entry in entries if entry.name not in results.done]
    degradations = arguments.degradation or [config.degradation]
    volumes, watched = read_volumes(arguments.data)
    with tempfile.TemporaryDirectory() as folder:
        trained = train_what_fits(missing, config, volumes, watched, device, deadline, folder)
        if trained:
            contestants = []
            for name, (contestant, _) in trained.items():
                # Scored as it is kept: in half precision.
                half = {key: _half(value) for key, value in contestant.network.state_dict().items()}
                save_file(half, Path(folder) / f"{name}.half.safetensors")
                contestant.network.load_state_dict(half)
                contestants.append(contestant)
            scored = list(read_archive(arguments.val, processes=1 if cores() < 3 else None).values())
            begun = time.monotonic()
            results.add(score_all(contestants, scored, degradations, config.scale, arguments.slices, device))
            logger.info("scored in %.0f s", time.monotonic() - begun)
            results.done.update({name: {"steps_per_second": rate} for name, (_, rate) in trained.items()})
            results.protocol = contest.describe_protocol(config, volumes, degradations, "val")
            results.write(out)
            learned = [name for name in trained if name != "bicubic"]
            if learned:
                pack_weights(folder, learned, out, results.label)
    if not results.costs and deadline.left() > COSTS:
        results.costs = costs_of(entries_of(study), config, device)
    results.write(out)
    left = [entry.name for entry in entries if entry.name not in results.done]
    print(f"{results.label}: {len(results.done)} networks done" + (f"; missing: {', '.join(left)}" if left else ""))


def _half(value):
    return value.detach().half().contiguous() if value.is_floating_point() else value.detach()


def report(argv=None):
    """Write the tables of a study's results; needs SimpleITK beside torch, no GPU."""
    parser = argparse.ArgumentParser(description="Write report.md, scores.csv and costs.csv of a study's results.")
    parser.add_argument("results", type=Path, help="a LABEL.results.json")
    parser.add_argument("folder", type=Path, help="existing folder for the report")
    arguments = parser.parse_args(argv)
    study, scale = arguments.results.name.split(".")[0].rsplit("-x", 1)
    results = Results(study, int(scale), [arguments.results.parent])
    contest.write_report(arguments.folder, f"Study of {study}, x{scale}", results.protocol, results.costs, results.rows)
    print(arguments.folder / "report.md")


if __name__ == "__main__":
    sys.exit(report())
