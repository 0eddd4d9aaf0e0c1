"""Made-up lesions in training slices: small foci are rare in the data, and what is never seen is never restored."""

import numpy as np

MOST = 3  # lesions in a window
SEMI_AXIS = (1.0, 6.0)  # smaller one, pixels; logarithmic, so that small ones are the rule
LARGEST_RATIO = 2.0  # of the two axes
EDGE = (1.0, 2.5)  # width of the edge, pixels; 1 is the partial volume of a sharp one
STRENGTH = (0.1, 0.6)  # change of intensity by the tissue's mean, either sign


def with_synthetic_lesions(window, rng):
    """A window with one to three ellipses that are brighter or darker than the tissue under them.

    The change is added, so noise and texture stay as they are. Nothing changes outside the
    brain, and neighbouring slices get the same ellipses, as parts of one lesion.

    Args:
        window: array (slices, height, width), 0 outside the brain.
        rng: numpy Generator.

    Returns:
        array float32 of the same shape; ``window`` itself stays as it is.
    """
    changed, brain = np.array(window, np.float32), window > 0
    places = np.argwhere(brain[len(window) // 2])
    if not len(places):
        return changed
    for _ in range(1 + rng.integers(MOST)):
        share = _ellipse(window.shape[1:], places[rng.integers(len(places))], rng) * brain
        strength = rng.uniform(*STRENGTH) * rng.choice((-1, 1))
        changed += np.float32(strength * np.average(window, weights=share)) * share
    return np.maximum(changed, 0)


def _ellipse(shape, centre, rng):
    """Share (height, width) of each pixel that lies within an ellipse of random size, form and turn."""
    small = np.exp(rng.uniform(*np.log(SEMI_AXIS)))
    large, turn = small * rng.uniform(1, LARGEST_RATIO), rng.uniform(0, np.pi)
    y, x = np.ogrid[: shape[0], : shape[1]]
    y, x = y - centre[0], x - centre[1]
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    inside = (1 - np.hypot(along / large, across / small)) * small  # pixels from the edge, across
    return np.clip(inside / rng.uniform(*EDGE) + 0.5, 0, 1).astype(np.float32)
