"""From a checked volume to what the network needs: corrected intensities and masks."""

import time
from typing import NamedTuple, Optional

import SimpleITK as sitk

from ..errors import Cancelled
from .bias_field import correct_bias_field
from .head_mask import head_mask
from .plausibility import mask_warnings
from .skull_strip import SkullStrip, strip_skull


class Preprocessed(NamedTuple):
    """What :func:`preprocess` returns; every image lies on the input's grid.

    Attributes:
        image: float32, bias-corrected, not masked, input units.
        mask: UInt8, the brain (the head, when nothing was stripped; or the user's mask).
        head: UInt8, the head mask (or the user's mask).
        field: float32, the bias field; None when it was not corrected.
        strip: what the skull-strip did; None when it did not run.
        stages: seconds (float) by name of the stage (str).
        warnings: sentences (str) for the user.
    """

    image: sitk.Image
    mask: sitk.Image
    head: sitk.Image
    field: Optional[sitk.Image]
    strip: Optional[SkullStrip]
    stages: dict
    warnings: list


def preprocess(
    image, bias_correction=True, skull_strip="auto", mask=None, device="cpu", progress=None, is_cancelled=None
):
    """Head mask, N4 inside it, skull-strip: the steps before the intensity scaling.

    Args:
        image (SimpleITK.Image): scalar 3-D, any orientation and spacing; not changed.
        bias_correction (bool): correct the bias field (N4).
        skull_strip (str): "auto", "none" or the name of a backend.
        mask (SimpleITK.Image, optional): the user's mask on the same grid; replaces the head
            mask and the strip.
        device (str): where a backend's network runs.
        progress (callable, optional): called with a fraction (0 to 1) and a message.
        is_cancelled (callable, optional): asked between and inside the stages.

    Returns:
        Preprocessed

    Raises:
        InputError: no head was found, or the mask is empty.
        BackendError: the named backend is missing or failed.
        Cancelled: ``is_cancelled()`` answered true.
    """
    stages = {}
    working = sitk.Cast(image, sitk.sitkFloat32)
    head = _timed(stages, "head mask", lambda: _binary(mask) if mask is not None else head_mask(working))

    bias = None
    if bias_correction:
        _announce(progress, 0.1, "Correcting the bias field", is_cancelled)
        bias = _timed(stages, "bias correction", lambda: correct_bias_field(working, head, is_cancelled))
        working = bias.image

    strip = None
    if mask is None and skull_strip != "none":
        _announce(progress, 0.5, "Stripping the skull", is_cancelled)
        strip = _timed(
            stages, "skull strip", lambda: strip_skull(working, skull_strip, device, is_cancelled, head=head)
        )
    brain = strip.mask if strip is not None else head
    warnings = list(strip.warnings) if strip is not None else []
    if mask is not None:
        warnings += mask_warnings(brain)
    _announce(progress, 1.0, "Preprocessing finished", is_cancelled)
    return Preprocessed(working, brain, head, bias.field if bias is not None else None, strip, stages, warnings)


def _binary(mask):
    return sitk.Cast(mask != 0, sitk.sitkUInt8)


def _timed(stages, name, step):
    start = time.perf_counter()
    result = step()
    stages[name] = time.perf_counter() - start
    return result


def _announce(progress, fraction, message, is_cancelled):
    if is_cancelled is not None and is_cancelled():
        raise Cancelled()
    if progress is not None:
        progress(fraction, message)
