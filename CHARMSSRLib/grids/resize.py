"""Finer and coarser grids whose voxel edges stay where they were: the conventions of the whole project.

Coarse sample i covers the fine samples s*i ... s*i + s - 1. Tensors are (N, C, H, W) unless said otherwise.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F


def bicubic_upsample(image: torch.Tensor, scale: int) -> torch.Tensor:
    """(N, C, H, W) -> (N, C, sH, sW): torch's bicubic, voxel edges aligned, no antialiasing."""
    return F.interpolate(image, scale_factor=float(scale), mode="bicubic", align_corners=False, antialias=False)


def bicubic_downsample(hr: torch.Tensor, scale: int) -> torch.Tensor:
    """The paper's operator, antialiased bicubic: (N, C, H, W) -> (N, C, H // s, W // s)."""
    size = (hr.shape[-2] // scale, hr.shape[-1] // scale)
    return F.interpolate(hr, size=size, mode="bicubic", align_corners=False, antialias=True)


def kspace_truncate(image: torch.Tensor, scale: int) -> torch.Tensor:
    """Keep the central 1/scale of k-space along both axes: what a shorter acquisition measures.

    Args:
        image: tensor (..., H, W).
        scale: 2 or more.

    Returns:
        Tensor (..., H // scale, W // scale).
    """
    for axis, size in ((-2, image.shape[-2] // scale), (-1, image.shape[-1] // scale)):
        image = fourier_resize(image, size, axis)
    return image


def fourier_resize(image: torch.Tensor, size: int, axis: int) -> torch.Tensor:
    """Band-limited resampling of one axis to ``size`` samples with the voxel edges kept aligned.

    A sample of the new grid lies at ((i + 1/2) * n/size - 1/2): the phase ramp below moves
    the spectrum by this offset. The Nyquist line of an even grid stands for both signs
    of its frequency and is split between them.

    Args:
        image: real tensor.
        size: new number of samples, smaller or larger.
        axis: which one.

    Returns:
        Real tensor of the same mean intensity.
    """
    n = image.shape[axis]
    if size == n:
        return image
    spectrum = torch.fft.fft(image.to(torch.float64 if image.dtype == torch.float64 else torch.float32), dim=axis)
    keep = min(n, size)
    half = (keep - 1) // 2  # positive frequencies below the smaller grid's Nyquist
    frequencies = torch.cat([torch.arange(0, half + 1), torch.arange(-half, 0)])  # whole numbers
    kept = spectrum.index_select(axis, (frequencies % n).to(image.device))
    offset = (n / size - 1) / 2  # of the first new sample, in old samples
    kept = kept * _along(torch.exp(2j * math.pi * frequencies.double() * offset / n), axis, image)
    resized = torch.zeros(
        [size if d == axis % image.ndim else image.shape[d] for d in range(image.ndim)],
        dtype=kept.dtype,
        device=image.device,
    )
    resized.index_copy_(axis, (frequencies % size).to(image.device), kept)
    if keep % 2 == 0:
        nyquist = keep // 2
        phase = complex(math.cos(2 * math.pi * nyquist * offset / n), math.sin(2 * math.pi * nyquist * offset / n))
        positive = spectrum.select(axis, nyquist) * phase
        negative = spectrum.select(axis, (-nyquist) % n) * phase.conjugate()
        if n > size:  # both signs fall onto one line of the new grid
            resized.select(axis, nyquist).copy_((positive + negative) / 2)
        else:
            resized.select(axis, nyquist).copy_(positive / 2)
            resized.select(axis, size - nyquist).copy_(negative / 2)
    return torch.fft.ifft(resized, dim=axis).real.to(image.dtype) * (size / n)


def _along(vector, axis, like):
    shape = [1] * like.ndim
    shape[axis] = -1
    dtype = torch.complex128 if like.dtype == torch.float64 else torch.complex64
    return vector.to(like.device, dtype).view(shape)
