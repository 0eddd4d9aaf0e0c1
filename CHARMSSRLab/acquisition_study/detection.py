"""How often the true resolution of made volumes is found: kinds, ratios, noise, heads and brains, contrasts."""

from __future__ import annotations

import itertools
import random

import numpy as np
import SimpleITK as sitk

from CHARMSSRLib.acquisition.findings import KINDS, NONE, UNKNOWN
from CHARMSSRLib.acquisition.fourier import fourier_resize
from CHARMSSRLib.acquisition.inspect import inspect_grid

from .made import acquired, interpolated

NOISES = (0.01, 0.03, 0.08)
RATIOS = (1.1, 1.2, 1.33, 1.5, 1.75, 2.0, 2.5)
TOLERANCE = 0.05


def cases(names):
    """(name, noise, kind, ratio) of every volume, shuffled, so that any first part is a fair sample."""
    kinds = [kind for kind in KINDS if kind != UNKNOWN]
    every = [
        (name, noise, kind, ratio)
        for name, noise, kind in itertools.product(names, NOISES, kinds)
        for ratio in ((1.0,) if kind == NONE else RATIOS)
    ]
    random.Random(0).shuffle(every)
    return every


def rows_of(values, shares, stripped, noise, kind, ratio):
    """What was found along z, y and x of a made volume whose y axis alone was interpolated.

    Args:
        values: (z, y, x) float32, the anatomy.
        shares: of its k-space that the short acquisition keeps, per axis.
        stripped: whether everything outside the anatomy is set to 0 at the end.
        noise: of :func:`~.made.acquired` and :func:`~.made.interpolated`.
        kind: likewise.
        ratio: likewise.

    Returns:
        List of dict with axis, true (share), found (kind), share and confidence.
    """
    made, ratios = interpolated(acquired(values, shares, noise, 7), kind, (1, ratio, 1))
    if stripped:
        brain = (values > 0).astype(np.float32)
        for axis, size in enumerate(made.shape):
            brain = fourier_resize(brain, size, axis)
        made = np.where(brain > 0.5, made, 0).astype(np.float32)
    axes = inspect_grid(sitk.GetImageFromArray(made)).axes[::-1]
    return [
        {
            "axis": name,
            "true": true,
            "found": axis.interpolation,
            "share": axis.share,
            "confidence": axis.confidence,
            "right": axis.share is not None and abs(axis.share / true - 1) <= TOLERANCE,
        }
        for name, true, axis in zip("zyx", (1, 1 / ratios[1], 1), axes)
    ]
