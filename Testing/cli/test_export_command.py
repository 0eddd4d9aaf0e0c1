"""``charmssr export``: an ONNX file that computes what the network computes."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from CHARMSSRLib.checkpoints.loading import load_checkpoint
from CHARMSSRLib.checkpoints.registry import sha256_of
from CHARMSSRLib.cli import main
from CHARMSSRLib.grids.resize import bicubic_downsample
from Testing.small_checkpoint import small_checkpoint


@pytest.fixture(params=[2, 4])
def weights(request, tmp_path):
    """A small checkpoint whose every part matters."""
    card = {"margin": 16, "intensity": {"kind": "minmax"}, "licence": "Apache-2.0"}
    return Path(small_checkpoint(tmp_path / "small", seed=0, spread=0.05, card=card, scale=request.param, blocks=2))


def test_the_file_computes_what_the_network_computes_at_any_size(weights, tmp_path, capsys):
    output = tmp_path / "small.onnx"
    assert main(["export", str(weights), str(output)]) == 0
    assert "opset 17" in capsys.readouterr().out
    session = onnxruntime.InferenceSession(str(output), providers=["CPUExecutionProvider"])
    checkpoint = load_checkpoint(weights)
    for size in [(1, 1, 31, 50), (2, 1, 64, 21)]:
        slices = torch.rand(*size)
        with torch.no_grad():
            expected = checkpoint.network(slices).numpy()
        (found,) = session.run(None, {"slices": slices.numpy()})
        assert np.abs(found - expected).max() < 1e-5
    metadata = {entry.key: entry.value for entry in onnx.load(str(output)).metadata_props}
    assert metadata["sha256"] == checkpoint.card["sha256"] and int(metadata["scale"]) == checkpoint.card["scale"]
    assert json.loads(metadata["intensity"]) == {"kind": "minmax"}


def test_the_share_of_the_noise_is_in_the_file(tmp_path, capsys):
    weights = Path(small_checkpoint(tmp_path / "small", spread=0.05))
    quiet = small_checkpoint(tmp_path / "other", "quiet", seed=8, spread=0.05)
    shutil.copy(quiet, weights.with_name("quiet.safetensors"))
    output, card = tmp_path / "small.onnx", json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    assert main(["export", str(weights), str(output), "--denoise", "40"]) == 2
    assert "cannot take noise away" in capsys.readouterr().err
    card["noise_control"] = {"weights": "quiet.safetensors", "sha256": sha256_of(quiet), "default": 80}
    weights.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    for wrong in ("101", "auto", "-1", "2.5"):
        assert main(["export", str(weights), str(output), f"--denoise={wrong}"]) == 2
        assert "whole number from 0 to 100" in capsys.readouterr().err and not output.exists()
    assert main(["export", str(weights), str(output), "--denoise", "40"]) == 0
    slices = torch.rand(1, 1, 24, 20)
    with torch.no_grad():
        expected, plain = (load_checkpoint(weights, denoise=share).network(slices).numpy() for share in (40, 0))
    session = onnxruntime.InferenceSession(str(output), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"slices": slices.numpy()})
    assert np.abs(found - expected).max() < 1e-5 < np.abs(found - plain).max()
    assert {entry.key: entry.value for entry in onnx.load(str(output)).metadata_props}["denoise"] == "40"


def test_the_skip_keeps_the_voxel_edges(tmp_path):
    """An untrained network is bicubic interpolation: downsampling its result gives a smooth slice back in place."""
    weights = small_checkpoint(tmp_path / "untrained", "untrained", spread=0, card={"intensity": {"kind": "minmax"}})
    assert main(["export", str(weights), str(tmp_path / "untrained.onnx")]) == 0
    session = onnxruntime.InferenceSession(str(tmp_path / "untrained.onnx"), providers=["CPUExecutionProvider"])
    y, x = np.mgrid[:24, :30].astype(np.float32)
    smooth = (0.5 + 0.01 * x - 0.005 * y)[None, None]
    (fine,) = session.run(None, {"slices": smooth})
    back = bicubic_downsample(torch.from_numpy(fine), 2).numpy()
    assert np.abs(back - smooth)[..., 3:-3, 3:-3].max() < 1e-4


def test_what_cannot_be_written_is_refused_and_nothing_is_left(weights, tmp_path, capsys, monkeypatch):
    (tmp_path / "there.onnx").write_text("mine")
    assert main(["export", str(weights), str(tmp_path / "there.onnx")]) == 2
    assert (tmp_path / "there.onnx").read_text(encoding="utf-8") == "mine"
    assert main(["export", str(weights), str(tmp_path / "small.pb")]) == 2
    assert ".onnx" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["export", str(weights), str(tmp_path / "new.onnx")]) == 2
    assert "pip install onnx" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small", "there.onnx"]


def test_a_file_that_computes_something_else_is_not_kept(weights, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("CHARMSSRLib.enhancement.onnx_export.TOLERANCE", -1.0)
    assert main(["export", str(weights), str(tmp_path / "small.onnx")]) == 2
    assert "differs" in capsys.readouterr().err
    assert not (tmp_path / "small.onnx").exists()
