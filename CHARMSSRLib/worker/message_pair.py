"""A 3T/7T pair that a message describes: its volumes are read when they are needed, one pair at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..fine_tuning.pairs.pair import Pair
from .protocol import ProtocolError, load_volume


@dataclass(frozen=True, eq=False)
class MessagePair(Pair):
    """A Pair whose images are descriptions of ``save_volume``; ``folder`` is the job's."""

    folder: Path = Path()

    def load(self) -> tuple:
        """The pair's images; a ProtocolError is raised where one cannot be read."""
        three, seven = (load_volume(one, self.folder) for one in (self.image_3t, self.image_7t))
        return three, seven, load_volume(self.mask_3t, self.folder) if self.mask_3t else None


def pair_of(description: object, folder: str | Path) -> MessagePair:
    """The MessagePair of a description: subject, contrast, image_3t, image_7t, mask_3t (or null).

    Raises:
        ProtocolError: it is no such description.
    """
    keys = ("subject", "contrast", "image_3t", "image_7t")
    if not isinstance(description, dict) or not all(key in description for key in keys):
        raise ProtocolError(f"A pair is described by {', '.join(keys)} and mask_3t.")
    subject, contrast, three, seven = (description[key] for key in keys)
    if not isinstance(subject, str) or not isinstance(contrast, str):
        raise ProtocolError("Subject and contrast of a pair are texts.")
    return MessagePair(subject, contrast, three, seven, description.get("mask_3t"), Path(folder))
