"""From a checked volume to what the network needs: corrected intensities and masks."""

from __future__ import annotations

import time
from typing import NamedTuple

import SimpleITK as sitk

from ..task import Task
from .air import air_of
from .bias_field import correct_bias_field
from .head_mask import head_mask
from .plausibility import mask_warnings, narrow_head_warnings
from .skull_strip import ALREADY_STRIPPED, SkullStrip, strip_skull

clock = time.perf_counter  # as in enhancement.stages


class Preprocessed(NamedTuple):
    """What :func:`preprocess` returns; every image lies on the input's grid.

    Attributes:
        image: float32, bias-corrected, not masked, input units minus ``offset``.
        mask: UInt8, the brain (the head, when nothing was stripped; or the user's mask).
        head: UInt8, the head mask (or the user's mask, unless the whole head was asked for).
        field: float32, the bias field; None when it was not corrected, or not wanted.
        strip: what the skull-strip did; None when it did not run.
        stages: seconds (float) by name of the stage (str).
        warnings: sentences (str) for the user.
        offset: what was subtracted so that the background is 0 (float, input units); 0 for most scans.
        background: what a result holds outside the mask (float, input units); 0 for most scans.
    """

    image: sitk.Image
    mask: sitk.Image
    head: sitk.Image
    field: sitk.Image | None
    strip: SkullStrip | None
    stages: dict
    warnings: list
    offset: float = 0.0
    background: float = 0.0


def preprocess(
    image: sitk.Image,
    bias_correction: bool = True,
    skull_strip: str = "auto",
    mask: sitk.Image | None = None,
    device: str = "cpu",
    task: Task | None = None,
    whole_head: bool = False,
    named_uni: bool = False,
    with_field: bool = True,
) -> Preprocessed:
    """Head mask, N4 inside it, skull-strip: the steps before the intensity scaling.

    Args:
        image: scalar 3-D, any orientation and spacing; not changed.
        bias_correction: correct the bias field (N4).
        skull_strip: "auto", "none" or the name of a backend.
        mask: the user's mask on the same grid; replaces the head
            mask and the strip.
        device: where a backend's network runs.
        task: told between the stages, asked between and inside them whether to stop.
        whole_head: the head is wanted beside a user's mask, which then replaces the strip alone.
        named_uni: the scan's name says that it is a UNI image of MP2RAGE, whose air is noise.
        with_field: keep the bias field, which takes as much memory as the image.

    Returns:
        Preprocessed

    Raises:
        InputError: no head was found, or the mask is empty.
        BackendError: the named backend is missing or failed.
        Cancelled: the task was cancelled.
    """
    stages: dict[str, float] = {}
    task = task or Task()
    working, offset, background, dark, head, may_have_bias, remarks = _timed(
        stages, "head mask", lambda: air_of(image, mask is None, named_uni)
    )
    warnings = list(remarks)
    if mask is not None:
        head = _binary(mask)
    elif head is None:
        head = _timed(stages, "head mask", lambda: head_mask(working))

    field = None
    if bias_correction and may_have_bias:
        task.step(0.1, "Correcting the bias field")
        working, field = _timed(stages, "bias correction", lambda: correct_bias_field(working, head, task))
        field = field if with_field else None

    strip = None
    if mask is None and skull_strip != "none":
        task.step(0.5, "Stripping the skull")
        look = working if dark is None else dark
        strip = _timed(stages, "skull strip", lambda: strip_skull(look, skull_strip, device, task, head=head))
    brain = strip.mask if strip is not None else head
    if strip is not None:
        warnings += strip.warnings
        warnings += [] if strip.backend == ALREADY_STRIPPED else narrow_head_warnings(head)
    if mask is not None:
        warnings += mask_warnings(brain)
        if whole_head:
            head = _timed(stages, "head mask", lambda: sitk.Or(head_mask(working), brain))
    task.step(1.0, "Preprocessing finished")
    return Preprocessed(working, brain, head, field, strip, stages, warnings, offset, background)


def _binary(mask):
    return sitk.Cast(mask != 0, sitk.sitkUInt8)


def _timed(stages, name, step):
    start = clock()
    result = step()
    stages[name] = stages.get(name, 0.0) + clock() - start
    return result
