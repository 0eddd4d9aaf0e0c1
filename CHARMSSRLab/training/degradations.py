"""How a high-resolution slice becomes the low-resolution slice that a scanner would give.

Every operator keeps the voxel edges of the two grids aligned: LR voxel i covers the HR
voxels s*i ... s*i + s - 1. All take (N, 1, H, W) with H and W divisible by s and
return (N, 1, H/s, W/s). Random parameters come from the given generator alone, so a
degraded slice can be made again from its seed.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from CHARMSSRLib.grids.resize import bicubic_downsample, kspace_truncate

from .degradation_list import degradation

# Noise of the named degradations, as SD per unit of the normalised intensity range.
KSPACE_NOISE = 0.01


def degrade(hr, scale, kind, generator=None):
    """Degrade ``hr`` (N, 1, H, W) by the named operator.

    Raises:
        SettingsError: for an unknown name.
        ValueError: for a size that ``scale`` does not divide.
    """
    return degrade_in_parts(hr, scale, kind, generator)[0]


def degrade_in_parts(hr, scale, kind, generator=None):
    """As :func:`degrade`, and apart what noise had no share in.

    Returns:
        (lr, clean), both (N, 1, H/s, W/s): ``lr - clean`` is what the noise added.
    """
    name = degradation(kind).name
    if hr.shape[-1] % scale or hr.shape[-2] % scale:
        raise ValueError(f"a slice of {tuple(hr.shape[-2:])} cannot be divided by {scale}: crop it first")
    return FUNCTIONS[name](hr, scale, generator)


def _bicubic(hr, scale, generator):
    clean = bicubic_downsample(hr, scale)
    return clean, clean


def _kspace(hr, scale, generator):
    clean = kspace_truncate(hr, scale)
    return rician(clean, KSPACE_NOISE, generator), clean


def _blur(hr, scale, generator):
    clean = gaussian_downsample(hr, scale, fwhm=float(scale))
    return clean, clean


def _clinical(hr, scale, generator):
    pairs = [clinical(one[None], scale, draw_clinical(scale, generator), generator) for one in hr]
    return torch.cat([lr for lr, _ in pairs]), torch.cat([clean for _, clean in pairs])


# (hr, scale, generator) -> (lr, clean), for every name of ``degradation_list``.
FUNCTIONS = {"bicubic": _bicubic, "kspace": _kspace, "blur": _blur, "clinical": _clinical}


def gaussian_downsample(hr, scale, fwhm):
    """Gaussian point-spread function of ``fwhm`` HR voxels, sampled at the LR voxel centres."""
    sigma = fwhm / 2.3548
    reach = scale * max(2, math.ceil(3 * sigma / scale))
    # For even s an LR centre lies between two HR voxels: the kernel is evaluated there.
    positions = torch.arange(-reach, reach + scale, dtype=torch.float32) - (scale - 1) / 2
    kernel = torch.exp(-0.5 * (positions / sigma) ** 2)
    kernel = (kernel / kernel.sum()).to(hr)
    padded = F.pad(hr, (reach, reach, reach, reach), mode="replicate")
    rows = F.conv2d(padded, kernel.view(1, 1, -1, 1), stride=(scale, 1))
    return F.conv2d(rows, kernel.view(1, 1, 1, -1), stride=(1, scale))


def rician(image, sigma, generator=None):
    """Magnitude of the image with complex Gaussian noise of SD ``sigma`` in each channel."""
    if sigma <= 0:
        return image
    noise = torch.randn((2,) + tuple(image.shape), generator=generator, dtype=torch.float32) * sigma
    noise = noise.to(image)
    return torch.hypot(image + noise[0], noise[1])


def coloured_rician(image, sigma, fwhm, generator=None):
    """As :func:`rician` with noise that an interpolated or filtered scan shows: smooth by ``fwhm`` voxels.

    Args:
        image: (N, 1, H, W).
        sigma: SD of each channel's noise after smoothing.
        fwhm: 0 for white noise.
        generator: torch.Generator of the draws.
    """
    noise = torch.randn((2,) + tuple(image.shape[-2:]), generator=generator, dtype=torch.float32)
    if fwhm > 0:
        positions = torch.arange(-4, 5, dtype=torch.float32)
        kernel = torch.exp(-0.5 * (positions * 2.3548 / fwhm) ** 2)
        # Divided by its own norm along each axis, the kernel leaves the noise's SD as it was.
        kernel = kernel / kernel.square().sum().sqrt()
        noise = F.conv2d(noise[:, None], kernel.view(1, 1, -1, 1), padding=(4, 0))
        noise = F.conv2d(noise, kernel.view(1, 1, 1, -1), padding=(0, 4))[:, 0]
    noise = noise.to(image) * sigma
    return torch.hypot(image + noise[0], noise[1])


def kspace_rician(image, sigma, kept, apodised=False, generator=None):
    """As :func:`rician` with noise as k-space colours it: it fills only what was measured, the rest is zero-filled.

    Args:
        image: (N, 1, H, W).
        sigma: SD of each channel's noise on the image's grid.
        kept: (rows, columns), share of each axis's k-space that was measured, in (0, 1].
        apodised: whether a Hann filter falls to nil at the edge of what was measured.
        generator: torch.Generator of the draws.
    """
    size = tuple(image.shape[-2:])
    noise = torch.randn((2, *size), generator=generator, dtype=torch.float32)
    window = torch.ones(size)
    for axis, share in enumerate(kept):
        place = torch.fft.fftfreq(size[axis]).abs() * 2 / share  # 1 at the edge of what was measured
        profile = (place <= 1).float()
        if apodised:
            profile = profile * (1 + torch.cos(torch.pi * place.clamp_max(1))) / 2
        window = window * (profile[:, None] if axis == 0 else profile[None])
    spectrum = torch.fft.fft2(torch.complex(noise[0], noise[1])) * window
    coloured = torch.fft.ifft2(spectrum) / window.square().mean().sqrt().clamp_min(1e-3)
    return torch.hypot(image + coloured.real.to(image) * sigma, coloured.imag.to(image) * sigma)


@dataclass(frozen=True)
class ClinicalParameters:
    """One draw of the clinical mix."""

    operator: str  # bicubic, kspace or blur
    fwhm: float  # of the point-spread function, in HR voxels; used by blur
    noise: float  # SD per unit of the intensity range
    bias: float  # relative amplitude of the residual bias field


def draw_clinical(scale, generator=None):
    """Draw the parameters of one slice: operator 1:1:1, FWHM 0.7 to 1.3 voxels, noise up to 3 %, bias up to 10 %.

    A third of the slices is free of noise, so that clean input stays clean.
    """
    u = torch.rand(5, generator=generator).tolist()
    operator = ("bicubic", "kspace", "blur")[int(u[0] * 3)]
    return ClinicalParameters(
        operator=operator,
        fwhm=scale * (0.7 + 0.6 * u[1]),
        noise=0.0 if u[2] < 1 / 3 else 0.03 * u[3] ** 2,
        bias=0.1 * u[4],
    )


def clinical(hr, scale, parameters, generator=None):
    """A scan as clinics send it: one of the operators, residual bias, Rician noise; (lr, clean)."""
    if parameters.operator == "bicubic":
        lr = bicubic_downsample(hr, scale)
    elif parameters.operator == "kspace":
        lr = kspace_truncate(hr, scale)
    else:
        lr = gaussian_downsample(hr, scale, parameters.fwhm)
    field = bias_field(lr.shape[-2:], parameters.bias, generator).to(lr)
    # The field is applied for the noise only and divided out again: N4 removes the shading,
    # but leaves the noise stronger where the coil was weak.
    return rician(lr * field, parameters.noise, generator) / field, lr


def bias_field(size, amplitude, generator=None):
    """A smooth field (h, w) around 1: a random cubic polynomial in x and y of peak ``amplitude``."""
    weights = torch.randn(9, generator=generator)
    y = torch.linspace(-1, 1, size[0])[:, None]
    x = torch.linspace(-1, 1, size[1])[None, :]
    terms = [x + 0 * y, y + 0 * x, x * y, x**2 + 0 * y, y**2 + 0 * x, x**3 + 0 * y, y**3 + 0 * x, x**2 * y, x * y**2]
    field = sum(weight * term for weight, term in zip(weights, terms))
    field = field - field.mean()
    return 1 + amplitude * field / field.abs().max().clamp_min(1e-6)
