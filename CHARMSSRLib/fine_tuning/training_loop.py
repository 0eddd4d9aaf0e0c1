"""The training loop: one run from a checkpoint to the best weights on what was held out.

A run is a function of its plan and its pairs. Its state is written at every validation, so that a
run that was killed goes on from there and ends as if it had not been.
"""

from __future__ import annotations

import copy
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..checkpoints.loading import load_checkpoint, save_checkpoint
from ..files.atomic import replacing
from ..learning.losses import attention_regularisation
from ..learning.stepper import Stepper
from ..network.attention_maps import collect_attention, record_attention
from .fine_tuning_loss import AR_WEIGHT, masked_loss
from .frozen import freeze_front, frozen_features
from .work_folder import best_so_far

if TYPE_CHECKING:
    from ..network.charms import CHARMS
    from ..task import Task
    from .automatic_values import Plan
    from .held_out import HeldOut
    from .slices import Patches

logger = logging.getLogger(__name__)
GRADIENT_CLIP = 1.0


@dataclass
class RunResult:
    """What a run leaves.

    Attributes:
        network: CHARMS with the best weights (the last ones where nothing was held out), eval mode, on the CPU.
        improved: whether a validation was better than the start; None where nothing was held out.
        best_step, steps: where the best weights come from, and how many steps were done.
        seconds: of training and validation, over all parts of the run.
        seconds_per_step: of training alone.
        history: list of validation events.
        stopped: "all steps", "no gain" (early stopping) or "cancelled".
    """

    network: torch.nn.Module
    improved: bool
    best_step: int
    steps: int
    seconds: float
    seconds_per_step: float
    history: list = field(default_factory=list)
    stopped: str = "all steps"


