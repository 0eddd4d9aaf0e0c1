"""What a benchmark measures, and how thoroughly."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    import torch

LIMITS, NETWORKS, OPERATORS, STAGE, ENHANCEMENT, WHOLE_JOB, WORKER, GROWTH = PARTS = (
    "limits", "networks", "operators", "stage", "enhancement", "whole-job", "worker", "growth"
)  # fmt: skip
USUAL_PARTS = (LIMITS, NETWORKS, OPERATORS, STAGE, ENHANCEMENT)
GENERATED = "generated"
FULL_SIZE, SMALL_SIZE, TINY_SIZE = (176, 256, 256), (88, 128, 128), (44, 64, 64)


@dataclass(frozen=True)
class BenchmarkPlan:
    """Settings of a benchmark.

    Attributes:
        parts: names out of PARTS.
        device: torch.device of "limits" to "enhancement"; the others are for the CPU.
        checkpoint: name or path.
        threads: of the CPU, for torch and ITK.
        lr_size: rows and columns of the LR slices of "networks", "operators", "stage" and "growth".
        batches: slices at a time, of "networks" and "stage".
        rounds, seconds_each: of the turns of "limits" and "networks".
        others: also the other methods of the comparison.
        stage_slices: of "stage".
        head: path or GENERATED, of "enhancement" and what follows it.
        head_size: its voxels along x, y, z; None leaves a file as it is.
        skull_strip: backend.
        whole_rounds: of "enhancement", "whole-job" and "growth".
        more_rounds: add those of "whole-job" to the ones that were measured before.
        naive_slices: how many the naive way really does; None for all.
        growth_shares: of the head's voxels along each axis.
        growth_slices: numbers of slices.
        clock: "wall", or "processor" for a machine that has other work; all parts but "worker".
        quick: small limits, which may miss the peak.
    """

    parts: tuple
    device: "torch.device"
    checkpoint: str
    threads: int
    lr_size: int = 128
    batches: tuple = (1,)
    rounds: int = 15
    seconds_each: float = 60.0
    others: bool = True
    stage_slices: int = 16
    head: str = GENERATED
    head_size: Optional[tuple] = SMALL_SIZE
    skull_strip: str = "auto"
    whole_rounds: int = 3
    more_rounds: bool = False
    naive_slices: Optional[int] = None
    growth_shares: tuple = (0.5, 0.75, 1.0)
    growth_slices: tuple = (8, 16, 32)
    clock: str = "wall"
    quick: bool = False


def quick_plan(**choices):
    """A plan of seconds: fewer turns, small slices, a tiny head. ``choices`` win."""
    small = {
        "lr_size": 32, "rounds": 3, "seconds_each": 0.0, "stage_slices": 4, "head_size": TINY_SIZE, "whole_rounds": 1,
        "growth_slices": (2, 4), "quick": True,
    }  # fmt: skip
    return BenchmarkPlan(**{**small, **choices})
