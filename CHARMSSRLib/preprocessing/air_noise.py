"""Scans whose air is full noise: the UNI images of MP2RAGE, the usual anatomical scan at 7 T.

UNI is the quotient of two images, so where there is no signal it takes every value of its range: as
bright as white matter, as dark as fluid, at random. Otsu's threshold and every skull-strip that was
trained on dark air fail there. What tells the head is not how bright a place is but how quiet: noise
differs from voxel to voxel, tissue does not.

Source: Marques et al., NeuroImage 49(2), 2010 (the quotient); its value under pure noise is uniformly
distributed, as it is a coordinate of a point that is uniform on a sphere.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..errors import InputError
from ..grids.orientation import LPSFrame, image_like
from .morphology import close, erode, fill_holes, largest_component

# Of the range of the volume: uniform noise has a standard deviation of 0.29, resampled noise of 0.15 and
# more, the air of other scans of below 0.05.
_SMALLEST_DEVIATION, _SMALLEST_DEVIATION_OF_NAMED = 0.12, 0.06
_MIDDLE = (0.3, 0.7)
# Squared steps by variance: 2 where each voxel is drawn on its own, from 0.8 up where they were resampled. A corner
# that is tissue, as in a slab of a head without air, varies as much but smoothly: below 0.5.
_LEAST_ROUGHNESS = 0.6
_NOISY_CORNERS = 4
# What was filled up: of the faces at least, of the volume at most (a brain that was cut out leaves more).
_FILLED_FACES, _MOST_PADDING = 0.05, 0.4
_STEPS_INWARDS = 5
_FEWEST_VOXELS = 27
# Of the noise in the corners: below it a place is quiet.
_QUIET = 0.35
_NEIGHBOURHOOD_MM = 3.0
_HEAD_NEIGHBOURHOOD_MM = 6.0
_CLOSING_MM = 10.0
_SKIN_MM = 2.0
_REST = 0.01

WARNING = (
    "The air is full of noise, as in the UNI image of MP2RAGE: the head was told by where the scan is quiet, the bias "
    "field was not corrected (such images have none), and the air was taken as dark for finding the brain. Check the "
    "mask."
)


class QuietScan(NamedTuple):
    """A scan with its air made dark.

    Attributes:
        image: float32, 0 upwards, on the grid of the scan: what masks are made from, never the result.
        head: UInt8, the head mask.
    """

    image: sitk.Image
    head: sitk.Image


def has_noisy_air(image: sitk.Image, named: bool = False) -> bool:
    """Whether most corners of a volume hold noise that spans its whole range.

    Args:
        image: scalar 3-D.
        named: whether its name says that it is a UNI image: then weaker noise (smoothed, resampled) is enough.
    """
    values = sitk.GetArrayViewFromImage(image)
    low, high = _range(values)
    return _noise_of_corners(values, low, high, named=named) is not None


def lowest_level(image: sitk.Image) -> float:
    """The lower end of the range that the noise spans."""
    return float(sitk.GetArrayViewFromImage(image).min())


def quiet_scan(image: sitk.Image, named: bool = False) -> QuietScan:
    """The scan with noise turned dark, and the head mask.

    Args:
        image: scalar 3-D, for which ``has_noisy_air`` is true; not changed.
        named: see there.

    Raises:
        InputError: nothing in the volume is quiet, or its air is not noisy.
    """
    frame = LPSFrame(image)
    upright = frame.enter(sitk.Cast(image, sitk.sitkFloat32))
    values = sitk.GetArrayFromImage(upright)
    spacing = upright.GetSpacing()[::-1]
    low, high = _range(values)
    padding = _padding(values)
    noise = _noise_of_corners(values, low, high, padding, named)
    if noise is None:
        raise InputError("The air of this scan holds no noise that spans its range.")
    scaled = np.clip((values - low) / (high - low), 0, 1)
    rough = _roughness(scaled)
    if padding is not None:  # constant, but no head
        rough[ndimage.binary_dilation(padding, iterations=2)] = noise
    head = _smoothed(rough, _HEAD_NEIGHBOURHOOD_MM, spacing) < 0.5 * noise
    head = largest_component(erode(head, _SKIN_MM, spacing))
    head = fill_holes(close(head, _CLOSING_MM, spacing))
    if not head.any():
        raise InputError(
            "No head was found in the image: it is noise everywhere. Check that the right volume is selected."
        )
    # Bone is noise as air is: dark again where the near neighbourhood is not quiet.
    quiet = np.clip(2 - _smoothed(rough, _NEIGHBOURHOOD_MM, spacing) / (_QUIET * noise), 0, 1)
    # A faint rest of the noise: nothing is to take this for a brain that was cut out.
    dark = (scaled * np.maximum(quiet * head, _REST)).astype(np.float32)
    return QuietScan(
        frame.leave(image_like(1000 * dark, upright)), frame.leave(image_like(head.astype(np.uint8), upright))
    )


def _range(values):
    low, high = np.percentile(values[::2, ::2, ::2], (0.5, 99.5))
    return float(low), float(high)


def _noise_of_corners(values, low, high, padding=None, named=False):
    """Mean squared step from voxel to voxel in the noisy corners, in units of the range; None where there are few.

    Corners that were filled up, as a correction of the gradients' distortion does, are looked for further in.
    """
    if not high > low:
        return None
    padding = _padding(values) if padding is None else padding
    if padding is not None:
        box = _box_of(~padding)
        values, padding = values[box], padding[box]
        if padding.mean() > _MOST_PADDING:
            return None
    smallest = _SMALLEST_DEVIATION_OF_NAMED if named else _SMALLEST_DEVIATION
    steps = []
    for ends in itertools.product((False, True), repeat=3):
        block, filled = _corner(values, padding, ends)
        inside = np.ones(block.shape, bool) if filled is None else ~ndimage.binary_dilation(filled, iterations=2)
        block = (np.asarray(block, np.float64) - low) / (high - low)
        held = block[inside]
        if held.size < _FEWEST_VOXELS or held.std() < smallest:
            continue
        rough = float(_roughness(np.clip(block, 0, 1))[inside].mean())
        if _MIDDLE[0] < np.median(held) < _MIDDLE[1] and (named or rough > _LEAST_ROUGHNESS * held.var()):
            steps.append(rough)
    return float(np.median(steps)) if len(steps) >= _NOISY_CORNERS else None


def _box_of(mask):
    """The slices of the tightest box around a mask."""
    found = ndimage.find_objects(mask.astype(np.uint8))
    return found[0] if found else tuple(slice(0, size) for size in mask.shape)


def _corner(values, padding, ends):
    """The block at a corner, or the first one on the way to the middle that is not mostly padding; what is padding."""
    sides = [max(4, size // 12) for size in values.shape]
    for step in range(_STEPS_INWARDS):
        starts = [side * step // 2 for side in sides]
        block = tuple(
            slice(size - start - side, size - start) if end else slice(start, start + side)
            for end, start, side, size in zip(ends, starts, sides, values.shape)
        )
        if padding is None or padding[block].mean() < 0.3:
            break
    return values[block], None if padding is None else padding[block]


def _padding(values):
    """Where a volume was filled up with one value, which its faces show; None where it was not."""
    faces = np.concatenate([np.take(values, [0, -1], axis=axis).ravel() for axis in range(3)])
    found, counts = np.unique(faces, return_counts=True)
    if counts.max() < _FILLED_FACES * faces.size:
        return None
    return values == found[counts.argmax()]


def _roughness(values):
    """Squared step to the next voxel, the smallest of the three axes: edges of tissue are smooth along one."""
    smallest = None
    for axis in range(3):
        step = np.diff(values, axis=axis, append=np.take(values, [-2], axis=axis)).astype(np.float32) ** 2
        step = ndimage.uniform_filter(step, 3, mode="nearest")
        smallest = step if smallest is None else np.minimum(smallest, step)
    return smallest


def _smoothed(values, width_mm, spacing):
    return ndimage.uniform_filter(
        values, [max(1, 2 * round(width_mm / step / 2) + 1) for step in spacing], mode="nearest"
    )
