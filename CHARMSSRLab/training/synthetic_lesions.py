"""Made-up lesions in training slices: small foci are rare in the data, and what is never seen is never restored."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LesionKind:
    """How made-up lesions are drawn; pairs are (least, most), lengths in pixels.

    Attributes:
        most: lesions in a window; from one to this many.
        semi_axis: the smaller one; logarithmic, so that small ones are the rule.
        largest_ratio: of the two axes.
        edge: width of the edge; 1 is the partial volume of a sharp one.
        strength: change of intensity by the tissue's mean, either sign.
    """

    most: int
    semi_axis: tuple
    largest_ratio: float
    edge: tuple
    strength: tuple


LESION_KINDS = {
    "mixed": LesionKind(most=3, semi_axis=(1.0, 6.0), largest_ratio=2.0, edge=(1.0, 2.5), strength=(0.1, 0.6)),
    # Many small ones with sharp edges: what a coarse scan blurs most.
    "small": LesionKind(most=24, semi_axis=(1.0, 3.5), largest_ratio=2.0, edge=(1.0, 1.0), strength=(0.15, 0.5)),
    # As dense in the window of a 64 x 64 LR patch (160 x 160 pixels at x2) as "small" in that of a 32 x 32 one.
    "many": LesionKind(most=64, semi_axis=(1.0, 3.5), largest_ratio=2.0, edge=(1.0, 1.0), strength=(0.15, 0.5)),
}


def with_synthetic_lesions(window, rng, kind="mixed", cut=False):
    """A window with ellipses that are brighter or darker than the tissue under them.

    The change is added, so noise and texture stay as they are. Nothing changes outside the
    brain, and neighbouring slices get the same ellipses, as parts of one lesion.

    Args:
        window: array (slices, height, width), 0 outside the brain.
        rng: numpy Generator.
        kind: of ``LESION_KINDS``.
        cut: the ellipses are slices of ellipsoids at any height, their caps too, which partial volume makes
            small, weak and round; else they all go through the middle.

    Returns:
        array float32 of the same shape; ``window`` itself stays as it is.
    """
    kind = LESION_KINDS[kind]
    changed, brain = np.array(window, np.float32), window > 0
    places = np.argwhere(brain[len(window) // 2])
    if not len(places):
        return changed
    for _ in range(1 + rng.integers(kind.most)):
        box, share = _ellipse(window.shape[1:], places[rng.integers(len(places))], rng, kind, cut)
        share = share * brain[box]
        strength = rng.uniform(*kind.strength) * rng.choice((-1, 1))
        changed[box] += np.float32(strength * np.average(window[box], weights=share)) * share
    return np.maximum(changed, 0)


def _ellipse(shape, centre, rng, kind, cut):
    """An ellipse of random size, form and turn: (slices of the box around it, share of each pixel in it).

    The box holds every pixel of a share above 0, as the index [:, rows, columns] of a window.
    """
    small = np.exp(rng.uniform(*np.log(kind.semi_axis)))
    ratio, turn = rng.uniform(1, kind.largest_ratio), rng.uniform(0, np.pi)
    edge = rng.uniform(*kind.edge)
    height = rng.uniform(-1, 1) if cut else 0.0  # of the slice above the middle, by the smaller half-axis
    # Along the larger axis the edge is as many times as wide.
    reach = int(np.ceil((small + edge / 2) * ratio))
    low = [max(0, c - reach) for c in centre]
    high = [min(size, c + reach + 1) for c, size in zip(centre, shape)]
    y, x = np.ogrid[low[0] - centre[0] : high[0] - centre[0], low[1] - centre[1] : high[1] - centre[1]]
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    radius = np.hypot(np.hypot(along / (small * ratio), across / small), height)
    inside = (1 - radius) * small  # pixels from the edge, across
    share = np.clip(inside / edge + 0.5, 0, 1).astype(np.float32)
    return (slice(None), slice(low[0], high[0]), slice(low[1], high[1])), share
