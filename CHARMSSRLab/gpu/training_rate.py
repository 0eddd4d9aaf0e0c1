"""Optimiser steps per second of a recipe, plain and recorded as a CUDA graph, for several batches.

    python -m CHARMSSRLab.gpu.training_rate charms-x2-clinical --data TRAIN.pack --out FOLDER

Loading is included; plain and recorded take turns. Writes NAME.rates.json and prints a table.
"""

import argparse
import json
import statistics
import sys
from dataclasses import replace
from pathlib import Path

from ..training.config import TrainingConfig
from .training_part import RECIPES, measure_rate, read_volumes, start, with_workers

FORMS = {"plain": False, "recorded": True}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="of a recipe with a GPU configuration, or any name with --recipe")
    parser.add_argument("--data", type=Path, required=True, help="archive of the training slices (pack.py)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--recipe", type=Path, help="another training configuration than the built-in one")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N (default: %(default)s)")
    parser.add_argument("--batches", type=int, nargs="+", help="default: the recipe's")
    parser.add_argument("--rounds", type=int, default=2, help="turns of each form (default: %(default)s)")
    arguments = parser.parse_args()
    device = start(arguments.device)
    volumes, _ = read_volumes(arguments.data)
    recipe = arguments.recipe or RECIPES / f"{arguments.name}.gpu.json"
    config = replace(with_workers(TrainingConfig.read(recipe)), compile=False)
    arguments.out.mkdir(parents=True, exist_ok=True)

    rates = []
    for batch in arguments.batches or [config.batch]:
        row = {"batch": batch, **{form: [] for form in FORMS}}
        rates.append(row)
        for _ in range(arguments.rounds):
            for form, recorded in FORMS.items():
                row[form].append(measure_rate(replace(config, batch=batch, cuda_graph=recorded), volumes, device))
        # After every batch, so that a command that is stopped leaves what it has.
        text = json.dumps({"recipe": arguments.name, "device": str(device), "steps_per_second": rates}, indent=1)
        (arguments.out / f"{arguments.name}.rates.json").write_text(text, encoding="utf-8")
        print(f"batch {batch}: " + ", ".join(f"{form} {statistics.median(row[form]):.2f}/s" for form in FORMS))


if __name__ == "__main__":
    sys.exit(main())
