"""Pairs with a known truth, derived from one real volume. THESE ARE NOT 7T DATA.

There is no public 3T/7T pair to test with, so one volume plays both parts: the "7T" is the volume
as it is, and the "3T" is made from it with a coarser in-plane resolution, another position (a known
rigid transform), another grid, another smooth intensity curve, a bias field and Rician noise. What
such pairs show is that the method works (the transform is recovered, training gains on held-out
heads); they cannot show what a real 7T would add: its contrast, its signal, its distortions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
import torch

from CHARMSSRLib.fine_tuning.pairs.pair_target import target_image
from CHARMSSRLib.grids.orientation import bounding_box, image_like
from CHARMSSRLib.grids.resize import fourier_resize
from CHARMSSRLib.preprocessing.head_mask import head_mask
from CHARMSSRLib.preprocessing.morphology import dilate

PSFS = ("kspace", "gaussian")
_MARGIN_MM = 12.0


@dataclass(frozen=True)
class DerivationSettings:
    """How the "3T" differs from the volume.

    Attributes:
        scale: how much coarser its in-plane voxels are (may be a fraction).
        slice_mm: its slice thickness; None for the volume's own.
        psf: "kspace" (truncated: what a shorter acquisition measures) or "gaussian" (FWHM one voxel).
        rotation_degrees: about the axes to the left, to the back and upwards, in this order.
        translation_mm: displacement of the head's centre along those axes.
        noise: SD of the complex noise, as a share of the head's bright tissue.
        bias: log-amplitude of the bias field (0.2: about +-20 %).
        curve: exponent of the intensity curve (1: none); monotone.
        seed: of the noise and the bias field.
    """

    scale: float = 2.0
    slice_mm: float | None = None
    psf: str = "kspace"
    rotation_degrees: tuple = (0.0, 0.0, 0.0)
    translation_mm: tuple = (0.0, 0.0, 0.0)
    noise: float = 0.02
    bias: float = 0.2
    curve: float = 0.8
    seed: int = 0


@dataclass(frozen=True, eq=False)
class DerivedPair:
    """Both images, and the transform that takes physical points of the "3T" to those of the "7T"."""

    image_3t: sitk.Image
    image_7t: sitk.Image
    transform: sitk.Transform


def derive_pair(image: sitk.Image, settings=None):
    """A pair from one volume.

    Args:
        image: scalar 3-D, any orientation, stripped or not; it becomes the "7T" as it
            is (as float32).
        settings: DerivationSettings.

    Returns:
        DerivedPair; the "3T" has axial slices and axes along the patient's.

    Raises:
        ValueError: an unknown PSF.
    """
    settings = settings or DerivationSettings()
    if settings.psf not in PSFS:
        raise ValueError(f"unknown point-spread function {settings.psf!r}; choose one of: {', '.join(PSFS)}")
    image = sitk.Cast(image, sitk.sitkFloat32)
    upright = sitk.DICOMOrient(image, "LPS")
    generator = np.random.default_rng(settings.seed)
    transform = _transform(upright, settings)

    slice_mm = settings.slice_mm or upright.GetSpacing()[2]
    grid, size = _fine_grid(upright, transform, slice_mm, settings.scale)
    moved = sitk.GetArrayFromImage(target_image(upright, grid, transform, 0, slice_mm))
    # Around the head, and beyond the acquired volume, there is air.
    moved = np.where(sitk.GetArrayViewFromImage(grid) > 0, np.maximum(moved, 0), 0)

    bright = float(np.percentile(moved[moved > moved.mean()], 99))
    values = bright * (moved / bright) ** settings.curve
    values *= _bias_field(values.shape, settings.bias, generator)
    values = np.maximum(_coarser(values, size, settings), 0)
    deviation = settings.noise * bright
    channels = deviation * generator.standard_normal((2, *values.shape)) if deviation > 0 else np.zeros((2, 1, 1, 1))
    result = sitk.GetImageFromArray(np.hypot(values + channels[0], channels[1]).astype(np.float32))
    coarse = [fine * count / own for fine, count, own in zip(grid.GetSpacing(), grid.GetSize(), result.GetSize())]
    result.SetSpacing(coarse)
    result.SetDirection(grid.GetDirection())
    # The first voxel's centre: half a coarse voxel from the grid's edge.
    result.SetOrigin([o + 0.5 * (c - f) for o, c, f in zip(grid.GetOrigin(), coarse, grid.GetSpacing())])
    return DerivedPair(result, image, transform)


def _transform(image, settings):
    """From the "3T" to the "7T": the inverse of the head's motion about its own centre."""
    mask = sitk.GetArrayFromImage(head_mask(image)) > 0
    index = [float(hits.mean()) for hits in np.nonzero(mask)][::-1]
    motion = sitk.Euler3DTransform()
    motion.SetCenter(image.TransformContinuousIndexToPhysicalPoint(index))
    motion.SetRotation(*np.deg2rad(settings.rotation_degrees).tolist())
    motion.SetTranslation([float(step) for step in settings.translation_mm])
    return sitk.Euler3DTransform(motion.GetInverse())


