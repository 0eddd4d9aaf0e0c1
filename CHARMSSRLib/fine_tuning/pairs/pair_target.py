"""The 7T on the enlarged grid of the 3T.

Everything is resampled once, by a windowed sinc, from the 7T's own grid:
- across the slices, the 7T is averaged so that its voxels and the average together are as thick
  as the 3T's slices (for a 7T of thickness d and a 3T of k*d this is the mean of k slices);
- in plane, where the target grid is coarser than the 7T, samples are taken at least as densely
  as the 7T's and low-passed by a windowed sinc with its edge at the target's Nyquist frequency.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F

from ...grids.geometry import enlarged_geometry
from ...grids.orientation import image_like
from ...preprocessing.morphology import dilate
from ...task import Task

RADIUS = 3  # of the Lanczos window, in voxels
RIM_MM = 4.0  # the target is filled this far outside the mask, for filters that look around a voxel
_CHUNK = 1 << 14  # points at once: their weights stay in the cache


def target_grid(image: sitk.Image, axis: int, scale: int) -> sitk.Image:
    """An empty image: the grid of ``image`` refined in plane by ``scale``; ``axis`` (z, y, x) is across its slices."""
    factors_zyx = [1 if one == axis else scale for one in range(3)]
    spacing, origin, direction = enlarged_geometry(image, factors_zyx[::-1])
    size = [count * factor for count, factor in zip(image.GetSize(), factors_zyx[::-1])]
    grid = sitk.Image(size, sitk.sitkUInt8)
    grid.SetSpacing(spacing)
    grid.SetOrigin(origin)
    grid.SetDirection(direction)
    return grid


def target_mask(
    mask_3t: sitk.Image, mask_7t: sitk.Image, transform: sitk.Transform, axis: int, scale: int
) -> sitk.Image:
    """UInt8 common brain mask on the target grid: inside both masks (half level of each, interpolated).

    Args:
        mask_3t: UInt8 image on the 3T's grid.
        mask_7t: UInt8 image on the 7T's grid.
        transform: from points of the 3T to points of the 7T.
        axis: across the slices, of the array (z, y, x).
        scale: enlargement in plane, 2 or 4.
    """
    grid = target_grid(mask_3t, axis, scale)
    extended = sitk.ResampleImageFilter()
    extended.SetReferenceImage(grid)
    extended.SetInterpolator(sitk.sitkLinear)
    extended.UseNearestNeighborExtrapolatorOn()
    on_3t = extended.Execute(sitk.Cast(mask_3t, sitk.sitkFloat32)) >= 0.5
    on_7t = sitk.Resample(sitk.Cast(mask_7t, sitk.sitkFloat32), grid, transform, sitk.sitkLinear, 0.0) >= 0.5
    return sitk.Cast(sitk.And(on_3t, on_7t), sitk.sitkUInt8)


def target_image(
    image_7t: sitk.Image,
    mask: sitk.Image,
    transform: sitk.Transform,
    axis: int,
    slice_mm: float,
    task: Task | None = None,
) -> sitk.Image:
    """The 7T on the grid of ``mask``, float32, in the 7T's units; zero farther than 4 mm from the mask.

    Args:
        image_7t: on its own grid.
        mask: on the target grid.
        transform: SimpleITK.Transform; takes points of the target grid to those of the 7T.
        axis: array axis (z, y, x) of the slices.
        slice_mm: thickness of the 3T's slices.
        task: progress and cancelling; None for nobody's.

    Raises:
        Cancelled: the task was cancelled (asked before each slice).
    """
    matrix, offset = _index_map(mask, image_7t, transform)
    sampler = SincSampler(sitk.GetArrayFromImage(sitk.Cast(image_7t, sitk.sitkFloat32)))
    spacing = np.array(mask.GetSpacing()[::-1])
    # One voxel step of the target, in mm along the axes of the 7T, weighs the 7T's voxel size in
    # that direction (root of the projected variances).
    steps_mm = np.abs(matrix) * np.array(image_7t.GetSpacing()[::-1])[:, None]
    cosines = steps_mm / np.linalg.norm(steps_mm, axis=0)
    size_7t = np.sqrt(((cosines * np.array(image_7t.GetSpacing()[::-1])[:, None]) ** 2).sum(axis=0))
    through = _averaging_offsets(slice_mm, size_7t[axis]) / spacing[axis]
    rows, columns = (one for one in range(3) if one != axis)
    refine = [
        1 if spacing[one] <= 1.01 * size_7t[one] else int(np.ceil(spacing[one] / size_7t[one]))
        for one in (rows, columns)
    ]

    inside = sitk.GetArrayViewFromImage(mask) > 0
    rim = RIM_MM if refine == [1, 1] else max(RIM_MM, 4 * float(max(spacing)))
    wanted = np.moveaxis(_near(inside, rim, spacing), axis, 0)
    result, task = np.zeros(wanted.shape, np.float32), task or Task()
    for number, one in enumerate(wanted):
        task.check()
        if one.any():
            result[number] = _slice(sampler, one, number + through, refine, (axis, rows, columns), matrix, offset)
    return image_like(np.ascontiguousarray(np.moveaxis(result, 0, axis)), mask)


def _near(inside, distance_mm, spacing):
    """Dilation on the box of the mask alone."""
    hits = np.nonzero(inside)
    if not len(hits[0]):
        return inside.copy()
    box = tuple(
        slice(max(0, h.min() - int(distance_mm / step) - 1), h.max() + int(distance_mm / step) + 2)
        for h, step in zip(hits, spacing)
    )
    near = np.zeros_like(inside)
    near[box] = dilate(inside[box], distance_mm, spacing)
    return near


def _averaging_offsets(slice_mm, size_7t):
    """Offsets in mm, across the slice, of the 7T samples whose mean has the 3T's slice thickness.

    Boxes are compared by their variance, thickness^2 / 12: the mean of k samples at distance d adds
    d^2 (k^2 - 1) / 12 to that of the 7T's own voxel.
    """
    missing = slice_mm**2 - size_7t**2
    if missing <= (0.1 * size_7t) ** 2:
        return np.zeros(1)
    count = max(2, int(np.ceil(np.sqrt(missing) / size_7t - 1e-6)))
    distance = np.sqrt(missing / (count**2 - 1))
    return (np.arange(count) - (count - 1) / 2) * distance


def _index_map(grid, image, transform):
    """(matrix, offset), zyx, that take an index of ``grid`` to a continuous index of ``image``."""

    def mapped(index):
        point = transform.TransformPoint(grid.TransformContinuousIndexToPhysicalPoint([float(i) for i in index]))
        return np.array(image.TransformPhysicalPointToContinuousIndex(point))[::-1]

    offset = mapped((0, 0, 0))
    # Long steps keep the rounding of the points small.
    matrix = np.stack([(mapped(step) - offset) / 100.0 for step in 100.0 * np.eye(3)[::-1]], axis=1)
    return matrix, offset


def _slice(sampler, wanted, positions, refine, axes, matrix, offset):
    """One slice of the target (h, w): the mean over ``positions`` along the slice axis, low-passed in plane."""
    axis, rows, columns = axes
    box = tuple(slice(h.min(), h.max() + 1) for h in np.nonzero(wanted))
    fine = [_fine_positions(part, factor) for part, factor in zip(box, refine)]
    dense = np.repeat(np.repeat(wanted[box], refine[0], axis=0), refine[1], axis=1)
    row, column = np.nonzero(dense)
    points = fine[0][row][:, None] * matrix[:, rows] + fine[1][column][:, None] * matrix[:, columns] + offset
    sampled = np.zeros(dense.shape, np.float32)
    for position in positions:
        sampled[row, column] += sampler(points + position * matrix[:, axis]) / len(positions)
    for direction, factor in enumerate(refine):
        if factor > 1:
            sampled = _decimated(sampled, factor, direction)
    result = np.zeros(wanted.shape, np.float32)
    result[box] = np.where(wanted[box], sampled, 0)
    return result


def _fine_positions(part, factor):
    """Positions, in target voxels, of ``factor`` samples in each voxel of a range."""
    return part.start - 0.5 + (np.arange((part.stop - part.start) * factor) + 0.5) / factor


def _decimated(array, factor, axis):
    """Every ``factor`` samples become one, after a windowed-sinc low-pass at the coarse Nyquist frequency."""
    reach = RADIUS * factor
    positions = (np.arange(-reach, reach + factor) - (factor - 1) / 2) / factor
    kernel = torch.from_numpy(_lanczos(positions).astype(np.float32))
    kernel = kernel / kernel.sum()
    lines = torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, axis, -1)))[:, None]
    lines = F.conv1d(F.pad(lines, (reach, reach), mode="replicate"), kernel[None, None], stride=factor)
    return np.moveaxis(lines[:, 0].numpy(), -1, axis)


def _lanczos(x):
    return np.where(np.abs(x) < RADIUS, np.sinc(x) * np.sinc(x / RADIUS), 0.0)


class SincSampler:
    """Windowed-sinc (Lanczos, radius 3) samples of a volume; beyond its border the border repeats.

    ITK's own windowed sinc gives the same at ten times the cost.

    Args:
        volume: float32 (z, y, x).
    """

    def __init__(self, volume: np.ndarray) -> None:
        self._limits = torch.tensor(volume.shape, dtype=torch.float64) - 1
        padded = torch.from_numpy(np.pad(volume, RADIUS, mode="edge"))
        self._values, self._strides = padded.view(-1), torch.tensor(padded.stride())

    def __call__(self, points):
        """Values, float32 (n), at ``points``: float64 array (n, 3) of continuous indices (z, y, x)."""
        points = torch.from_numpy(np.ascontiguousarray(points, dtype=np.float64))
        result = torch.empty(len(points))
        for start in range(0, len(points), _CHUNK):
            chunk = torch.minimum(points[start : start + _CHUNK].clamp(min=0), self._limits)
            result[start : start + _CHUNK] = self._sampled(chunk)
        return result.numpy()

    def _sampled(self, points):
        voxel = points.floor()
        weights = _weights((points - voxel).float()).permute(1, 2, 0).contiguous()
        # The first of the six voxels along each axis lies two before, and the padding adds three.
        corner = (voxel.long() + 1) @ self._strides
        stride_z, stride_y, _ = self._strides.tolist()
        total = torch.zeros(len(points))
        for z in range(2 * RADIUS):
            plane = torch.zeros(len(points))
            for y in range(2 * RADIUS):
                row, first = torch.zeros(len(points)), corner + (z * stride_z + y * stride_y)
                for x in range(2 * RADIUS):
                    row.addcmul_(self._values[x:].index_select(0, first), weights[2, x])
                plane.addcmul_(row, weights[1, y])
            total.addcmul_(plane, weights[0, z])
        return total


def _weights(share):
    """Lanczos weights (n, 3, 6), each six adding up to 1, of positions ``share`` (n, 3) between voxels."""
    distance = share[..., None] - torch.arange(1 - RADIUS, RADIUS + 1, dtype=torch.float32)
    weights = torch.sinc(distance) * torch.sinc(distance / RADIUS)
    return weights / weights.sum(-1, keepdim=True)
