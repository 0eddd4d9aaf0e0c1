"""Heads of a wanted size for whole enhancements: of a file, or generated."""

import numpy as np
import SimpleITK as sitk

from CHARMSSRLib.errors import SettingsError
from CHARMSSRLib.files.volumes import read_volume

from .benchmark_plan import FULL_SIZE, GENERATED
from .phantom import phantom_head

FIELD_OF_VIEW_MM = (176.0, 256.0, 256.0)


def head_of_size(source, size=None):
    """A head with a skull.

    Args:
        source: GENERATED, or a path.
        size: voxels along x, y, z; a file is cropped and padded in the middle; None for its own
            (176 x 256 x 256 when generated).

    Returns:
        SimpleITK image; a generated one covers about 176 x 256 x 256 mm.

    Raises:
        InputError: the file cannot be read. SettingsError: a size below 32.
    """
    if size is not None and min(size) < 32:
        raise SettingsError(f"A head needs at least 32 voxels along each axis, not {min(size)}.")
    if source == GENERATED:
        size = size or FULL_SIZE
        spacing = [length / count for length, count in zip(FIELD_OF_VIEW_MM, size)]
        return phantom_head(size=size, spacing=spacing)
    image = read_volume(source)
    return image if size is None else _cut_or_padded(image, size)


def coarser(image, share):
    """The same head with ``share`` (0 to 1) of its voxels along each axis, smoothed before."""
    if share == 1:
        return image
    size = [max(32, round(share * count)) for count in image.GetSize()]
    spacing = [step * old / new for step, old, new in zip(image.GetSpacing(), image.GetSize(), size)]
    smooth = sitk.SmoothingRecursiveGaussian(sitk.Cast(image, sitk.sitkFloat32), [0.4 * step for step in spacing])
    shift = [(new - old) / 2 for new, old in zip(spacing, image.GetSpacing())]
    direction = np.reshape(image.GetDirection(), (3, 3))
    origin = np.asarray(image.GetOrigin()) + direction @ np.asarray(shift)
    return sitk.Resample(
        smooth, size, sitk.Transform(), sitk.sitkLinear, [float(one) for one in origin], spacing, image.GetDirection()
    )


def _cut_or_padded(image, size):
    have = np.asarray(image.GetSize())
    cut, pad = np.maximum(have - size, 0), np.maximum(np.asarray(size) - have, 0)
    image = sitk.Crop(image, (cut // 2).tolist(), (cut - cut // 2).tolist())
    return sitk.ConstantPad(image, (pad // 2).tolist(), (pad - pad // 2).tolist(), 0.0)
