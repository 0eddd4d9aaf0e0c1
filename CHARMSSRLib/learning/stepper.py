"""The one step of an optimiser under training and fine-tuning."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable

import torch

logger = logging.getLogger(__name__)


class Stepper:
    """AdamW, step by step: a rate for each, a gradient of bounded length, and weights that no faulty gradient reaches.

    A loss whose gradient is not finite leaves the weights (and AdamW's moments) as they were.

    Args:
        parameters: what is trained.
        loss: function of a batch -> (what is minimised, figures to report ...): scalar tensors on ``device``; the
            first holds the graph.
        device: of the parameters. On a GPU a step never waits for the device.
        longest: bound on the gradient's length over all parameters; 0 for none.
        recorded: None, or what makes a recording of the step for a GPU: (step, function that forgets the gradients) ->
            step, as ``CHARMSSRLab.training.graphed_step.GraphedStep``.

    Attributes:
        update: one step at the rate that is set, recorded or not.
    """

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        loss: Callable[..., tuple[torch.Tensor, ...]],
        device: torch.device,
        longest: float = 0.0,
        recorded: Callable | None = None,
    ) -> None:
        self._parameters, self._loss = list(parameters), loss
        self._device, self._longest, self._on_card = device, longest or math.inf, device.type == "cuda"
        self._recorded = recorded is not None and self._on_card
        self._optimiser = torch.optim.AdamW(
            self._parameters, betas=(0.9, 0.999), eps=1e-8, fused=self._on_card, capturable=self._recorded
        )
        self._place_rate()
        self.update = recorded(self._update, self._optimiser.zero_grad) if recorded is not None else self._update

    def step(self, number: int, rate: float, *batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """One step.

        Args:
            number: of the step, for the log.
            rate: learning rate.
            batch: what the loss takes.

        Returns:
            What the loss reported, without graphs.
        """
        self._number = number
        for group in self._optimiser.param_groups:
            if torch.is_tensor(group["lr"]):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        return self.update(*batch)

    def state_dict(self) -> dict:
        """What the next step needs beside the weights."""
        return self._optimiser.state_dict()

    def load_state_dict(self, state: dict) -> None:
        """Go on where ``state_dict`` was taken, recorded or not."""
        self._optimiser.load_state_dict(state)
        self._place_rate()

    def _place_rate(self) -> None:
        """A recorded step reads the rate from the card; every other one from the processor."""
        for group in self._optimiser.param_groups:
            rate = float(group["lr"])
            group["lr"] = torch.tensor(rate, device=self._device) if self._recorded else rate
            group["capturable"] = self._recorded

    def _update(self, *batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        minimised, *reported = self._loss(*batch)
        self._optimiser.zero_grad(set_to_none=True)
        minimised.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, self._longest)
        if self._on_card:
            # The fused kernel leaves the weights as they are where this is 1: nothing waits for the device.
            self._optimiser.found_inf = (~norm.isfinite()).float()  # type: ignore[attr-defined]
            self._optimiser.step()
        elif norm.isfinite():
            self._optimiser.step()
        else:
            logger.warning("step %d: the gradient is not finite; the weights stay", self._number)
        return tuple(one.detach() for one in reported)
