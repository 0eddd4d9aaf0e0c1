"""How much noise is taken away is tried on a few slices of each scan: the smallest share that is quiet enough."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from CHARMSSRLib.enhancement.noise_choice import SHARES, SLICES, SNR, choose_share, chosen_slices, decide
from CHARMSSRLib.grids.stacks import interpolated
from CHARMSSRLib.measures.native import Native


def scan(noise):
    """What ``choose_share`` reads of a volume: discs of two brightnesses with noise, brain and air."""
    n, y, x = np.mgrid[:12, :72, :72]
    brain = (np.hypot(y - 36, x - 36) < 30) & (n > 1)
    tissue = np.where(np.hypot(y - 30, x - 40) < 12, 0.8, 0.5) * brain
    values = tissue + np.random.default_rng(3).normal(0, noise, tissue.shape) if noise else tissue
    values = values.astype(np.float32)
    return SimpleNamespace(brain=brain, foreground=brain, margin=4, scale=2, network_input=lambda: values)


def taking(*kept):
    """An enhancer that keeps so much of the noise at each share, edges sharpened, and the shares that it was asked."""
    asked, clean = [], scan(0).network_input()

    def run(share, stack, output, rows, columns):
        asked.append(share)
        anatomy = interpolated(np.resize(clean[chosen_slices(scan(0).brain)], stack.shape), (1, 2, 2))
        sharp = anatomy + 0.6 * (anatomy - ndimage.gaussian_filter(anatomy, (0, 3, 3)))
        output[...] = sharp + dict(zip(SHARES, kept))[share] * (interpolated(stack, (1, 2, 2)) - anatomy)

    return run, asked


def test_the_smallest_share_that_is_quiet_enough_is_taken_and_no_other_is_tried():
    run, asked = taking(1.1, 0.8, 0.6)
    choice = choose_share(scan(0.03), run, default=40)
    assert choice.share == 80 and asked == [65, 80, 80], "noise is added only where the rest is right"
    assert choice.reason.startswith("80 %, the smallest") and [one["share"] for one in choice.tried] == [65, 80]
    assert choice.tried[0]["snr"] < SNR <= choice.tried[1]["snr"] and choice.tried[1]["noise"] <= 1
    assert choice.tried[0]["noise"] is None
    assert choice == choose_share(scan(0.03), taking(1.1, 0.8, 0.6)[0], default=40), "the same at each run"


def test_where_nothing_can_be_measured_the_card_s_share_is_taken():
    run, asked = taking(0, 0, 0)
    choice = choose_share(scan(0), run, default=40)
    assert choice.share == 40 and not asked and "no even tissue" in choice.reason
    small = scan(0.03)
    small.brain = small.foreground = small.brain & (np.hypot(*np.mgrid[:72, :72] - 36) < 5)
    assert choose_share(small, run, default=30).share == 30


@pytest.mark.parametrize(
    ("figures", "share"),
    [
        # (SNR, noise, edges) of 65, 80 and 90 %
        ([(0.9, 1.4, 1.1), (1.3, 1.3, 1.06), (1.5, 1.2, 1.06)], 90),  # least noise
        ([(1.2, 1.4, 1.1), (1.3, 1.3, 1.06), (1.5, 1.2, 1.01)], 80),  # edges stay
        ([(1.2, 1.4, 1.02), (1.3, 1.3, 1.03), (1.5, 1.2, 1.01)], 80),  # the sharpest that is quiet
        ([(0.8, 1.4, 1.1), (0.9, 1.3, 1.08), (0.95, 1.2, 1.01)], 90),  # the quietest there is
    ],
)
def test_where_no_share_has_it_all_quiet_goes_before_sharp_and_sharp_before_the_noise_among_the_anatomy(figures, share):
    choice = decide([(one, Native(*three)) for one, three in zip(SHARES, figures)])
    assert choice.share == share and choice.reason.startswith(f"{share} %, the best of 65, 80, 90")


def test_slices_lie_in_the_brain_and_each_counts_once():
    brain = scan(0).brain
    chosen = chosen_slices(brain)
    assert len(chosen) == SLICES and brain[chosen].any(axis=(1, 2)).all()
    assert list(chosen_slices(brain[5:6])) == [0]
