"""How much noise is taken away from a scan where the user leaves it to the program: tried on a few of its slices.

One share does not suit every scan: where noise is weak, or smooth because the scanner interpolated, a share that is
right elsewhere leaves the result noisier than interpolation. So shares are tried from below, and the figures by which
a result on a scan without a truth is judged (``measures.native``) say which is enough.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..grids.slices import box_of
from ..grids.stacks import enlarged_mask, interpolated
from ..measures.native import PROBE, Native, native_figures, probe
from ..measures.noise import even_tissue, noise_sd
from ..task import Task
from .slice_wise import MARGIN
from .volume import Volume

SHARES = (65, 80, 90)  # weaker ones sharpen weak noise in every scan tried; stronger ones make even tissue look flat
SLICES = 3
FIRST, LAST = 0.4, 0.7  # where they lie in the brain, by its extent across the slices
SNR = 1.1  # in even tissue, of cubic interpolation's: a few slices tell it to some percent, and 1.05 is promised
NOISE = 1.0  # what becomes of weak noise among the anatomy, at most
EDGES = 1.05  # slope, at least
NOTHING = "there is no even tissue with noise to measure it on"


@dataclass(frozen=True)
class NoiseChoice:
    """A share and why.

    Attributes:
        share: percent. reason: a sentence. tried: for each share "share", "snr", "noise" (None where it could
            not change the choice), "edges".
    """

    share: int
    reason: str
    tried: list[dict] = field(default_factory=list)


def choose_share(volume: Volume, run: Callable, default: int, task: Task | None = None) -> NoiseChoice:
    """The smallest share that makes a scan quiet enough, edges kept.

    Args:
        volume: the scan.
        run: (share, stack, output, rows, columns) enhances all slices of a stack, see ``SliceEnhancer.run``.
        default: share where nothing can be measured.
        task: progress and cancelling; None for nobody's.
    """
    chosen = chosen_slices(volume.brain)
    rows, columns = box_of(volume.foreground[chosen], min(MARGIN, volume.margin))[1:]
    s = volume.scale
    large = (slice(None), *(slice(part.start * s, part.stop * s) for part in (rows, columns)))
    scan = volume.network_input()[chosen]
    brain = volume.brain[chosen]
    even = even_tissue(scan, brain)
    sd = noise_sd(scan, even) if even.any() else 0.0
    if sd == 0:
        return NoiseChoice(default, f"{default} %, the card's: {NOTHING}.")
    inside = enlarged_mask(brain, (1, s, s))[large] > 0
    noisy = probe(scan, PROBE * sd)

    def cubic(stack: np.ndarray) -> np.ndarray:
        return interpolated(stack, (1, s, s), task)[large]

    def enhanced(share: int, stack: np.ndarray) -> np.ndarray:
        output = np.zeros((len(stack), s * stack.shape[1], s * stack.shape[2]), np.float32)
        run(share, stack, output, rows, columns)
        return output[large]

    def figures(share: int, probed: bool) -> Native | None:
        pair = (enhanced(share, noisy), cubic_noisy) if probed else None
        return native_figures(results[share], cubic_scan, inside, pair)

    cubic_scan, cubic_noisy = cubic(scan), cubic(noisy)
    results: dict[int, np.ndarray] = {}
    tried: dict[int, Native] = {}
    for share in SHARES:
        results[share] = enhanced(share, scan)
        found = figures(share, probed=False)
        if found is None:
            return NoiseChoice(default, f"{default} %, the card's: {NOTHING}.")
        if found.snr >= SNR and found.edges >= EDGES:  # else what becomes of weak noise decides nothing
            found = figures(share, probed=True) or found
        tried[share] = found
        if enough(found):
            break
    share = decide(list(tried.items())).share
    if tried[share].noise is None:  # for the report
        tried[share] = figures(share, probed=True) or tried[share]
    return decide(list(tried.items()))


def chosen_slices(brain: np.ndarray) -> np.ndarray:
    """Numbers of the slices that are looked at: spread over the upper middle of a brain (n, h, w), each once."""
    occupied = np.flatnonzero(brain.any(axis=(1, 2)))
    places = np.linspace(FIRST, LAST, SLICES) * (len(occupied) - 1)
    return occupied[np.unique(places.round().astype(int))]


def enough(figures: Native) -> bool:
    """Whether a result is as quiet as is promised, with edges that are as sharp."""
    return figures.snr >= SNR and figures.noise is not None and figures.noise <= NOISE and figures.edges >= EDGES


def decide(tried: list[tuple[int, Native]]) -> NoiseChoice:
    """The share among those that were tried, smallest first; the last one is the first that is enough, if any is."""
    table = [
        {"share": share, **{key: None if value is None else round(value, 3) for key, value in vars(one).items()}}
        for share, one in tried
    ]
    share, figures = tried[-1]
    if enough(figures):
        return NoiseChoice(share, f"{share} %, the smallest that is quiet enough: {said(figures)}.", table)
    quiet = [pair for pair in tried if pair[1].snr >= SNR] or [max(tried, key=lambda pair: pair[1].snr)]
    sharp = [pair for pair in quiet if pair[1].edges >= EDGES] or [max(quiet, key=lambda pair: pair[1].edges)]
    # Of several each was probed: they are quiet and sharp.
    share, figures = min(sharp, key=lambda pair: pair[1].noise or 0.0) if len(sharp) > 1 else sharp[0]
    those = ", ".join(str(one) for one, _ in tried)
    return NoiseChoice(share, f"{share} %, the best of {those}: {said(figures)}.", table)


def said(figures: Native) -> str:
    """The figures in words."""
    noise = "" if figures.noise is None else f" noise among the anatomy {figures.noise:.2f},"
    return f"against cubic interpolation SNR in even tissue {figures.snr:.2f},{noise} edges {figures.edges:.2f}"
