"""One test over every compared method and CHARMS: size, shape, start, gradients, repeatability."""

import pytest
import torch

from CHARMSSRLab.methods.edsr import EDSR
from CHARMSSRLab.methods.registry import METHODS, build_method
from CHARMSSRLib.errors import SettingsError
from CHARMSSRLib.grids.resize import bicubic_upsample

PARAMETERS = {
    "bicubic": (0, 0),
    "srcnn": (57_281, 57_281),
    "vdsr": (374_112, 374_112),
    "edsr": (1_367_553, 1_515_265),
    "pan": (776_193, 923_905),
    "w2amsn": (11_372_877, 11_409_805),
    "fmen": (3_793_125, 3_940_837),
    "charms": (1_739_408, 1_887_120),
}
FOLDED_FMEN = {2: 1_308_141, 4: 1_455_853}
LEARNED = [name for name in PARAMETERS if name != "bicubic"]

# Two of the printed counts are of other networks than the cited ones.
PRINTED = [name for name in METHODS if METHODS[name].published_millions and name not in ("srcnn", "fmen")]

each_method = pytest.mark.parametrize("name", list(PARAMETERS))
each_learned = pytest.mark.parametrize("name", LEARNED)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def parameter_count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def with_live_tail(network):
    """The network with its zero tail (if it has one) replaced, so that gradients reach everything."""
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    return network


def test_every_method_of_the_registry_is_tested():
    assert list(METHODS) == list(PARAMETERS)


@pytest.mark.parametrize("image_skip", [True, False], ids=["with_skip", "as_published"])
@pytest.mark.parametrize("scale", [2, 4])
@each_method
def test_parameter_counts_hold_to_the_digit(name, scale, image_skip):
    assert parameter_count(build_method(name, scale, image_skip)) == PARAMETERS[name][scale // 4]


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("name", PRINTED)
def test_counts_agree_with_the_papers_printed_millions(name, scale):
    # EDSR rounds to 1.37 where the paper prints 1.36, hence 0.01.
    printed = METHODS[name].published_millions[scale // 4]
    assert parameter_count(build_method(name, scale)) / 1e6 == pytest.approx(printed, abs=0.01)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 13), (17, 12)])
@pytest.mark.parametrize("scale", [2, 4])
@each_method
def test_output_has_the_enlarged_shape_at_odd_sizes(name, scale, size):
    network = build_method(name, scale).eval()
    with torch.no_grad():
        output = network(torch.rand(1, 1, *size))
    assert output.shape == (1, 1, scale * size[0], scale * size[1])
    assert torch.isfinite(output).all()


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("scale", [2, 4])
@each_method
def test_untrained_with_skip_equals_bicubic_bit_for_bit(name, scale, training):
    image = torch.rand(2, 1, 9, 11)
    with torch.no_grad():
        output = build_method(name, scale).train(training)(image)
    assert torch.equal(output, bicubic_upsample(image, scale))


@pytest.mark.parametrize("name", [name for name in LEARNED if name != "charms"])
def test_as_published_an_untrained_network_is_not_bicubic(name):
    image = torch.rand(1, 1, 12, 12)
    with torch.no_grad():
        output = build_method(name, 2, image_skip=False).eval()(image)
    assert not torch.allclose(output, bicubic_upsample(image, 2), atol=1e-3)


def test_pan_as_published_adds_the_bilinear_interpolation():
    image = torch.rand(1, 1, 8, 8)
    network = build_method("pan", 2, image_skip=False)
    torch.nn.init.zeros_(network.tail.weight)
    torch.nn.init.zeros_(network.tail.bias)
    bilinear = torch.nn.functional.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)
    with torch.no_grad():
        assert torch.equal(network(image), bilinear)


@pytest.mark.parametrize("image_skip", [True, False], ids=["with_skip", "as_published"])
@each_learned
def test_every_parameter_has_a_finite_gradient_that_is_not_zero(name, image_skip):
    network = with_live_tail(build_method(name, 2, image_skip)).train()
    image = torch.rand(1, 1, 24, 24)
    torch.nn.functional.l1_loss(network(image), torch.rand(1, 1, 48, 48)).backward()
    for label, parameter in network.named_parameters():
        assert torch.isfinite(parameter.grad).all(), label
        # A bias in front of a batch normalisation has no influence; FMEN's attention ends so.
        if not label.endswith("excite.convolution.bias"):
            assert parameter.grad.any(), label


@each_learned
def test_the_seed_decides_the_initial_network(name):
    def build(seed):
        torch.manual_seed(seed)
        return build_method(name, 2).state_dict()

    first, again, other = build(5), build(5), build(6)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@each_learned
def test_the_form_for_inference_is_frozen_and_computes_the_same(name):
    network = with_live_tail(build_method(name, 2))
    network.train()(torch.rand(2, 1, 24, 24))  # moves FMEN's running statistics away from 0 and 1
    network.eval()
    deployed = network.for_inference()
    image = torch.rand(2, 1, 21, 18)
    with torch.no_grad():
        assert torch.allclose(deployed(image), network(image), atol=1e-5)
    assert not any(parameter.requires_grad for parameter in deployed.parameters())
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("scale", [2, 4])
def test_fmen_folds_to_a_third_of_its_parameters(scale):
    assert parameter_count(build_method("fmen", scale).for_inference()) == FOLDED_FMEN[scale]


def test_the_original_edsr_has_40_7_million_parameters():
    assert parameter_count(EDSR.original(2)) == 40_720_385


def test_an_unknown_method_is_refused_with_the_known_names():
    with pytest.raises(SettingsError, match="edsr"):
        build_method("srgan", 2)


@each_method
def test_an_impossible_scale_is_refused(name):
    with pytest.raises(ValueError, match="scale"):
        build_method(name, 3)
