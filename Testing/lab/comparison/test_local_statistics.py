"""Statistics of windows in the place of the slice's: equal where the window is the slice, local where it is not."""

import pytest
import torch

from CHARMSSRLab.comparison.local_statistics import local_mean, window_starts, with_local_statistics
from CHARMSSRLib import CHARMS


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    built = CHARMS(2, blocks=1, units=1).eval()
    torch.nn.init.normal_(built.tail.weight, std=0.1)
    return built


@torch.no_grad()
def test_a_window_as_large_as_the_slice_is_the_network_itself(network):
    slices = torch.rand(2, 1, 20, 27)
    local = with_local_statistics(network, 27)
    assert torch.allclose(local(slices), network(slices), atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("attention", [True, False])
def test_a_smaller_window_changes_the_output_and_leaves_the_network_as_it_was(network, attention):
    slices = torch.rand(1, 1, 32, 32)
    before = network(slices)
    local = with_local_statistics(network, 8, attention)
    assert (local(slices) - before).abs().max() > 1e-6
    assert torch.equal(network(slices), before)


@torch.no_grad()
def test_with_small_windows_a_far_corner_has_no_influence(network):
    slices = torch.rand(1, 1, 96, 96)
    other = slices.clone()
    other[..., 80:, 80:] = 0
    assert (network(slices) - network(other))[..., :20, :20].abs().max() > 1e-6
    local = with_local_statistics(network, 12)
    assert (local(slices) - local(other))[..., :20, :20].abs().max() == 0


def test_the_local_mean_is_that_of_the_window_around_a_pixel():
    image = torch.rand(1, 2, 20, 18, dtype=torch.float64)
    mean = local_mean(image, 5)
    assert mean.shape == image.shape
    assert torch.allclose(mean[..., 10, 9], image[..., 8:13, 7:12].mean((-2, -1)))
    assert torch.allclose(mean[..., 0, 0], image[..., :5, :5].mean((-2, -1)))  # moved inside
    assert torch.allclose(local_mean(image, 40)[..., 3, 3], image.mean((-2, -1)))


@pytest.mark.parametrize("size, window", [(100, 32), (33, 32), (32, 32), (10, 32), (7, 1)])
def test_windows_cover_the_axis(size, window):
    starts = window_starts(size, window)
    covered = {pixel for start in starts for pixel in range(start, start + window)}
    assert covered >= set(range(size)) and max(starts) + window <= max(size, window)


def test_an_empty_window_is_refused(network):
    with pytest.raises(ValueError, match="0 pixels"):
        with_local_statistics(network, 0)
