"""Study "resolution": how often the true resolution of made scans is found, by kind, ratio, noise, heads and brains."""

import itertools
import random

import numpy as np
import SimpleITK as sitk

from CHARMSSRLib.acquisition.findings import KINDS, NONE, UNKNOWN
from CHARMSSRLib.acquisition.fourier import fourier_resize
from CHARMSSRLib.acquisition.inspect import inspect_grid
from CHARMSSRLib.acquisition.measured_grid import grid_from_axes

from .made_scans import acquired, interpolated
from .study_of_volumes import Column, Study

NOISES = (0.01, 0.03, 0.08)
RATIOS = (1.2, 1.33, 1.5, 1.75, 2.0, 2.5)
TOLERANCE = 0.05
ACROSS = 72  # voxels of a piece along x and z; y, which is interpolated, stays whole
FEW = 12  # made scans of each volume, as a head and as a brain, of the 93 that there are
FILLED = 0.8  # of the band that a volume was measured over: so much holds signal to its end


def cases(seed):
    """(noise, kind, ratio) of every made scan of a volume, shuffled, so that any first part is a fair sample."""
    kinds = [kind for kind in KINDS if kind != UNKNOWN]
    every = [
        (noise, kind, ratio)
        for noise, kind in itertools.product(NOISES, kinds)
        for ratio in ((1.0,) if kind == NONE else RATIOS)
    ]
    random.Random(seed).shuffle(every)
    return every


def measure(sample, checkpoint, setup):
    """Rows of one volume, one per made scan: what was found along y, and along the axes that were left alone."""
    whole, brain = sitk.GetArrayFromImage(sample.as_it_came), sitk.GetArrayViewFromImage(sample.mask) > 0
    shares = [FILLED * (axis.share or 1.0) for axis in _looked_at(whole).axes[::-1]]
    values, inside = _piece(whole, brain), _piece(brain, brain)
    stripped_already = float((values[~inside] == 0).mean()) > 0.9
    rows = []
    for stripped in (True,) if stripped_already else (False, True):
        every = cases(f"{sample.name} {stripped}")
        for noise, kind, ratio in every[:FEW]:
            rows.append(_row(values, shares, inside if stripped else None, noise, kind, ratio))
    return rows


def _row(values, shares, brain, noise, kind, ratio):
    """What was found of one made scan; ``brain`` is what is kept of it (None for all), on the grid of ``values``."""
    made, ratios = interpolated(acquired(values, shares, noise, 7), kind, (1, ratio, 1))
    if brain is not None:
        kept = brain.astype(np.float32)
        for axis, size in enumerate(made.shape):
            kept = fourier_resize(kept, size, axis)
        made = np.where(kept > 0.5, made, 0).astype(np.float32)
    found = _looked_at(made)
    z, y, x = found.axes[::-1]
    changed = grid_from_axes(made.shape[::-1], found.axes).changed
    zero_filled = kind.startswith("zero-filled")
    return {
        "made": kind, "ratio": ratio, "noise": noise, "stripped": brain is not None, "true": 1 / ratios[1],
        "share": y.share, "found": y.interpolation, "confidence": y.confidence,
        "right": y.share is not None and abs(y.share * ratios[1] - 1) <= TOLERANCE,
        # Axes that are as they were measured, and of these what was called interpolated.
        "plain": 3 if kind == NONE else 2,
        "alarms": sum(one.interpolation not in (NONE, UNKNOWN) for one in ((x, y, z) if kind == NONE else (x, z))),
        "acted": sum(changed[::2]) + (0 if zero_filled else int(changed[1])),
    }  # fmt: skip


def _piece(values, brain):
    """The middle of a volume (z, y, x) around its brain: all of y, at most ``ACROSS`` voxels of the others."""
    where = []
    for axis, size in enumerate(values.shape):
        occupied = np.flatnonzero(brain.any(axis=tuple(other for other in range(3) if other != axis)))
        length = size if axis == 1 else min(size, ACROSS)
        first = int((occupied[0] + occupied[-1] + 1 - length) // 2)
        first = min(max(first, 0), size - length)
        where.append(slice(first, first + length))
    return np.ascontiguousarray(values[tuple(where)])


def _looked_at(values):
    return inspect_grid(sitk.GetImageFromArray(values.astype(np.float32)))


def verdict(rows):
    """How many made scans of each kind were read rightly, and what was said of axes that nobody touched."""
    sentences = []
    for kind in dict.fromkeys(row["made"] for row in sorted(rows, key=lambda row: KINDS.index(row["made"]))):
        own = [row for row in rows if row["made"] == kind and kind != NONE]
        if not own:
            continue
        heads = [[row for row in own if row["stripped"] == stripped] for stripped in (False, True)]
        right = [f"{sum(row['right'] for row in part)} of {len(part)}" for part in heads]
        named = [row for row in own if row["right"]]
        same, unknown = (sum(row["found"] == one for row in named) for one in (kind, UNKNOWN))
        sentences.append(
            f"{kind}: resolution within {100 * TOLERANCE:g} % in {right[0]} whole and {right[1]} stripped scans; kind"
            f" right in {same}, unknown in {unknown}, wrong in {len(named) - same - unknown} of these {len(named)}."
        )
    plain, alarms, acted = (sum(row[key] for row in rows) for key in ("plain", "alarms", "acted"))
    others = sum(row["made"] != NONE and not row["made"].startswith("zero-filled") for row in rows)
    sentences.append(
        f"Axes that were not interpolated: {alarms} of {plain} called interpolated. Enhanced from fewer pixels without"
        f" being zero-filled: {acted} of {plain + others}."
    )
    return sentences


STUDY = Study(
    name="resolution",
    title="True resolution of made scans",
    protocol=f"A piece of each volume (its y axis whole, {ACROSS} voxels along the others) whose k-space is cut to the"
    " band that it fills, with a smooth phase and complex noise of 1, 3 or 8 % of bright tissue; y interpolated 1.2 to"
    " 2.5 times in each way, magnitude, 11 bits; whole, or stripped at the end. The checkpoint is not used. Of each"
    f" volume {FEW} made scans whole and {FEW} stripped, drawn by its name from 93 of either.",
    columns=(
        Column("volume", "volume"), Column("made", "made"), Column("ratio", "ratio", ".2f"), Column("noise", "noise"),
        Column("stripped", "stripped"), Column("true", "true share", ".3f"), Column("share", "found", ".3f"),
        Column("found", "called"), Column("confidence", "confidence", ".2f"), Column("alarms", "alarms", "d"),
    ),
    measure=measure,
    takes_slices=True,
    verdict=verdict,
)  # fmt: skip
