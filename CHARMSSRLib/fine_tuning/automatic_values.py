"""Which steps, rates and sizes a fine-tuning uses where the user left them to the program."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from ..errors import SettingsError
from ..machine.devices import choose_device

if TYPE_CHECKING:
    from ..settings import FineTuningSettings

# The paper's rate needs thousands of steps, which a GPU does in minutes. A CPU does a few hundred
# smaller ones in that time, so it needs a higher rate: of 1e-4 and 1e-3 the latter gained twice as
# much on held-out heads (docs/use/fine-tuning.md).
GPU_PRESET = {
    "learning_rate": 1e-5, "steps": 4000, "batch": 16, "patch": 96, "validate_every": 100, "patience": 10,
}  # fmt: skip
CPU_PRESET = {"learning_rate": 1e-3, "steps": 400, "batch": 4, "patch": 48, "validate_every": 25, "patience": 6}
WARM_SHARE = 10  # the rate rises over a tenth of the steps: AdamW's first steps know nothing of the gradients
FINAL_SHARE = 0.1  # of the rate, at the last step


@dataclass(frozen=True)
class Plan:
    """A fine-tuning with every choice made.

    Attributes:
        learning_rate, steps, batch, patch, validate_every, patience, seed: of the settings, 0 replaced.
        device: torch device. reduced: whether the forward pass runs in bfloat16 (autocast).
        preset: "cpu" or "gpu", where the replaced values come from.
    """

    learning_rate: float
    steps: int
    batch: int
    patch: int
    validate_every: int
    patience: int
    seed: int
    device: torch.device
    reduced: bool
    preset: str

    @classmethod
    def of(cls, settings: FineTuningSettings) -> Plan:
        """The plan for FineTuningSettings on this machine.

        Raises:
            SettingsError: bfloat16 on a CPU.
            BackendError: the device is not here.
        """
        device = choose_device(settings.device)
        if settings.precision == "bfloat16" and device.type != "cuda":
            raise SettingsError(
                f"bfloat16 is not safe for training on {device.type}: choose the precision float32, or auto."
            )
        preset = "cpu" if device.type == "cpu" else "gpu"
        chosen: dict[str, Any] = {name: getattr(settings, name) or value for name, value in _PRESETS[preset].items()}
        reduced = device.type == "cuda" and settings.precision != "float32"
        return cls(**chosen, seed=settings.seed, device=device, reduced=reduced, preset=preset)

    @property
    def precision(self) -> str:
        return "bfloat16" if self.reduced else "float32"

    def rate(self, step: int) -> float:
        """Learning rate of a step: a warm-up, then a cosine down to a tenth."""
        warm = self.steps // WARM_SHARE
        if step < warm:
            return self.learning_rate * (step + 1) / (warm + 1)
        done = (step - warm) / max(1, self.steps - warm)
        return self.learning_rate * (FINAL_SHARE + (1 - FINAL_SHARE) * (1 + math.cos(math.pi * done)) / 2)

    def to_dict(self) -> dict:
        """What makes a run what it is: states of other values cannot be resumed."""
        names = ("learning_rate", "steps", "batch", "patch", "validate_every", "patience", "seed", "precision")
        return {**{name: getattr(self, name) for name in names}, "device": str(self.device)}


_PRESETS = {"cpu": CPU_PRESET, "gpu": GPU_PRESET}
