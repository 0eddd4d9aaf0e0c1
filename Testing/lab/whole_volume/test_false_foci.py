"""A focus that enhancing made up in even tissue is found; sharper noise is none."""

import numpy as np

from CHARMSSRLab.whole_volume.false_foci import TOO_MUCH, largest_foci


def test_a_made_up_focus_is_found_and_noise_that_was_taken_away_is_none():
    rng = np.random.default_rng(2)
    cubic = (100 + rng.normal(0, 2, (3, 80, 80))).astype(np.float32)
    even = np.zeros(cubic.shape, bool)
    even[:, 10:70, 10:70] = True
    quiet = 100 + 0.3 * (cubic - 100)
    foci = largest_foci(quiet, cubic, even, (0.5, 0.5), 2.0)
    assert len(foci) == 40 and foci.max() < 1
    y, x = np.mgrid[:80, :80]
    focus = quiet + 12 * (np.hypot(y - 40, x - 40) < 4)  # 4 mm across, six times the noise
    foci = largest_foci(focus.astype(np.float32), cubic, even, (0.5, 0.5), 2.0)
    assert (foci > TOO_MUCH).sum() > 3
    assert np.array_equal(foci, largest_foci(focus.astype(np.float32), cubic, even, (0.5, 0.5), 2.0))
    assert largest_foci(quiet, cubic, even & False, (0.5, 0.5), 2.0).size == 0
