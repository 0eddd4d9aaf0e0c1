"""Which bundled checkpoint a scan is enhanced with where the choice was left to what was measured.

On whole heads made coarse in four ways (docs/studies/acquisition.md) ``charms-x2-clinical`` is the best of its
scale but in one: where pixels were averaged by the very kernel that another learnt, that one gains up to 0.6 dB
in most heads, and it loses up to 4 dB elsewhere. Nothing measured tells them apart surely enough. So far every
scan gets it, and the reason says what the scan is and whether the study holds for it. A scale of 4, and weights of
one's own, are for the user to ask for.
"""

from __future__ import annotations

from typing import NamedTuple

from ..settings import DEFAULT_CHECKPOINT
from .contrast import FLAIR, T1W, T2W
from .findings import NEAREST, Acquisition

_STUDIED = (T1W, T2W, FLAIR)
_NOISIEST = 0.08  # by the tissue's brightness: up to here networks have learnt


class Choice(NamedTuple):
    """A checkpoint by name, and why in a sentence or two."""

    name: str
    reason: str


def choose_checkpoint(found: Acquisition) -> Choice:
    """The checkpoint for a scan.

    Args:
        found: what was measured, of :func:`~.inspect.inspect_image`.
    """
    reason = (
        f"{found.line()}: {DEFAULT_CHECKPOINT} is the best of its scale for T1w, T2w and FLAIR, or within 0.35 dB of"
        " it, however their pixels came about."
    )
    doubts = []
    if found.contrast.value not in _STUDIED:
        doubts.append("this contrast")
    if found.noise.value is not None and found.noise.confidence > 0.6 and found.noise.value > _NOISIEST:
        doubts.append("so much noise")
    if any(axis.interpolation == NEAREST for axis in found.axes):
        doubts.append("pixels that were repeated")
    if doubts:
        reason += f" That was not measured with {' and '.join(doubts)}."
    return Choice(DEFAULT_CHECKPOINT, reason)
