"""A picture of a registered pair, for the user's eye.

Two rows of three planes through the middle of the brain: a checkerboard of 3T and 7T, in which
structures go on across the fields' borders when the pair fits; and the 3T with the 7T's edges in red.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ...errors import OutputError
from ...files.atomic import replacing
from ...grids.orientation import bounding_box

if TYPE_CHECKING:
    from .registration import RegisteredPair

PIXEL_MM = 0.6
_FIELD_MM = 18.0  # of the checkerboard
_MARGIN_MM = 12.0  # shown around the brain
_GAP = 6  # pixels between the panels
_EDGE_SIGMA_MM = 1.5
_RED = (255, 60, 40)


def pair_picture(registered: RegisteredPair) -> np.ndarray:
    """The picture as an RGB array.

    Args:
        registered: RegisteredPair.

    Returns:
        numpy.ndarray: uint8 (height, width, 3); columns axial, coronal and sagittal, rows checkerboard
        and edges. Anterior is up in axial, superior in the others; the patient's left is on the right.
    """
    box = bounding_box(sitk.GetArrayViewFromImage(registered.mask) > 0)
    assert box is not None  # a registered pair has brain in both
    spacing = np.array(registered.mask.GetSpacing()[::-1])
    low = np.array([one.start for one in box]) * spacing - _MARGIN_MM
    high = np.array([one.stop - 1 for one in box]) * spacing + _MARGIN_MM
    # A slice of the brain's upper half: the middle of the box lies below the thalamus.
    middle = low + (high - low) * np.array([0.55, 0.5, 0.47])
    white = [
        _white_level(image, mask)
        for image, mask in ((registered.image_3t, registered.mask), (registered.image_7t, registered.mask_7t))
    ]
    rows: tuple[list, list] = ([], [])
    for axis in range(3):
        grid = _slice_grid(registered.image_3t, axis, low, high, middle)
        field_3t = _shown(registered.image_3t, grid, sitk.Transform(3, sitk.sitkIdentity), white[0], axis)
        field_7t = _shown(registered.image_7t, grid, registered.transform, white[1], axis)
        rows[0].append(_checkerboard(field_3t, field_7t))
        rows[1].append(_with_edges(field_3t, field_7t))
    return _stacked([_stacked(row, 1) for row in rows], 0)


def write_pair_picture(registered: RegisteredPair, path: Path) -> None:
    """Write :func:`pair_picture` as a PNG file; it appears only when complete.

    Raises:
        OutputError: the file cannot be written.
    """
    path = Path(path)
    try:
        with replacing(path) as partial:
            sitk.WriteImage(sitk.GetImageFromArray(pair_picture(registered), isVector=True), str(partial))
    except (RuntimeError, OSError) as error:
        raise OutputError(f"The picture {path} cannot be written; choose a folder that can be written to.") from error


def _white_level(image, mask):
    inside = sitk.GetArrayViewFromImage(image)[sitk.GetArrayViewFromImage(mask) > 0]
    return max(float(np.percentile(inside, 99.5)), 1e-12)


def _slice_grid(image, axis, low, high, middle):
    """One slice of square pixels across array axis ``axis`` of an LPS image (mm from its first voxel, zyx)."""
    start, size = low.copy(), np.ceil((high - low) / PIXEL_MM).astype(int)
    start[axis], size[axis] = middle[axis], 1
    grid = sitk.Image([int(n) for n in size[::-1]], sitk.sitkFloat32)
    grid.SetSpacing([PIXEL_MM] * 3)
    grid.SetDirection(image.GetDirection())
    index = start[::-1] / np.array(image.GetSpacing())
    grid.SetOrigin(image.TransformContinuousIndexToPhysicalPoint(index.tolist()))
    return grid


def _shown(image, grid, transform, white, axis):
    """Grey values 0 to 1 of one slice, as it is looked at."""
    # The box around the slice alone: the spline's coefficients cost time over the whole volume.
    last = [n - 1 for n in grid.GetSize()]
    corners = [[n * (corner >> one & 1) for one, n in enumerate(last)] for corner in range(8)]
    points = [transform.TransformPoint(grid.TransformIndexToPhysicalPoint(corner)) for corner in corners]
    indices = np.array([image.TransformPhysicalPointToContinuousIndex(point) for point in points])
    first = np.clip(np.floor(indices.min(axis=0)) - 8, 0, np.array(image.GetSize()) - 1).astype(int)
    last = np.clip(np.ceil(indices.max(axis=0)) + 9, first + 1, image.GetSize()).astype(int)
    part = image[tuple(slice(int(a), int(b)) for a, b in zip(first, last))]
    values = sitk.GetArrayFromImage(sitk.Resample(part, grid, transform, sitk.sitkBSpline3, 0.0))
    picture = np.clip(np.squeeze(values, axis=axis) / white, 0, 1)
    return picture if axis == 0 else picture[::-1]


def _checkerboard(first, second):
    rows, columns = (np.arange(n) * PIXEL_MM // _FIELD_MM for n in first.shape)
    from_second = (rows[:, None] + columns) % 2 > 0
    return _grey(np.where(from_second, second, first))


def _with_edges(shown, edges_of):
    sigma = _EDGE_SIGMA_MM / PIXEL_MM
    image = sitk.GetImageFromArray(edges_of.astype(np.float32))
    slopes = sitk.GetArrayFromImage(sitk.GradientMagnitudeRecursiveGaussian(image, sigma))
    strong = float(np.percentile(slopes[edges_of > 0.2], 70)) if (edges_of > 0.2).any() else 1.0
    edges = sitk.CannyEdgeDetection(image, lowerThreshold=0.5 * strong, upperThreshold=strong, variance=[sigma**2] * 2)
    picture = _grey(shown)
    picture[sitk.GetArrayViewFromImage(edges) > 0] = _RED
    return picture


def _grey(values):
    return np.repeat(np.round(255 * values).astype(np.uint8)[..., None], 3, axis=2)


def _stacked(pictures, axis):
    """Pictures side by side (axis 1) or below each other (axis 0), on black, with gaps."""
    other = 1 - axis
    length = max(picture.shape[other] for picture in pictures)
    parts = []
    for picture in pictures:
        missing = length - picture.shape[other]
        pad = [(0, 0), (0, 0), (0, 0)]
        pad[other] = (missing // 2, missing - missing // 2)
        pad[axis] = (0, _GAP if picture is not pictures[-1] else 0)
        parts.append(np.pad(picture, pad))
    return np.concatenate(parts, axis=axis)
