"""What one enhancement goes by and keeps account in, handed from step to step."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..engines.choice import Choice
from ..task import Task
from .stages import Stages


@dataclass
class Job:
    """One enhancement under way.

    Attributes:
        engine: what computes, where and in what precision.
        task: progress and cancelling of the whole.
        stages: seconds by stage, filled as the steps are done.
        warnings: sentences for the user, added to by the steps: what to be wary of.
        notes: sentences on how it was done, where that is not as usual; nothing to be wary of.
    """

    engine: Choice
    task: Task
    stages: Stages = field(default_factory=Stages)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def device_of_torch(self) -> str:
        """Where a skull-strip that needs torch computes: "cpu", "cuda:N" or "mps"."""
        return self.engine.device if self.engine.engine == "torch" else "cpu"
