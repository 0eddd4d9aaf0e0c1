"""Which pairs are trained on and which are held out: by subject, or a block of slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from .slices import PairSlices


@dataclass(frozen=True)
class Split:
    """Training and held-out parts of one run.

    Attributes:
        training, held_out: lists of (PairSlices, slice numbers).
        kind: "subjects" or "slices": what was held out; "" for nothing.
        title: of the run among several, else "".
        notes: sentences for the report.
    """

    training: list
    held_out: list
    kind: str
    title: str = ""
    notes: list = field(default_factory=list)


def subjects_of(pairs: Sequence[PairSlices]) -> list[str]:
    """The subjects of PairSlices in the order of the list."""
    return list(dict.fromkeys(pair.subject for pair in pairs))


def one_split(pairs: Sequence[PairSlices], hold_out: int, watched: bool = True) -> Split:
    """The split of a single run.

    All pairs of a subject stay on one side: an anatomy that was trained on is no test. With one
    subject only, or with ``hold_out`` 0, a block in the middle of every pair is held out.

    Args:
        pairs: list of PairSlices.
        hold_out: number of subjects, the last of the list.
        watched: False trains on everything.

    Raises:
        InputError: too few slices for a block.
    """
    if not watched:
        return Split([(pair, pair.usable) for pair in pairs], [], "", "all pairs")
    subjects, notes = subjects_of(pairs), []
    if hold_out >= len(subjects) > 1:
        notes.append(
            f"{hold_out} subjects were to be held out, but only {len(subjects)} can be used: {len(subjects) - 1} were."
        )
        hold_out = len(subjects) - 1
    if hold_out and len(subjects) > 1:
        kept_apart = set(subjects[-hold_out:])
        training = [(pair, pair.usable) for pair in pairs if pair.subject not in kept_apart]
        held_out = [(pair, pair.usable) for pair in pairs if pair.subject in kept_apart]
        return Split(training, held_out, "subjects", notes=notes)
    if len(subjects) > 1:
        notes.append(
            "No subject was held out, but a block of slices of every pair: neighbouring slices resemble each other, so"
            " the figures are better than they would be on another head."
        )
    blocks = [pair.split_middle() for pair in pairs]
    if not all(len(training) for training, _ in blocks):
        raise InputError("There are too few slices to hold some out: give scans of more slices, or a second subject.")
    training = [(pair, numbers) for pair, (numbers, _) in zip(pairs, blocks)]
    return Split(training, [(pair, numbers) for pair, (_, numbers) in zip(pairs, blocks)], "slices", notes=notes)


def leave_one_out(pairs: Sequence[PairSlices]) -> list[Split]:
    """A split for each subject, which is held out of it."""
    splits = []
    for subject in subjects_of(pairs):
        training = [(pair, pair.usable) for pair in pairs if pair.subject != subject]
        held_out = [(pair, pair.usable) for pair in pairs if pair.subject == subject]
        splits.append(Split(training, held_out, "subjects", f"without {subject}"))
    return splits
