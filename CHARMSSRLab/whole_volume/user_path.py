"""The path that a user's scan takes through ``enhance``, walked at several shares of the noise control at once."""

import copy
from typing import NamedTuple

import numpy as np

from CHARMSSRLib.engines.choice import choose_engine
from CHARMSSRLib.enhancement.enhance_stated import (
    choose_noise,
    load_checkpoint_of,
    prepare,
    run_network,
    way_of,
)
from CHARMSSRLib.enhancement.job import Job
from CHARMSSRLib.enhancement.stages import Stages
from CHARMSSRLib.grids.orientation import LPSFrame
from CHARMSSRLib.settings import EnhancementSettings
from CHARMSSRLib.task import Task


class Enhanced(NamedTuple):
    """What came out at one share.

    Attributes:
        share: percent of the noise that was to be taken away.
        values: float32 (n, s*H, s*W), in the scan's units, 0 outside the brain.
    """

    share: int
    values: np.ndarray


class UserPath:
    """A scan in LPS order, corrected and stripped once as ``enhance`` does it, slices axial.

    The steps are those of ``enhance``, one by one, so that what does not depend on the share is done once; what is
    only said in the report is left out. The bias field is multiplied back.

    Args:
        image: SimpleITK image in LPS order.
        mask: of its brain, or None to strip it.
        checkpoint: name or path.
        device: where the network runs.
        quality: as in ``settings``.
    """

    def __init__(self, image, mask, checkpoint, device="auto", quality="plain"):
        self._settings = {
            "checkpoint": checkpoint, "device": device, "quality": quality, "planes": "axial", "restore_bias": True,
            "resolution": "stated",
        }  # fmt: skip
        settings = EnhancementSettings(**self._settings)
        engine = choose_engine(settings.engine, settings.device, settings.precision)
        self._job = Job(engine, Task(), Stages(), [])
        card = load_checkpoint_of(settings, self._job).card
        self._volume = prepare(image, mask, LPSFrame(image), settings, card, self._job)

    def at(self, denoise, slices=None):
        """:class:`Enhanced` at a share of the noise control.

        Args:
            denoise: percent as text, or "auto".
            slices: slice object: only these are enhanced, the others are 0; None for all.
        """
        volume = self._volume if slices is None else _within(self._volume, slices)
        settings = EnhancementSettings(**self._settings, denoise=denoise)
        loaded = load_checkpoint_of(settings, self._job)
        loaded, _ = choose_noise(self._volume, settings, loaded, self._job)
        output, _ = run_network(volume, way_of(volume, settings), settings, loaded, self._job)
        volume.to_input_units(output)
        return Enhanced(loaded.share, output)

    @property
    def mask(self):
        """bool (n, s*H, s*W): where the results hold."""
        return self._volume.large_mask > 0


def _within(volume, slices):
    """The volume with nothing to be enhanced outside some slices, its intensity scale and mask elsewhere unchanged."""
    part = copy.copy(volume)
    part.__dict__.pop("large_mask", None)  # of the whole brain
    part.foreground = np.zeros_like(volume.foreground)
    part.foreground[slices] = volume.foreground[slices]
    return part
