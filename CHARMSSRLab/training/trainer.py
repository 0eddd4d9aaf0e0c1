"""The trainer: the same protocol for CHARMS and every compared method.

A run is a function of its configuration: patches depend on (seed, sample number),
weights on the seed. Its state is written atomically with the optimiser and the step, so
a run that was killed goes on as if it had not been, and several processes (``torchrun``)
see together the batches that one process would see.
"""

import csv
import logging
import math
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as distributed
from torch.optim.swa_utils import AveragedModel

from CHARMSSRLib.errors import Cancelled, SettingsError
from CHARMSSRLib.files.atomic import replacing
from CHARMSSRLib.learning.losses import attention_regularisation, difference
from CHARMSSRLib.learning.stepper import Stepper
from CHARMSSRLib.network.attention_maps import collect_attention, record_attention
from CHARMSSRLib.network.charms import CHARMS
from CHARMSSRLib.task import Task

from ..methods.registry import build_method
from .batches import batches_of
from .config import TrainingConfig
from .graphed_step import GraphedStep
from .initial_weights import load_initial
from .log_plot import plot_log
from .steadiness import growth_of_noise, missing_slope, probed
from .validation import validate

logger = logging.getLogger(__name__)
GPU_REPORT_EVERY = 20  # steps
LOG_COLUMNS = ("step", "seconds", "learning_rate", "l1", "ar", "psnr", "bicubic_psnr", "psnr_ema")


@dataclass
class TrainingResult:
    """What a run leaves: the network (eval mode, on the CPU), its validation figures, what it took."""

    network: torch.nn.Module
    validation: dict
    seconds: float
    steps: int
    used_ema: bool


def build_network(config):
    """The untrained network of a configuration, initialised from its seed alone."""
    torch.manual_seed(config.seed)
    if config.method == "charms":
        return CHARMS(config.scale, **config.arguments)
    return build_method(config.method, config.scale, **config.arguments)


def learning_rate(config, step):
    """Rate of one step: cosine decay, with a warm-up over the first tenth for "onecycle"."""
    warm = config.steps // 10 if config.schedule == "onecycle" else 0
    if step < warm:
        return config.learning_rate * (step + 1) / (warm + 1)
    done = (step - warm) / max(1, config.steps - warm)
    low = config.final_learning_rate
    return low + (config.learning_rate - low) * (1 + math.cos(math.pi * done)) / 2


def train(config, train_volumes, validation_volumes, folder, device="cpu", progress=None, is_cancelled=None):
    """Run (or go on with) a training run.

    Args:
        config: TrainingConfig.
        train_volumes: lists of PreparedVolume.
        validation_volumes: likewise.
        folder: for state, log and plot; the same folder resumes.
        device: torch device of this process.
        progress: called with (fraction, message).
        is_cancelled: asked every step; the state is written before ``Cancelled`` is raised.

    Returns:
        TrainingResult.
    """
    folder, task = Path(folder), Task(progress, is_cancelled)
    folder.mkdir(parents=True, exist_ok=True)
    rank, world = (distributed.get_rank(), distributed.get_world_size()) if distributed.is_initialized() else (0, 1)
    if config.batch % world:
        raise SettingsError(f"The batch of {config.batch} cannot be split over {world} processes.")
    run = _Run(config, folder, torch.device(device), rank, world)
    run.resume()
    loader = batches_of(config, train_volumes, run.step, rank, world)
    started, first = time.monotonic(), run.step
    # A loss that is read waits for the device: on a GPU the processor shall run ahead of it.
    report_every = 1 if run.device.type == "cpu" else GPU_REPORT_EVERY
    for lr, hr in loader:
        losses = run.train_step(lr.to(run.device, non_blocking=True), hr.to(run.device, non_blocking=True))
        run.seconds = run.earlier_seconds + time.monotonic() - started
        last = run.step == config.steps
        if rank == 0 and (run.step % config.validate_every == 0 or last):
            run.log(losses, validation_volumes)
        if rank == 0 and (run.step % config.save_every == 0 or last):
            run.save()
        if rank == 0 and (run.step % report_every == 0 or last):
            left = (config.steps - run.step) * (time.monotonic() - started) / (run.step - first)
            message = f"step {run.step} of {config.steps}, L1 {losses[0]:.5f}, {left:.0f} s left"
            task.tell(run.step / config.steps, message)
        if task.is_cancelled():
            if rank == 0:
                run.save()
            raise Cancelled(f"Training was stopped at step {run.step}; start it again to go on.")
    return run.result(validation_volumes)


