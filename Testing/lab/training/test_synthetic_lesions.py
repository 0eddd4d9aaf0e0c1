"""Made-up lesions: where, how many, and what stays as it is."""

import numpy as np
import pytest
from scipy import ndimage

from CHARMSSRLab.training.synthetic_lesions import LESION_KINDS, LesionKind, with_synthetic_lesions
from CHARMSSRLab.whole_volume.lesions import distance_from, sphere_share


@pytest.fixture
def window():
    """Three slices of even tissue, 0.5, in a disk; nothing around it."""
    y, x = np.mgrid[-40:40, -40:40]
    return np.repeat((0.5 * (np.hypot(y, x) < 35))[None], 3, axis=0).astype(np.float32)


@pytest.mark.parametrize("kind", LESION_KINDS)
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("cut", [False, True])
def test_there_are_one_to_as_many_as_allowed_within_the_brain_and_alike_in_all_slices(window, cut, seed, kind):
    original = window.copy()
    changed = with_synthetic_lesions(window, np.random.default_rng(seed), kind, cut)
    assert np.array_equal(window, original)
    change = changed - window
    assert 1 <= ndimage.label(np.abs(change[0]) > 1e-6)[1] <= LESION_KINDS[kind].most
    assert not change[window == 0].any()
    assert np.array_equal(change[0], change[1]) and np.array_equal(change[0], change[2])


def test_small_ones_are_small_with_an_edge_of_one_pixel(window):
    kind = LESION_KINDS["small"]
    changes = [with_synthetic_lesions(window, np.random.default_rng(i), "small")[0] - window[0] for i in range(300)]
    labels = [ndimage.label(np.abs(one) > 1e-6) for one in changes]
    singles = [one[label == 1] for one, (label, count) in zip(changes, labels) if count == 1]
    assert len(singles) >= 5
    most = np.pi * (kind.semi_axis[1] + 0.5) * (kind.largest_ratio * kind.semi_axis[1] + 1)
    assert all(one.size <= most for one in singles)
    # Sharp: most of what lies within a lesion has its whole strength.
    widest = max(singles, key=len)
    assert np.mean(np.abs(widest) > 0.99 * np.abs(widest).max()) > 0.4


@pytest.mark.parametrize("cut", [False, True])
def test_a_ball_is_cut_at_any_height_or_through_its_middle(cut, monkeypatch):
    radius = 2.5
    ball = LesionKind(1, semi_axis=(radius, radius), largest_ratio=1.0, edge=(1.0, 1.0), strength=(0.3, 0.3))
    monkeypatch.setitem(LESION_KINDS, "ball", ball)
    even = np.full((1, 41, 41), 0.5, np.float32)
    heights = []
    for seed in range(60):
        change = with_synthetic_lesions(even, np.random.default_rng(seed), "ball", cut) - even
        share = np.abs(change) / (0.3 * 0.5)
        centre = np.round(ndimage.center_of_mass(share[0]))
        if min(centre) < 5 or max(centre) > 35 or cut and share.max() > 0.999:
            continue  # not whole; or its height cannot be told from its peak, as it can for caps
        height = radius + 0.5 - float(share.max()) if cut else 0.0
        distance = distance_from((height, *centre), even.shape, (1, 1, 1))
        assert np.allclose(share, sphere_share(distance, radius, (1, 1, 1)), atol=1e-4)
        heights.append(height)
    assert len(heights) >= 5
    assert max(heights) > 2.2 if cut else max(heights) == 0


def test_they_are_brighter_or_darker_by_the_share_that_is_promised(window):
    strength = LESION_KINDS["mixed"].strength
    changes = [with_synthetic_lesions(window, np.random.default_rng(seed)) - window for seed in range(60)]
    single = [one for one in changes if ndimage.label(np.abs(one[0]) > 1e-6)[1] == 1]
    strengths = [one.flat[np.abs(one).argmax()] / 0.5 for one in single]
    assert min(strengths) < 0 < max(strengths)
    # Two that overlap add up; a small one may have no pixel that lies within it altogether.
    assert all(abs(one) <= 2 * strength[1] for one in strengths)
    assert np.median(np.abs(strengths)) == pytest.approx(np.mean(strength), abs=0.1)


def test_noise_under_a_lesion_stays(window):
    noisy = window + np.random.default_rng(0).normal(0, 0.02, window.shape).astype(np.float32) * (window > 0)
    plain, changed = (with_synthetic_lesions(one, np.random.default_rng(3)) - one for one in (window, noisy))
    assert np.abs(plain).max() > 0.02
    assert np.allclose(plain, changed, atol=0.01)


def test_an_empty_window_stays_empty():
    assert not with_synthetic_lesions(np.zeros((1, 8, 8), np.float32), np.random.default_rng(0)).any()
