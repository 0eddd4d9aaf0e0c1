"""What a scan holds where there is no head: the level of a background that is (nearly) constant.

Stripped brains are passed on with backgrounds other than 0: after resampling (0 but for the ringing at
the edge), with a constant added, or z-scored, in the brain alone or everywhere.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import SimpleITK as sitk

from .morphology import fill_holes, largest_component

# Of the volume: a brain fills about half of its tightest box.
SMALLEST_BACKGROUND = 0.3
# Of the range: what resampling leaves at the edge of a constant background, and far from it.
_RINGING, _EXACT = 0.02, 1e-3
_SHARE_EXACT = 0.5
_REACH = 1.1
# A background lies among the tissue where so much of the tissue is darker than it, by so much of the range.
_DARKER_SHARE, _DARKER = 0.1, 0.05


class Levels(NamedTuple):
    """How a scan's values are shifted so that its background is 0 and nothing of the head is below.

    Attributes:
        offset: what is subtracted, and added to the result again.
        background: what the result holds outside the mask, in the scan's own units.
        image: the scan minus the offset, its background 0; float32.
    """

    offset: float
    background: float
    image: sitk.Image


def background_level(values: np.ndarray) -> tuple[float, np.ndarray] | None:
    """The level of a constant background and where it is (boolean); None where there is none.

    A scanner's air is never constant; what was cut out or filled up is, exactly or (after
    resampling) but for the ringing at its edge.

    Args:
        values: (z, y, x), finite.
    """
    faces = np.concatenate([np.take(values, [0, -1], axis=axis).ravel() for axis in range(3)])
    found, counts = np.unique(faces, return_counts=True)
    level = found[counts.argmax()]
    exact = values == level
    if exact.mean() >= SMALLEST_BACKGROUND:
        return float(level), exact
    level = float(np.median(faces))
    low, high = (float(one) for one in np.percentile(values[::2, ::2, ::2], (0.5, 99.5)))
    distance = np.abs(values - level)
    near = distance <= _RINGING * (high - low)
    if near.mean() < SMALLEST_BACKGROUND or (distance[near] <= _EXACT * (high - low)).mean() < _SHARE_EXACT:
        return None
    return level, near


def foreground_of(values: np.ndarray) -> np.ndarray | None:
    """What stands out from a constant background, as one part without holes; None where there is no such background.

    Args:
        values: (z, y, x) in the LPS frame, finite.
    """
    found = background_level(values)
    if found is None:
        return None
    level, where = found
    foreground = fill_holes(largest_component(~where))
    low, high = (float(one) for one in np.percentile(values[::2, ::2, ::2], (0.5, 99.5)))
    clear = fill_holes(largest_component(np.abs(values - level) > _RINGING * (high - low)))
    # Cut out sharply, the two are the same but for dark voxels at the border; ringing reaches far.
    return clear if foreground.sum() > _REACH * clear.sum() else foreground


def levels_of(image: sitk.Image) -> Levels:
    """The levels of a scan; a scan whose background is 0, or no constant, stays as it is.

    Args:
        image: scalar 3-D; not changed.
    """
    image = sitk.Cast(image, sitk.sitkFloat32)
    values = sitk.GetArrayViewFromImage(image)
    found = background_level(values)
    if found is None:
        return Levels(0.0, 0.0, image)
    level, where = found
    low, high = (float(one) for one in np.percentile(values, (0.1, 99.9)))
    tissue = values[~where]
    if tissue.size and (tissue < level - _DARKER * (high - low)).mean() > _DARKER_SHARE:
        # z-scored in the brain alone: the background, 0, is as bright as the mean of the tissue.
        shifted = np.where(where, np.float32(0), np.maximum(values - np.float32(low), np.float32(0)))
        return Levels(low, level, _like(shifted, image))
    if abs(level) <= _EXACT * (high - low):
        return Levels(0.0, 0.0, image)
    return Levels(level, level, image - level)


def _like(values, reference):
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.CopyInformation(reference)
    return image
