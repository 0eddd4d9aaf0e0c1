"""The loss of training: what similarity changes in its best answer."""

import pytest
import torch

from CHARMSSRLib.learning.losses import difference, ssim_map


@pytest.fixture
def known_and_unknown():
    """Two independent textures: what the input tells, and what it leaves open."""
    generator = torch.Generator().manual_seed(0)
    return (0.1 * torch.randn((4, 1, 64, 64), generator=generator) for _ in range(2))


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_it_is_l1_and_a_share_of_what_is_dissimilar(known_and_unknown, weight):
    output, target = known_and_unknown
    loss, l1 = difference(output, target, weight)
    assert float(l1) == pytest.approx(float((output - target).abs().mean()))
    assert float(loss) == pytest.approx(float(l1) + weight * (1 - float(ssim_map(output, target).mean())), rel=1e-5)


def test_similarity_gives_what_is_unsure_its_contrast_back(known_and_unknown):
    known, unknown = known_and_unknown
    gains = torch.arange(0.8, 1.6, 0.05)

    def best(weight):
        losses = [float(difference(0.5 + gain * known, 0.5 + known + unknown, weight)[0]) for gain in gains]
        return float(gains[losses.index(min(losses))])

    assert best(0.0) == pytest.approx(1.0, abs=0.051)
    assert best(10.0) > 1.15  # all by itself: sqrt(2), as much variance as the target has
    assert best(0.0) < best(0.5) < best(10.0) + 1e-6
