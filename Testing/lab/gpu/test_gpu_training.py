"""Training on a CUDA card: learns, resumes, survives a gradient that is not finite. Skipped where there is none."""

import dataclasses

import numpy as np
import pytest
import torch

from CHARMSSRLab.training.config import TrainingConfig
from CHARMSSRLab.training.prepared import PreparedVolume
from CHARMSSRLab.training.trainer import _Run, train
from CHARMSSRLib.errors import Cancelled

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA card")

CARD = torch.device("cuda:0")
CONFIG = TrainingConfig(
    name="tiny", arguments={"blocks": 2, "units": 2}, steps=60, batch=8, patch=24, learning_rate=2e-3,
    schedule="onecycle", ema_decay=0.9, precision="bfloat16", workers=2, validate_every=20, save_every=20,
    validation_slices=3, seed=4,
)  # fmt: skip


@pytest.fixture(scope="module")
def volumes():
    """Smooth structure in an ellipse: something that can be learned."""
    made = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        z, y, x = np.mgrid[:10, :120, :104]
        slices = 50 + 30 * np.sin(x / 2.5 + seed + z) * np.cos(y / 3) + rng.normal(0, 1, z.shape)
        mask = ((y - 60) / 52) ** 2 + ((x - 52) / 44) ** 2 < 1
        slices = np.where(mask, slices, 0).astype(np.float32)
        inside = slices[mask]
        made.append(
            PreparedVolume(
                slices, mask, float(inside.min()), float(inside.max()), float(np.percentile(inside, 99.9)),
                (2.0, 1.0, 1.0), f"s{seed}", "T1w", "train", "axial",
            )
        )  # fmt: skip
    return made


def weights(result):
    return torch.cat([value.flatten().float() for value in result.network.state_dict().values()])


@pytest.mark.parametrize("compiled", [False, True])
def test_training_beats_bicubic(tmp_path, volumes, compiled):
    config = dataclasses.replace(CONFIG, compile=compiled)
    result = train(config, volumes[:2], volumes[2:], tmp_path, CARD)
    assert result.validation["psnr"] > result.validation["bicubic_psnr"] + 0.1


def test_a_stopped_run_goes_on_where_it_was(tmp_path, volumes):
    config = dataclasses.replace(CONFIG, precision="float32", workers=0)
    whole = train(config, volumes, volumes[:1], tmp_path / "whole", CARD)
    calls = []
    with pytest.raises(Cancelled, match="step 25"):
        train(
            config, volumes, volumes[:1], tmp_path / "parts", CARD,
            is_cancelled=lambda: calls.append(1) or len(calls) == 25,
        )  # fmt: skip
    parts = train(config, volumes, volumes[:1], tmp_path / "parts", CARD)
    assert parts.steps == whole.steps
    # Sums on a card have no fixed order: equal but for rounding that grows over the steps.
    assert abs(parts.validation["psnr"] - whole.validation["psnr"]) < 0.2
    assert torch.nn.functional.cosine_similarity(weights(whole), weights(parts), dim=0) > 0.99


def test_the_first_step_costs_the_same_on_card_and_cpu(tmp_path):
    generator = torch.Generator().manual_seed(0)
    lr, hr = torch.rand(4, 1, 24, 24, generator=generator), torch.rand(4, 1, 48, 48, generator=generator)
    losses = {}
    for device in (CARD, torch.device("cpu")):
        run = _Run(dataclasses.replace(CONFIG, precision="float32"), tmp_path, device, 0, 1)
        torch.nn.init.constant_(run.network.tail.weight, 0.01)
        losses[device.type] = [float(one) for one in run.train_step(lr.to(device), hr.to(device))]
    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=5e-3)


def test_a_gradient_that_is_not_finite_leaves_the_weights(tmp_path):
    run = _Run(CONFIG, tmp_path, CARD, 0, 1)
    torch.nn.init.constant_(run.network.tail.weight, 0.01)
    good = torch.rand(4, 1, 24, 24, device=CARD), torch.rand(4, 1, 48, 48, device=CARD)
    run.train_step(*good)
    before = [parameter.detach().clone() for parameter in run.network.parameters()]
    run.train_step(torch.full_like(good[0], float("nan")), good[1])
    assert all(torch.equal(a, b) for a, b in zip(before, run.network.parameters()))
    run.train_step(*good)
    assert not all(torch.equal(a, b) for a, b in zip(before, run.network.parameters()))


def test_a_recorded_run_learns_what_a_plain_one_does(tmp_path):
    generator = torch.Generator().manual_seed(1)
    pairs = [
        (torch.rand(4, 1, 24, 24, generator=generator).to(CARD), torch.rand(4, 1, 48, 48, generator=generator).to(CARD))
        for _ in range(12)
    ]
    losses, moves = [], []
    for graphed in (False, True):
        config = dataclasses.replace(CONFIG, precision="float32", ssim_weight=0.5, cuda_graph=graphed)
        run = _Run(config, tmp_path, CARD, 0, 1)
        torch.nn.init.constant_(run.network.tail.weight, 0.01)
        before = torch.cat([one.detach().flatten() for one in run.network.parameters()])
        # Some kernels round to TF32, some do not; by twelve steps, weights off by 1e-3 are 3 % of the loss apart.
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            losses.append([float(run.train_step(*pair)[0]) for pair in pairs])
        moves.append(torch.cat([one.detach().flatten() for one in run.network.parameters()]) - before)
    assert run.stepper.update.graph is not None
    # The learning rate grows over these steps: one that had been recorded would show.
    assert losses[1] == pytest.approx(losses[0], rel=5e-3)
    assert moves[1].norm().item() == pytest.approx(moves[0].norm().item(), rel=0.05)
    assert torch.nn.functional.cosine_similarity(*moves, dim=0).item() > 0.95
