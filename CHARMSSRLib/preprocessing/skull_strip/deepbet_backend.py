"""deepbet (Fisch et al., Comput. Biol. Med. 2024; MIT licence), whose weights lie inside its wheel."""

from __future__ import annotations

import importlib.util

import numpy as np
import SimpleITK as sitk

from ...errors import BackendError
from ...grids.orientation import LPSFrame, image_like
from ...task import Task

HOW_TO_GET_IT = (
    "The skull-strip backend deepbet needs deepbet and PyTorch in this Python. Install them with: "
    "pip install deepbet torch"
)
# What deepbet imports when it strips; its graphical interface needs more, which is not asked for.
_REQUIRED = ("deepbet", "torch", "cc3d", "fill_voids", "nibabel", "pandas", "tqdm")
_THRESHOLD = 0.5


def is_available() -> bool:
    """Whether deepbet and what it imports are installed."""
    return all(importlib.util.find_spec(name) is not None for name in _REQUIRED)


def strip(image: sitk.Image, head: sitk.Image, device: str = "cpu", task: Task | None = None) -> sitk.Image:
    """Brain mask, UInt8 on the grid of ``image``.

    Raises:
        BackendError: deepbet cannot be loaded, or found no brain.
        Cancelled: the task was cancelled.
    """
    try:
        import torch
        from deepbet import BrainExtraction

        extraction = BrainExtraction(no_gpu=True)
    except Exception as error:
        raise BackendError(
            f"deepbet is installed but cannot be loaded ({error}). Install it again, or choose "
            "another skull-strip backend."
        ) from error
    extraction.model.to(torch.device(device))
    extraction.bbox_model.to(torch.device(device))
    (task or Task()).check()

    frame = LPSFrame(image)
    upright = frame.enter(sitk.Cast(image, sitk.sitkFloat32))
    # deepbet wants (x, y, z) towards right, anterior, superior: x and y run the other way in LPS.
    right_anterior_superior = sitk.GetArrayFromImage(upright).transpose(2, 1, 0)[::-1, ::-1].copy()
    try:
        probability = extraction.run_model(right_anterior_superior)
        mask = extraction.postprocess(probability > _THRESHOLD)
    except (AssertionError, ValueError, RuntimeError) as error:
        raise BackendError(
            f"deepbet found no brain ({error}). Choose another skull-strip backend, or give a mask."
        ) from error
    array = np.ascontiguousarray(mask[::-1, ::-1].transpose(2, 1, 0)).astype(np.uint8)
    return frame.leave(image_like(array, upright))