class Run:
    """One run.

    Args:
        network: CHARMS of the checkpoint that it starts from; not changed.
        card: makes the card of the best weights: function of (step, seconds) -> dict.
        publish: called with the path of the best weights whenever there are better ones.
        patches: Patches.
        held_out: HeldOut, or None to train for all steps.
        plan: Plan.
        folder: of state and best weights; the same folder resumes.
        identity: text that tells runs on other data apart.
        stop_at: step at which it ends before the schedule does; None for all steps.
    """

    def __init__(
        self,
        network: CHARMS,
        card: dict,
        patches: Patches,
        held_out: HeldOut | None,
        plan: Plan,
        folder: Path,
        identity: str = "",
        publish: Callable | None = None,
        stop_at: float | None = None,
    ) -> None:
        self.card, self.patches, self.held_out, self.plan, self.publish = card, patches, held_out, plan, publish
        self.folder, self.last = Path(folder), min(plan.steps, stop_at or plan.steps)
        self.identity = {**plan.to_dict(), "data": identity, "last": self.last}
        self.network = copy.deepcopy(network).to(plan.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.trained = freeze_front(self.network)
        self.stepper = Stepper(self.trained.values(), self._loss, plan.device, GRADIENT_CLIP)
        self.step, self.seconds, self.validation_seconds = 0, 0.0, 0.0
        self.history: list[dict] = []
        self.matched_psnr = held_out.matched_psnr() if held_out else None

    def run(self, task: Task, observe: Callable) -> Any:
        """Train until the steps are done, nothing is gained any more, or somebody cancels.

        Args:
            task: told of the steps, and asked at each whether to stop.
            observe: called with each validation event.

        Returns:
            RunResult.
        """
        resumed = self._resume()
        for event in self.history if resumed else ():
            observe(event)
        started, earlier, losses, stopped = time.monotonic(), self.seconds, [], "all steps"
        if self.held_out and not self.history:
            self._validate([float(self._loss(0)[0].detach())], observe)
        self.network.train()
        while self.step < self.last:
            if task.is_cancelled():
                stopped = "cancelled"
                break
            if self._is_exhausted():
                stopped = "no gain"
                break
            losses.append(self._train_step())
            self.seconds = earlier + time.monotonic() - started
            due = self.step % self.plan.validate_every == 0 or self.step == self.last
            if due:
                if self.held_out:
                    self._validate(losses, observe)
                self._save()
                losses = []
            # A loss that is read waits for the device; a GPU shall run ahead.
            if due or self.plan.device.type == "cpu":
                task.tell(self.step / self.last, self._message())
        self.seconds = earlier + time.monotonic() - started
        return self._result(stopped)

    def _message(self):
        text = f"Step {self.step} of {self.last}"
        if self.history:
            last = self.history[-1]
            text += f", held out {last['validation_psnr']:.2f} dB (intensity-matched {last['matched_psnr']:.2f} dB)"
        return text

    def _loss(self, step):
        """L1 + 0.1 (1 - SSIM) + 0.005 L_AR of one step's patches; the graph holds the trained parts alone."""
        slices, target, mask = (tensor.to(self.plan.device, non_blocking=True) for tensor in self.patches.of_step(step))
        slices = slices.contiguous(memory_format=torch.channels_last)
        with record_attention(self.network):
            with torch.autocast(self.plan.device.type, torch.bfloat16, enabled=self.plan.reduced):
                shallow, fused = frozen_features(self.network, slices)
                output = self.network.reconstruct(slices, shallow, fused)
            regularisation = attention_regularisation(collect_attention(self.network))
        loss = masked_loss(output, target, mask).total + AR_WEIGHT * regularisation
        return loss, loss  # minimised and reported

    def _train_step(self):
        (loss,) = self.stepper.step(self.step, self.plan.rate(self.step), self.step)
        self.step += 1
        return loss

    def _validate(self, losses, observe):
        started = time.monotonic()
        scores = self.held_out.validate(self.network)
        self.validation_seconds += time.monotonic() - started
        best = self._best()
        event = {
            "event": "validation", "step": self.step, "loss": float(torch.as_tensor(losses).mean()), **scores,
            "matched_psnr": self.matched_psnr,
            "best": best is not None and scores["validation_loss"] < best["validation_loss"],
        }  # fmt: skip
        self.history.append(event)
        if event["best"]:
            self._keep_best()
        observe(event)

    def _best(self):
        """The event of the lowest validation loss; the start counts, as step 0."""
        return min(self.history, key=lambda event: event["validation_loss"], default=None)

    def _is_exhausted(self):
        if not self.held_out:
            return False
        since = len(self.history) - 1 - self.history.index(self._best())
        return since >= self.plan.patience

    def _keep_best(self):
        """Write the best weights as a complete checkpoint, beside the best before."""
        folder = self.folder / f"best-{self.step:07d}"
        weights = save_checkpoint(self.network, self.card(self.step, self.seconds), folder)
        if self.publish:
            self.publish(weights)

    def _save(self):
        state = {
            "identity": self.identity, "step": self.step, "history": self.history,
            "seconds": self.seconds, "validation_seconds": self.validation_seconds,
            "trained": {name: parameter.detach() for name, parameter in self.trained.items()},
            "optimiser": self.stepper.state_dict(),
        }  # fmt: skip
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self.folder / "state.pt") as partial:
            torch.save(state, partial)
        # Only now: a run that is killed before goes on from a state that knows the best before.
        for folder in sorted(self.folder.glob("best-*"))[:-1]:
            shutil.rmtree(folder, ignore_errors=True)

    def _resume(self):
        """Go on from the folder's state if it is one of this run; whatever else lies there goes."""
        path = self.folder / "state.pt"
        state = None
        if path.exists():
            state = torch.load(path, map_location=self.plan.device, weights_only=True)
            if state["identity"] != self.identity:
                logger.warning("%s holds a run with other settings or pairs; starting again", self.folder)
                state = None
        if state is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            return False
        with torch.no_grad():
            for name, parameter in self.trained.items():
                parameter.copy_(state["trained"][name])
        self.stepper.load_state_dict(state["optimiser"])
        self.step, self.history = state["step"], state["history"]
        self.seconds, self.validation_seconds = state["seconds"], state["validation_seconds"]
        for folder in self.folder.glob("best-*"):  # newer than the state: it will come again
            if int(folder.name.partition("-")[2]) > self.step:
                shutil.rmtree(folder, ignore_errors=True)
        return True

    def _result(self, stopped):
        improved, step = None, self.step
        if self.held_out:
            step = self._best()["step"]
            improved = step > 0
            if improved:
                self.network.load_state_dict(load_checkpoint(best_so_far(self.folder)).network.state_dict())
        network = self.network.cpu().to(memory_format=torch.contiguous_format).eval().requires_grad_(False)
        per_step = (self.seconds - self.validation_seconds) / max(1, self.step)
        return RunResult(network, improved, step, self.step, self.seconds, per_step, self.history, stopped)
