"""``charmssr train``: one training run, resumed when its folder holds one that was stopped."""

import os
import sys
from pathlib import Path

from CHARMSSRLib.cli.command import new_command
from CHARMSSRLib.cli.interruption import Interruption
from CHARMSSRLib.cli.progress import ProgressLine

from .options import add_device_option


def add_parser(subparsers):
    """Register the subcommand."""
    parser = new_command(
        subparsers,
        "train",
        run,
        help="train CHARMS or a compared method",
        description="Train a configuration on prepared slices. Stop it at any moment and start it again: it goes on."
        " Under torchrun it runs on several devices.",
    )
    parser.add_argument("config", metavar="CONFIG.json", type=Path, help="the run; see CHARMSSRLab/training/recipes")
    parser.add_argument("--prepared", required=True, metavar="DIR", type=Path, help="slices made by 'charmssr prepare'")
    parser.add_argument("--folder", required=True, metavar="DIR", type=Path, help="folder of state and log")
    parser.add_argument("--output", metavar="DIR", type=Path, help="folder of the checkpoint and its card")
    add_device_option(parser)
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads")


def run(arguments):
    """Run the subcommand."""
    import torch

    from CHARMSSRLib.machine.devices import choose_device

    from ..training.config import TrainingConfig
    from ..training.training_run import run_training

    config = TrainingConfig.read(arguments.config)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    several = "LOCAL_RANK" in os.environ
    device = choose_device(_device_name(arguments.device, several))
    if several:
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        with Interruption() as interruption, ProgressLine() as progress:
            result, path = run_training(
                config, arguments.prepared, arguments.folder, arguments.output, _command(), device, progress,
                interruption.is_cancelled,
            )  # fmt: skip
    finally:
        if several:
            torch.distributed.destroy_process_group()
    figures = ", ".join(f"{name} {value:.3f}" for name, value in result.validation.items())
    print(f"{config.name}: {result.steps} steps, {result.seconds:.0f} s; {figures or 'no validation volumes'}")
    if path is not None:
        print(path)


def _device_name(name, several):
    """Under torchrun each process takes the card of its local rank."""
    import torch

    if several and name == "auto" and torch.cuda.is_available():
        return f"cuda:{os.environ['LOCAL_RANK']}"
    return name


def _command():
    """The command line for the card: the paths of this machine say nothing to a reader."""
    words, hidden = ["charmssr"], {"--prepared": "PREPARED", "--folder": "RUN", "--output": "FOLDER"}
    previous = ""
    for word in sys.argv[1:]:
        if previous in hidden:
            word = hidden[previous]
        elif word.endswith(".json"):
            word = Path(word).name
        words.append(word)
        previous = word
    return " ".join(words)