class _Run:
    """The state of a run and what is done with it."""

    def __init__(self, config, folder, device, rank, world):
        self.config, self.folder, self.device, self.rank, self.world = config, folder, device, rank, world
        self.step, self.seconds, self.earlier_seconds = 0, 0.0, 0.0
        network = build_network(config)
        if config.initial:
            load_initial(network, config.initial)
        layout = torch.channels_last if config.channels_last else torch.contiguous_format
        self.network = network.to(device).to(memory_format=layout)
        self.regularised = config.method == "charms" and config.ar_weight > 0
        self.average = moving_average(self.network, config.ema_decay) if config.ema_decay else None
        recorded = GraphedStep if config.cuda_graph and device.type == "cuda" and world == 1 else None
        self.stepper = Stepper(self.network.parameters(), self._loss, device, config.gradient_clip, recorded)
        self.runner, self.regulariser = self.network, attention_regularisation
        if world > 1:
            self.runner = torch.nn.parallel.DistributedDataParallel(
                self.network, device_ids=[device.index] if device.type == "cuda" else None
            )
        elif config.compile:
            self.runner, self.regulariser = torch.compile(self.network), torch.compile(attention_regularisation)

    @property
    def state_path(self):
        return self.folder / "state.pt"

    def train_step(self, lr, hr):
        """One optimiser step; returns (L1, L_AR) of this process, tensors on its device."""
        if not self.network.training:
            self.network.train()
        if self.config.steadiness:
            lr = torch.cat([lr, probed(lr, (self.config.seed, self.step, self.rank))])
        losses = self.stepper.step(self.step, learning_rate(self.config, self.step), lr, hr)
        self.step += 1
        if self.average is not None:
            self.average.update_parameters(self.network)
        return losses

    def _loss(self, lr, hr):
        """(what is minimised, L1, L_AR) of a batch."""
        config, reduced = self.config, self.config.precision == "bfloat16"
        with record_attention(self.network) if self.regularised else nullcontext():
            with torch.autocast(self.device.type, torch.bfloat16) if reduced else nullcontext():
                output = self.runner(lr.contiguous(memory_format=torch.channels_last))
            loss, l1 = difference(output[: len(hr)].float(), hr, config.ssim_weight)
            if config.steadiness:
                loss = loss + config.steadiness * growth_of_noise(output.float(), lr, hr)
            if config.slopes:
                loss = loss + config.slopes * missing_slope(output[: len(hr)].float(), hr)
            ar = self.regulariser(collect_attention(self.network)) if self.regularised else l1.new_zeros(())
        return loss + config.ar_weight * ar, l1, ar

    def log(self, losses, volumes):
        """Validate, add one line to the log and draw it anew."""
        scores = self._validate(self.network, volumes)
        averaged = {} if self.average is None else self._validate(self.average.module, volumes)
        row = {
            "step": self.step, "seconds": f"{self.seconds:.1f}",
            "learning_rate": f"{learning_rate(self.config, self.step - 1):.3g}",
            "l1": f"{losses[0]:.6f}", "ar": f"{losses[1]:.6f}", "psnr": _figure(scores.get("psnr")),
            "bicubic_psnr": _figure(scores.get("bicubic_psnr")), "psnr_ema": _figure(averaged.get("psnr")),
        }  # fmt: skip
        path = self.folder / "log.csv"
        new = not path.exists()
        with open(path, "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, LOG_COLUMNS)
            if new:
                writer.writeheader()
            writer.writerow(row)
        plot_log(path)
        logger.info("%s: %s", self.config.name, " ".join(f"{k} {v}" for k, v in row.items()))

    def _validate(self, network, volumes):
        config = self.config
        # Every volume has another size: choosing kernels by trial would take longer than it saves.
        with torch.backends.cudnn.flags(enabled=True, benchmark=False):
            return validate(
                network, volumes, config.scale, config.degradation, config.normalisation,
                config.validation_slices, self.device,
            )  # fmt: skip

    def save(self):
        """Write the state so that it is there whole or not at all, and cut the log to it on resume."""
        state = {
            "config": self.config.to_dict(), "step": self.step, "seconds": self.seconds,
            "network": self.network.state_dict(), "optimiser": self.stepper.state_dict(),
            "average": None if self.average is None else self.average.module.state_dict(),
        }  # fmt: skip
        with replacing(self.state_path) as partial:
            torch.save(state, partial)

    def resume(self):
        """Go on from the folder's state if there is one of this configuration.

        Raises:
            SettingsError: when the folder holds the state of another configuration.
        """
        if not self.state_path.exists():
            return
        state = torch.load(self.state_path, map_location=self.device, weights_only=True)
        if _comparable(state["config"]) != _comparable(self.config.to_dict()):
            raise SettingsError(f"{self.folder} holds a run of another configuration; choose another folder.")
        self.network.load_state_dict(state["network"])
        self.stepper.load_state_dict(state["optimiser"])
        self.step = state["step"]
        if self.average is not None:
            self.average.module.load_state_dict(state["average"])
            self.average.n_averaged.fill_(1 + self.step)
        self.seconds = self.earlier_seconds = state["seconds"]
        _cut_log(self.folder / "log.csv", self.step)

    def result(self, volumes):
        """The better of the last and the averaged weights, with its figures."""
        scores, used_ema = self._validate(self.network, volumes), False
        if self.average is not None:
            averaged = self._validate(self.average.module, volumes)
            if not scores or averaged["psnr"] > scores["psnr"]:
                self.network.load_state_dict(self.average.module.state_dict())
                scores, used_ema = averaged, True
        network = self.network.eval().cpu().to(memory_format=torch.contiguous_format)
        return TrainingResult(network, scores, self.seconds, self.step, used_ema)


def moving_average(network, decay):
    """The exponential moving average of a network's weights, which ``update_parameters`` brings nearer to them.

    A young average must not remember the untrained weights: the decay grows with the steps, to ``decay``.
    """

    def follow(averaged, own, _):
        # The count as it lies on the processor: the copy on a card, which is handed in, would have to come back.
        steps = int(average.n_averaged)
        now = min(decay, (1 + steps) / (10 + steps))
        if own[0].is_floating_point():
            torch._foreach_lerp_(averaged, own, 1 - now)
        else:  # a counter of batch normalisation
            torch._foreach_copy_(averaged, own)

    average = AveragedModel(network, multi_avg_fn=follow, use_buffers=True)
    average.n_averaged.fill_(1)  # the untrained weights count as its first: else the first step is copied
    return average


def belongs_to(config, folder):
    """Whether the state in a run's folder is of this configuration; a folder without a state contradicts none."""
    path = Path(folder) / "state.pt"
    if not path.is_file():
        return True
    state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    return _comparable(state["config"]) == _comparable(config.to_dict())


def _comparable(config):
    # How often is looked, and by how many workers, may change between the parts of a run.
    free = {"workers", "validate_every", "save_every", "validation_slices", "compile", "cuda_graph"}
    # A setting that came after the state was written had its default then.
    complete = {**TrainingConfig(config["name"]).to_dict(), **config}
    return {k: v for k, v in complete.items() if k not in free}


def _figure(value):
    return "" if value is None else f"{value:.4f}"


def _cut_log(path, step):
    """Forget the lines after the saved step: they will be written again."""
    if not path.exists():
        return
    with open(path, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
    with replacing(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, LOG_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
