"""What a result on a scan as it came is worth against its cubic interpolation, where there is no truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .noise import even_tissue, interior, noise_sd, smooth_gradients

PROBE = 0.5  # SD of the noise that is added as a probe, in units of the scan's own
EDGE_SHARE = 0.1  # of the brain's interior: the steepest part


@dataclass(frozen=True)
class Native:
    """What a result on a scan as it came is worth against its cubic interpolation; no truth is needed.

    Attributes:
        snr: mean by noise in even tissue, in units of that of cubic interpolation.
        noise: SD of what becomes of weak noise among the anatomy, in units of that of cubic interpolation.
        edges: slope of the steepest edges, along the gradient that both share, in units of cubic interpolation's.
    """

    snr: float
    noise: float | None
    edges: float


def native_figures(
    output: np.ndarray, cubic: np.ndarray, brain: np.ndarray, probed: tuple[np.ndarray, np.ndarray] | None = None
) -> Native | None:
    """The three figures; arrays (n, H, W) on one grid.

    Args:
        output: the result and cubic interpolation of the same corrected scan.
        cubic: likewise.
        brain: bool.
        probed: (result, cubic) of the same scan with weak noise added; without it ``noise`` is None.

    Returns:
        Native; None where the brain is too small for even tissue, or one of the two is without noise there.
    """
    inside = interior(brain)
    gradients = smooth_gradients(cubic)
    slope = np.hypot(*gradients)
    even = even_tissue(cubic, brain)
    if not even.any() or noise_sd(output, even) == 0 or noise_sd(cubic, even) == 0:
        return None
    steep = inside & (slope >= np.quantile(slope[inside], 1 - EDGE_SHARE))
    snr = output[even].mean() / noise_sd(output, even) / (cubic[even].mean() / noise_sd(cubic, even))
    slopes = []
    for volume in (output, cubic):
        own = np.gradient(volume, axis=(1, 2))
        slopes.append(float(sum((o * g)[steep] for o, g in zip(own, gradients)).sum() / slope[steep].sum()))
    noise = None
    if probed is not None:
        anatomy = inside & (slope >= np.median(slope[inside]))
        noise = float((probed[0] - output)[anatomy].std() / (probed[1] - cubic)[anatomy].std())
    return Native(float(snr), noise, slopes[0] / slopes[1])


def probe(stack: np.ndarray, noise: float, seed: int = 0) -> np.ndarray:
    """A stack (n, h, w) with white noise of SD ``noise`` in it, kept at 0 and above; for ``native_figures``."""
    rng = np.random.default_rng(seed)
    return np.maximum(stack + rng.normal(0, noise, stack.shape).astype(np.float32), 0)
