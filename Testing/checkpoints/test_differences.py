"""Weights that are told by their difference to others: read as whole ones are, and refused in words."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from CHARMSSRLab.training.differences import main, quantised, write_difference
from CHARMSSRLib import CHARMS
from CHARMSSRLib.checkpoints.loading import load_checkpoint, save_checkpoint
from CHARMSSRLib.checkpoints.registry import BUNDLED_FOLDER, sha256_of
from CHARMSSRLib.checkpoints.weights import read_safetensors, read_weights
from CHARMSSRLib.engines.models import load_model
from CHARMSSRLib.enhancement.inference import SliceEnhancer
from CHARMSSRLib.errors import CheckpointError, SettingsError

CARD = {"intensity": {"kind": "minmax"}, "margin": 16, "data_consistency_operator": "bicubic"}


@pytest.fixture
def parent(tmp_path):
    torch.manual_seed(3)
    return save_checkpoint(CHARMS(blocks=1, units=1), {"name": "parent", **CARD}, tmp_path)


@pytest.fixture
def tuned(parent):
    """Weights near the parent's, in channels_last memory order as a training run leaves them."""
    generator = torch.Generator().manual_seed(4)
    near = {k: v + 0.01 * torch.randn(v.shape, generator=generator) for k, v in load_file(parent).items()}
    return {k: (v.to(memory_format=torch.channels_last) if v.ndim == 4 else v).numpy() for k, v in near.items()}


@pytest.fixture
def child(parent, tuned):
    """A checkpoint whose weights are a difference to ``parent``."""
    path = write_difference(parent, tuned, parent.with_name("child.safetensors"))
    card = json.loads(parent.with_suffix(".json").read_text(encoding="utf-8"))
    path.with_suffix(".json").write_text(json.dumps({**card, "name": "child", "sha256": sha256_of(path)}))
    return path


def test_a_difference_gives_the_weights_back_to_half_a_step(parent, tuned, child):
    own, read = read_safetensors(parent), read_safetensors(child)
    for name, one in tuned.items():
        rows = (one - own[name]).reshape(len(one), -1) if one.ndim > 1 else (one - own[name])[None]
        half = np.abs(rows).max(axis=1) / 127 / 2
        error = np.abs(read[name] - one).reshape(len(half), -1).max(axis=1)
        assert (error <= 1.01 * half + 1e-6).all(), name
    assert child.stat().st_size < 0.36 * parent.stat().st_size  # float32 there


def test_both_engines_and_the_network_read_a_difference_as_any_checkpoint(child, tuned):
    network = load_checkpoint(child).network
    assert all(np.allclose(v.numpy(), tuned[k], atol=3e-4) for k, v in network.state_dict().items())
    stack = np.random.default_rng(1).random((1, 1, 16, 16)).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(stack)).numpy()[0, 0]
    for engine in ("torch", "ncnn"):
        model, card = load_model(engine, child)
        output = np.zeros((1, 32, 32), np.float32)
        SliceEnhancer(model, "cpu", "float32", 1).run(stack[0], [0], output, slice(0, 16), slice(0, 16))
        assert np.allclose(output[0], expected, atol=1e-4) and card["name"] == "child"


def test_a_difference_says_which_file_it_belongs_to(parent, child):
    with safe_open(child, "np") as file:
        assert file.metadata() == {"parent": f"parent.safetensors sha256:{sha256_of(parent)}"}


def test_a_difference_to_a_difference_adds_both(parent, tuned, child):
    further = {name: one + np.float32(0.01) for name, one in tuned.items()}
    path = write_difference(child, further, parent.with_name("grandchild.safetensors"))
    assert all(np.allclose(one, further[name], atol=6e-4) for name, one in read_safetensors(path).items())


def test_another_parent_is_refused_in_one_sentence(parent, child):
    save_checkpoint(CHARMS(blocks=1, units=1), {"name": "parent", **CARD}, parent.parent)
    with pytest.raises(CheckpointError, match=r"difference to another parent\.safetensors .*: get both files again\.$"):
        load_checkpoint(child)


def test_a_missing_parent_is_named_and_a_bundled_one_is_found_from_anywhere(parent, child, tmp_path):
    parent.unlink()
    with pytest.raises(CheckpointError, match=r"parent\.safetensors, which is missing"):
        load_checkpoint(child)
    bundled = BUNDLED_FOLDER / "charms-x2-clinical-quiet-difference.safetensors"
    copy = shutil.copy(bundled, tmp_path / "elsewhere.safetensors")
    (tmp_path / "charms-x2-clinical.safetensors").write_bytes(b"another one of this name beside it")
    read, expected = read_safetensors(copy), read_weights("charms-x2-clinical", denoise=100).arrays
    assert all(np.allclose(read[name], one, atol=1e-6) for name, one in expected.items())


@pytest.mark.parametrize("change", ["dropped", "scale dropped", "one more", "another shape", "another kind"])
def test_a_difference_that_does_not_fit_its_parent_is_refused(parent, child, change):
    from safetensors.numpy import load_file as load
    from safetensors.numpy import save_file as save

    tensors = load(child)
    name = next(name for name in tensors if name.endswith(".weight") and tensors[name].dtype == np.int8)
    if change == "dropped":
        del tensors[name], tensors[name + ".scale"]
    elif change == "scale dropped":
        del tensors[name + ".scale"]
    elif change == "one more":
        tensors["more"] = np.zeros(3, np.float16)
    elif change == "another shape":
        tensors[name] = np.ascontiguousarray(tensors[name][:-1])
    else:
        tensors[name] = tensors[name].astype(np.int32)
    save(tensors, child, {"parent": f"{parent.name} sha256:{sha256_of(parent)}"})
    with pytest.raises(CheckpointError, match="do not fit"):
        read_safetensors(child)


def test_equal_weights_have_a_difference_of_nil(parent):
    own = read_safetensors(parent)
    path = write_difference(parent, own, parent.with_name("same.safetensors"))
    assert all(np.array_equal(one, own[name]) for name, one in read_safetensors(path).items())
    steps, scale = quantised(np.array([[0.0, 0.0], [0.5, -1.0]], np.float32), 2)
    assert steps.tolist() == [[0, 0], [1, -2]] and scale.tolist() == [0, 0.5]


def test_weights_of_another_network_and_impossible_levels_are_refused(parent, tuned, tmp_path):
    with pytest.raises(SettingsError, match="another network"):
        write_difference(parent, {"a": np.zeros(3)}, tmp_path / "x.safetensors")
    with pytest.raises(SettingsError, match="levels"):
        write_difference(parent, tuned, tmp_path / "x.safetensors", 128)
    assert not (tmp_path / "x.safetensors").exists()


def test_the_command_writes_the_same_file(parent, tuned, child, tmp_path, monkeypatch):
    from safetensors.numpy import save_file as save

    save({name: np.ascontiguousarray(one) for name, one in tuned.items()}, tmp_path / "tuned.safetensors")
    words = [str(parent), str(tmp_path / "tuned.safetensors"), str(parent.with_name("again.safetensors"))]
    monkeypatch.setattr("sys.argv", ["differences", *words])
    main()
    assert parent.with_name("again.safetensors").read_bytes() == child.read_bytes()
