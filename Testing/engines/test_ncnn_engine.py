"""The engine ncnn computes what torch computes, whatever the network, its size and its input."""

import dataclasses
import inspect
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from CHARMSSRLib import CHARMS, available_checkpoints
from CHARMSSRLib.checkpoints.architecture import Architecture
from CHARMSSRLib.checkpoints.weights import Weights, read_weights
from CHARMSSRLib.engines import ncnn_engine
from CHARMSSRLib.engines.models import load_model
from CHARMSSRLib.engines.ncnn_model import NcnnModel
from CHARMSSRLib.errors import BackendError, CheckpointError

LADDER = {
    "baseline": {"channel_shuffle": False, "pixel_channel_attention": False, "transformer": False, "refinement": False},
    "shuffle": {"pixel_channel_attention": False, "transformer": False, "refinement": False},
    "attention": {"transformer": False, "refinement": False},
    "transformer": {"refinement": False},
    "full": {},
}


def random_weights(**arguments):
    """A random network, every part of which matters, as a checkpoint's arrays; and the network."""
    torch.manual_seed(3)
    network = CHARMS(**{"blocks": 1, "units": 1, **arguments}).eval()
    torch.nn.init.normal_(network.tail.weight, std=0.02)
    for name, parameter in network.named_parameters():
        if name.endswith(("temperature", "rate_weights", "norm1.weight", "norm2.bias")):
            torch.nn.init.uniform_(parameter, 0.3, 1.5)
    arrays = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    return Weights(arrays, {"name": "random", "architecture": network.arguments}, None), network


def slices_of(height, width, channels=1, count=1):
    return np.random.default_rng(5).random((count, channels, height, width), dtype=np.float32)


def run(runner, slices):
    return runner.collect(runner.submit(slices))


def assert_equal(weights, network, slices):
    with torch.no_grad():
        expected = network(torch.from_numpy(slices))[:, 0].numpy()
    output = run(NcnnModel(weights).runner("cpu", "float32"), slices)
    assert output.shape == expected.shape and output.dtype == np.float32
    assert np.abs(output - expected).max() < 1e-5


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("rung", LADDER)
def test_every_rung_of_the_ladder_is_the_same_function(rung, scale):
    assert_equal(*random_weights(scale=scale, **LADDER[rung]), slices_of(19, 14))


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (3, 3), (4, 9), (8, 8), (64, 1)])
def test_every_size_is_the_same_function_down_to_a_pixel(size):
    assert_equal(*random_weights(), slices_of(*size))


def test_neighbouring_slices_and_several_transformers_blocks_and_units_are_the_same_function():
    weights, network = random_weights(in_channels=3, transformers=2, blocks=2, units=2)
    assert_equal(weights, network, slices_of(12, 17, channels=3, count=3))


@pytest.mark.parametrize("name", [name for name in available_checkpoints() if name.startswith("charms-")])
def test_every_bundled_checkpoint_is_the_same_function(name):
    (model, card), (reference, _) = load_model("ncnn", name), load_model("torch", name)
    assert model.scale == card["scale"] == reference.scale
    for size in ((21, 16), (8, 8)):
        slices = slices_of(*size)
        expected = run(reference.runner("cpu", "float32"), slices)
        assert np.abs(run(model.runner("cpu", "float32"), slices) - expected).max() < 1e-5


def test_a_slice_that_is_finished_in_strips_is_the_same(monkeypatch):
    monkeypatch.setattr(ncnn_engine, "STRIP_BYTES", 1)
    assert_equal(*random_weights(), slices_of(50, 7))


def test_a_constant_slice_gives_no_quotient_of_nothing():
    weights, network = random_weights()
    weights.arrays["head.weight"][:] = 0
    for name in ("qkv.weight", "qkv.bias", "depthwise.0.bias", "depthwise.1.bias", "depthwise.2.bias"):
        weights.arrays[f"transformer.0.mddta.{name}"][:] = 0
    assert_equal(weights, network, np.zeros((1, 1, 6, 6), np.float32))


def test_an_architecture_has_the_arguments_and_defaults_of_the_network():
    parameters = inspect.signature(CHARMS).parameters
    defaults = {field.name: field.default for field in dataclasses.fields(Architecture)}
    assert defaults == {name: parameter.default for name, parameter in parameters.items()}


@pytest.mark.parametrize(
    "change", [{"scale": 3}, {"in_channels": 2}, {"blocks": 0}, {"transformers": -1}, {"branches": 2}]
)
def test_a_card_of_a_network_that_cannot_be_built_is_refused_in_a_sentence(change):
    with pytest.raises(CheckpointError, match="this version cannot build"):
        Architecture.of_card({"name": "theirs", "architecture": change})


@pytest.mark.parametrize("change", ["missing", "more", "shape"])
def test_weights_of_another_architecture_are_refused_in_a_sentence(change):
    weights, _ = random_weights()
    if change == "missing":
        del weights.arrays["backbone.0.units.0.esa.d2.bias"]
    elif change == "more":
        weights.arrays["backbone.1.units.0.conv1.bias"] = np.zeros(64, np.float32)
    else:
        weights.arrays["tail.weight"] = np.zeros((2, 64, 3, 3), np.float32)
    with pytest.raises(CheckpointError, match="another architecture than their card says"):
        NcnnModel(weights)


def test_an_ncnn_that_lacks_a_layer_is_a_sentence_that_names_the_way_out():
    text, weights = "7767517\n2 2\nInput x 0 1 x\nTurnip t 1 1 x y\n", b""
    with pytest.raises(BackendError, match="choose the engine torch"):
        ncnn_engine.network_of(text, weights)


@pytest.mark.parametrize(
    "module, reason",
    [(None, "cannot be loaded"), (SimpleNamespace(Net=object, __version__="1.0.1"), r"\(1.0.1\) is too old")],
)
def test_an_ncnn_that_is_broken_or_too_old_is_a_sentence_that_names_the_way_out(monkeypatch, module, reason):
    monkeypatch.setitem(sys.modules, "ncnn", module)
    with pytest.raises(BackendError, match=f"{reason}.*choose the engine torch"):
        ncnn_engine.usable_ncnn()


def test_memory_that_runs_out_inside_ncnn_is_memory(monkeypatch):
    class Extractor:
        def input(self, name, blob):
            pass

        def extract(self, name, kind):
            return -100, None

    class Net:
        def create_extractor(self):
            return Extractor()

    with pytest.raises(MemoryError):
        ncnn_engine.computed(Net(), {}, "y")


def test_arrays_of_half_and_brain_floats_are_read_as_float32(tmp_path):
    from safetensors.torch import save_file

    values = torch.tensor([[1.5, -2.25, 0.007812]])
    for kind in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        save_file({"a": values.to(kind)}, tmp_path / "x.safetensors")
        from CHARMSSRLib.checkpoints.weights import read_safetensors

        array = read_safetensors(tmp_path / "x.safetensors")["a"]
        assert array.dtype == np.float32 and np.array_equal(array, values.to(kind).float().numpy())


def test_the_arrays_of_a_checkpoint_are_those_of_its_network():
    weights = read_weights("charms-x2-clinical")
    assert set(weights.arrays) == set(CHARMS(**weights.card["architecture"]).state_dict())
