"""What the GPU does in a second, and how near CHARMS comes to it.

    python -m CHARMSSRLab.gpu.benchmark --out FOLDER

The parts of ``charmssr benchmark`` that need no SimpleITK: the card's limits (matrix product in
half precision, copy), one 128 x 128 LR slice of a batch through CHARMS x2 in every form and both
EDSRs, in turn, and the network stage of a whole volume, from host array to host array. The floor is
the larger of (multiply-accumulates) / (measured product rate) and (bytes that unfused operations
move) / (measured copy rate). Writes benchmark.json and benchmark.md after each part; --only stage is
done in seconds, the whole takes minutes. Timings of one machine at one moment: no test.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import torch

from CHARMSSRLib.cli.progress import ProgressLine
from CHARMSSRLib.settings import DEFAULT_CHECKPOINT

from ..benchmark.benchmark_plan import LIMITS, NETWORKS, STAGE, BenchmarkPlan
from ..benchmark.markdown_tables import as_markdown
from ..benchmark.measure_parts import run
from .training_part import start

PARTS = (LIMITS, NETWORKS, STAGE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for benchmark.json and benchmark.md")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts (default: all)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N (default: %(default)s)")
    parser.add_argument("--checkpoint", default=DEFAULT_CHECKPOINT, help="name or file (default: %(default)s)")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 44], help="default: 1 16 44")
    parser.add_argument("--slices", type=int, default=176, help="of the network stage (default: %(default)s)")
    parser.add_argument("--size", type=int, default=128, help="LR rows and columns (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each network (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="small limits, which may miss the peak")
    parser.add_argument("--others", action="store_true", help="also the other methods of the comparison")
    arguments = parser.parse_args()
    plan = BenchmarkPlan(
        parts=(), device=start(arguments.device), checkpoint=arguments.checkpoint,
        threads=torch.get_num_threads(), lr_size=arguments.size, batches=tuple(arguments.batches),
        rounds=arguments.rounds, others=arguments.others, stage_slices=arguments.slices, quick=arguments.quick,
    )  # fmt: skip
    arguments.out.mkdir(parents=True, exist_ok=True)
    figures = None
    for part in arguments.only:
        with ProgressLine() as progress:
            figures = run(replace(plan, parts=(part,)), figures, progress)
        (arguments.out / "benchmark.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
        (arguments.out / "benchmark.md").write_text(as_markdown(figures), encoding="utf-8")
    print(as_markdown(figures))


if __name__ == "__main__":
    sys.exit(main())