def _fine_grid(image, transform, slice_mm, scale):
    """Where the moved head lies, on a grid as fine in plane as the volume, and the "3T"'s in-plane size.

    Returns:
        (mask, (rows, columns)): UInt8 image, 1 in and near the head as far as the volume reaches.
    """
    head = head_mask(image)
    box = bounding_box(sitk.GetArrayViewFromImage(head) > 0)[::-1]
    corners = [
        [(axis.start, axis.stop - 1)[corner >> number & 1] for number, axis in enumerate(box)] for corner in range(8)
    ]
    back = transform.GetInverse()
    points = np.array([back.TransformPoint(image.TransformIndexToPhysicalPoint(corner)) for corner in corners])
    low, high = points.min(axis=0) - _MARGIN_MM, points.max(axis=0) + _MARGIN_MM
    # Another grid: its edges bear no relation to those of the volume.
    fine = min(image.GetSpacing()[:2])
    coarse_size = [int(np.ceil((high[one] - low[one]) / (fine * scale))) for one in (0, 1)]
    fine_size = [int(round(count * scale)) for count in coarse_size]
    grid = sitk.Image([*fine_size, int(np.ceil((high[2] - low[2]) / slice_mm))], sitk.sitkUInt8)
    grid.SetSpacing([fine, fine, slice_mm])
    grid.SetOrigin((low + 0.37 * fine).tolist())
    # The head mask's border is rough, and the scalp's rim lies outside it.
    wide = dilate(sitk.GetArrayViewFromImage(head) > 0, _MARGIN_MM / 2, image.GetSpacing()[::-1])
    near = image_like(wide.astype(np.uint8), image)
    return sitk.Resample(near, grid, transform, sitk.sitkNearestNeighbor, 0), coarse_size[::-1]


def _bias_field(shape, amplitude, generator):
    """exp of a random quadratic polynomial whose largest absolute value is ``amplitude``."""
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij", sparse=True)
    terms = [x, y, z, x * y, y * z, x * z, x**2, y**2, z**2]
    field = sum(weight * term for weight, term in zip(generator.standard_normal(len(terms)), terms))
    field = field - field.mean()
    return np.exp(amplitude * field / np.abs(field).max())


def _coarser(values, size, settings):
    """In-plane resolution lowered to ``size`` (rows, columns)."""
    lines = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
    for axis, count in ((1, size[0]), (2, size[1])):
        if settings.psf == "gaussian":
            # FWHM of one coarse voxel, applied in k-space; what is left beyond it is cut with the rest.
            frequencies = torch.fft.rfftfreq(lines.shape[axis])
            sigma = lines.shape[axis] / count / 2.3548
            shape = [-1 if one == axis else 1 for one in range(3)]
            weight = torch.exp(-2 * (np.pi * sigma * frequencies) ** 2).view(shape)
            lines = torch.fft.irfft(torch.fft.rfft(lines, dim=axis) * weight, n=lines.shape[axis], dim=axis)
        lines = fourier_resize(lines, count, axis)
    return lines.numpy()
