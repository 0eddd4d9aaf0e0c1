"""Statistics over subjects, and the count of multiply-accumulates."""

import math

import pytest
import torch
from torch import nn

from CHARMSSRLab.costs.macs import count_macs
from CHARMSSRLab.methods.registry import build_method
from CHARMSSRLib.measures.statistics import mean_and_deviation, paired_p_value


def test_mean_and_sample_deviation_over_subjects():
    assert mean_and_deviation([30.0, 32.0, 34.0]) == pytest.approx((32.0, 2.0))


def test_one_subject_has_a_mean_but_no_deviation():
    mean, deviation = mean_and_deviation([30.0])
    assert mean == 30.0 and math.isnan(deviation)


def test_a_gain_on_every_one_of_eight_subjects_has_the_smallest_exact_p():
    first = [30.0, 31.0, 32.5, 33.0, 34.0, 30.5, 31.5, 32.0]
    second = [value + 0.1 * (i + 1) for i, value in enumerate(first)]
    assert paired_p_value(first, second) == pytest.approx(2 / 2**8)


def test_gains_that_cancel_are_not_significant():
    assert paired_p_value([1.0, 2.0, 3.0, 4.0], [1.1, 1.8, 3.3, 3.6]) > 0.5


def test_equal_figures_have_p_one():
    assert paired_p_value([30.0, 31.0], [30.0, 31.0]) == 1.0


def test_unpaired_lists_are_refused():
    with pytest.raises(ValueError, match="equally long"):
        paired_p_value([1.0, 2.0], [1.0])


def test_macs_of_a_grouped_convolution_and_of_a_matrix_product():
    class Product(nn.Module):
        def forward(self, image):
            return image @ image.transpose(2, 3)

    assert count_macs(nn.Conv2d(4, 8, 3, padding=1, groups=2), 5, 7, in_channels=4) == 5 * 7 * 8 * 2 * 9
    assert count_macs(Product(), 5, 7) == 5 * 7 * 5


@pytest.mark.parametrize("scale, size, billions", [(2, 128, 27.84), (4, 64, 10.32)])
def test_charms_costs_what_its_specification_says(scale, size, billions):
    assert count_macs(build_method("charms", scale), size, size) / 1e9 == pytest.approx(billions, rel=0.01)


def test_counting_leaves_the_network_as_it_was():
    network = build_method("edsr", 2).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert count_macs(network, 16, 16) > 0
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
