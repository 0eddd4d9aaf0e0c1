"""Prepares a 3T/7T pair and registers the 7T to the 3T."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ...errors import BackendError, CHARMSSRError, InputError, PairError
from ...grids.slices import slice_axis
from ...machine.devices import choose_device
from ...preprocessing.pipeline import preprocess
from ...preprocessing.skull_strip import check_backend
from ...task import Task
from .pair_checks import check_pair
from .pair_quality import measure_quality, refusal, remarks
from .pair_target import target_grid, target_image, target_mask
from .rigid import register_rigid

if TYPE_CHECKING:
    from ...settings import FineTuningSettings
    from .pair import Pair


@dataclass(frozen=True, eq=False)
class RegisteredPair:
    """A pair that is ready for training.

    Attributes:
        subject, contrast: the pair's labels.
        image_3t: float32, bias-corrected, axes in LPS order, own units, not masked.
        mask: UInt8, the brain, on the grid of ``image_3t``.
        image_7t: float32, bias-corrected, axes in LPS order, on its own grid.
        mask_7t: UInt8, the brain, on the grid of ``image_7t``.
        transform: rigid, takes physical points of the 3T to those of the 7T.
        quality: plain numbers, see ``pair_quality.measure_quality``.
        warnings: sentences for the user.
    """

    subject: str
    contrast: str
    image_3t: sitk.Image
    mask: sitk.Image
    image_7t: sitk.Image
    mask_7t: sitk.Image
    transform: sitk.Transform
    quality: dict = field(default_factory=dict)
    warnings: list = field(default_factory=list)

    @property
    def axis(self) -> int:
        """Array axis (z, y, x) of the slices that are enlarged in plane, as ``enhance`` takes it."""
        return slice_axis(self.image_3t)

    def target(self, scale: int, task: Task | None = None) -> sitk.Image:
        """The registered 7T on the x ``scale`` in-plane grid of the 3T.

        Args:
            scale: whole number from 1 (the 3T's own grid) up.
            task: asked before each slice whether to stop.

        Returns:
            SimpleITK.Image: float32 in the 7T's units, windowed-sinc resampled, as thick as the 3T's
            slices, low-passed where the grid is coarser than the 7T; not masked, but zero farther than
            4 mm from ``target_mask(scale)``. Computed at each call (about a microsecond per voxel of
            the brain and 7T slice): keep it where it is needed again.

        Raises:
            Cancelled: the task was cancelled.
        """
        spacing = self.image_3t.GetSpacing()[::-1]
        return target_image(self.image_7t, self.target_mask(scale), self.transform, self.axis, spacing[self.axis], task)

    def target_mask(self, scale: int) -> sitk.Image:
        """UInt8: inside both brain masks and the 7T's field of view, on the grid of ``target(scale)``."""
        return target_mask(self.mask, self.mask_7t, self.transform, self.axis, scale)

    def target_grid(self, scale: int) -> sitk.Image:
        """An empty image that carries the grid of ``target(scale)``."""
        return target_grid(self.image_3t, self.axis, scale)


def register_pair(pair: Pair, settings: FineTuningSettings | None = None, task: Task | None = None) -> RegisteredPair:
    """Check, bias-correct and skull-strip both scans, and register the 7T rigidly to the 3T.

    Geometry is what the images' headers say: transforms of a scene are hardened by the caller.
    Deterministic for one ``settings.seed``.

    Args:
        pair: Pair; images or paths. A ``mask_3t`` replaces the skull-strip of the 3T.
        settings: any object with bias_correction, skull_strip, device and seed, such as
            FineTuningSettings; None for the defaults.
        task: told of the steps; asked between them, and inside the long ones, whether to stop.

    Returns:
        RegisteredPair

    Raises:
        PairError: the pair cannot be used; the message names it and the reason.
        SettingsError, BackendError: the skull-strip or device does not exist or is not installed.
        Cancelled: the task was cancelled.
    """
    task = task or Task()
    skull_strip = getattr(settings, "skull_strip", "auto")
    check_backend(skull_strip)
    device = str(choose_device(getattr(settings, "device", "auto")))
    bias_correction = getattr(settings, "bias_correction", True)
    try:
        task.tell(0.0, f"Reading {pair.name}")
        image_3t, image_7t, mask_3t = pair.load()
        warnings, mask_3t = check_pair(image_3t, image_7t, mask_3t, pair.contrast, pair.file_names)
        task.check()
        images = []
        for share, field_strength, image, mask in ((0.05, "3T", image_3t, mask_3t), (0.3, "7T", image_7t, None)):
            part = task.part(share, share + 0.25, f"{field_strength} of {pair.name}: ")
            image, mask = _upright(image), None if mask is None else _upright(mask)
            done = _prepared(image, mask, field_strength, bias_correction, skull_strip, device, part)
            warnings += [f"{field_strength}: {warning}" for warning in done.warnings]
            images += [done.image, done.mask]
        upright_3t, brain_3t, upright_7t, brain_7t = images
        transform = _registered(images, getattr(settings, "seed", 0), task.part(0.55, 0.95, f"{pair.name}: "))
        task.tell(0.96, f"Judging the registration of {pair.name}")
        quality = measure_quality(upright_3t, brain_3t, upright_7t, brain_7t, transform)
        reason = refusal(quality)
        if reason:
            raise PairError(reason)
        task.tell(1.0, f"Registered {pair.name}")
        return RegisteredPair(
            pair.subject, pair.contrast, upright_3t, brain_3t, upright_7t, brain_7t, transform, quality,
            warnings + remarks(quality),
        )  # fmt: skip
    except (InputError, PairError) as error:
        raise PairError(f"{pair.name}: {error}") from error


def _prepared(image, mask, what, bias_correction, skull_strip, device, task):
    try:
        done = preprocess(image, bias_correction, skull_strip, mask, device, task)
    except (InputError, BackendError) as error:
        raise PairError(f"The {what} scan cannot be prepared. {error}") from error
    if not np.any(sitk.GetArrayViewFromImage(done.mask)):
        raise PairError(f"No brain was found in the {what} scan; check it, or choose another skull-strip backend.")
    return done


def _registered(images, seed, task):
    try:
        return register_rigid(*images, seed=seed, task=task)
    except CHARMSSRError:
        raise
    except RuntimeError as error:
        raise PairError(
            "The registration found no position in which the two brains overlap; check that both scans show the "
            "same head, and that their headers are right."
        ) from error


def _upright(image):
    return sitk.DICOMOrient(image, "LPS")
