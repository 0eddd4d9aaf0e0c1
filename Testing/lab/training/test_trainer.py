"""A run can be killed at any moment, split over processes, and become a checkpoint."""

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch

from CHARMSSRLab.training.batches import augmentation_of
from CHARMSSRLab.training.config import TrainingConfig
from CHARMSSRLab.training.dataset import Augmentation, PatchDataset
from CHARMSSRLab.training.prepared import PreparedVolume, load_prepared, save_prepared
from CHARMSSRLab.training.trainer import build_network, train
from CHARMSSRLab.training.training_run import run_training
from CHARMSSRLab.training.validation import validate, with_neighbours
from CHARMSSRLib import load_checkpoint
from CHARMSSRLib.errors import Cancelled, SettingsError
from CHARMSSRLib.grids.resize import bicubic_upsample

CONFIG = TrainingConfig(
    name="tiny", arguments={"blocks": 1, "units": 1}, steps=6, batch=2, patch=12, learning_rate=1e-3,
    ema_decay=0.9, validate_every=3, save_every=2, validation_slices=1, degradation="clinical", seed=4,
)  # fmt: skip


def volume(subject, split, contrast="T1w", seed=0):
    """Smooth structure in an ellipse: something that can be learned."""
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[:6, :60, :52]
    slices = 50 + 30 * np.sin(x / 2.5 + seed) * np.cos(y / 3) + rng.normal(0, 1, z.shape)
    mask = ((y - 30) / 26) ** 2 + ((x - 26) / 22) ** 2 < 1
    slices = np.where(mask, slices, 0).astype(np.float32)
    inside = slices[mask]
    return PreparedVolume(
        slices, mask, float(inside.min()), float(inside.max()), float(np.percentile(inside, 99.9)), (2.0, 1.0, 1.0),
        subject, contrast, split, "axial",
    )  # fmt: skip


@pytest.fixture(scope="module")
def volumes():
    return [volume("ds002748_a", "train", seed=1), volume("ARC_b", "train", "T2w", seed=2)]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, volumes):
    """Folder of prepared slices; nobody writes into it."""
    folder = tmp_path_factory.mktemp("prepared")
    for i, one in enumerate(volumes + [volume("ds002748_c", "val", seed=3)]):
        save_prepared(one, folder / f"{i}.npz")
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory, prepared):
    """An uninterrupted run of CONFIG: (its result, path of its checkpoint)."""
    folder = tmp_path_factory.mktemp("finished")
    return run_training(CONFIG, prepared, folder / "run", folder / "out", command="charmssr train tiny.json")


@pytest.fixture(scope="module")
def watched(tmp_path_factory, volumes):
    """An uninterrupted run of CONFIG that validates on a volume that it sees: (its result, its folder)."""
    folder = tmp_path_factory.mktemp("watched")
    return train(CONFIG, volumes, volumes[:1], folder), folder


@pytest.fixture(scope="module")
def unwatched(tmp_path_factory, volumes):
    """Folder of a run of CONFIG that validates on nothing; copy it before going on in it."""
    folder = tmp_path_factory.mktemp("unwatched")
    train(CONFIG, volumes, [], folder)
    return folder


def weights(result):
    return torch.cat([value.flatten() for value in result.network.state_dict().values()])


def test_a_sample_is_a_function_of_seed_and_number(volumes):
    one, same, other = (PatchDataset(volumes, 50, 12, 2, "clinical", seed=s) for s in (3, 3, 4))
    for number in (0, 7, 49):
        assert all(torch.equal(a, b) for a, b in zip(one[number], same[number]))
        assert not torch.equal(one[number][1], other[number][1])
    lr, hr = one[0]
    assert lr.shape == (1, 12, 12) and hr.shape == (1, 24, 24)


def test_whole_heads_are_shown_with_what_surrounds_the_brain_and_now_and_then_without():
    one = volume("ARC_a", "train", seed=5)
    slices, mask = (np.pad(part, ((0, 0), (40, 40), (40, 40))) for part in (one.slices, one.mask))
    head = dataclasses.replace(one, slices=np.where(mask, slices, np.float32(77)), mask=mask)
    surroundings = (np.float32(77) - head.minimum) / (head.maximum - head.minimum)

    def share_of_surroundings(**augmentation):
        data = PatchDataset([head], 40, 14, 1, "bicubic", augmentation=Augmentation(**augmentation), seed=2)
        return np.mean([np.isclose(data[i][1], surroundings, atol=1e-3).mean() for i in range(40)])

    assert share_of_surroundings() > 0.05 > 0.005 > share_of_surroundings(stripped=1.0)
    assert share_of_surroundings(anywhere=1.0) > 1.2 * share_of_surroundings()


def test_the_paper_s_protocol_gets_the_brain_alone():
    one = volume("ARC_a", "val", seed=5)
    wide = [np.pad(part, ((0, 0), (30, 40), (20, 50))) for part in (one.slices + 5, one.mask)]
    stripped = dataclasses.replace(one, slices=wide[0], mask=wide[1]).stripped()
    assert stripped.slices.shape == (6, 52 + 16 - 1, 44 + 16 - 1)
    assert not stripped.slices[~stripped.mask].any() and stripped.mask.sum() == one.mask.sum()
    assert np.array_equal(stripped.slices[stripped.mask], wide[0][wide[1]])


def test_contrasts_are_drawn_in_their_shares():
    volumes = [volume(f"s{i}", "train", "T1w", seed=i) for i in range(5)] + [volume("t", "train", "T2w", seed=9)]
    data = PatchDataset(volumes, 1, 12, 2, "bicubic")
    assert dict(zip(data.contrasts, data.contrast_probability)) == pytest.approx({"T1w": 5 / 9, "T2w": 4 / 9})


def test_the_low_resolution_patch_covers_the_high_resolution_one(volumes):
    data = PatchDataset(volumes, 20, 16, 2, "bicubic", seed=1)
    lr, hr = data[3]
    down = torch.nn.functional.interpolate(hr[None], scale_factor=0.5, mode="bicubic", antialias=True)[0]
    assert torch.allclose(lr[:, 3:-3, 3:-3], down[:, 3:-3, 3:-3], atol=1e-3)


def test_a_target_that_keeps_the_noise_differs_from_the_clean_one_by_the_interpolated_noise(volumes):
    keep, clean = (
        PatchDataset(volumes, 60, 24, 2, "kspace", augmentation=Augmentation(keep_noise=keep), seed=2)
        for keep in (True, False)
    )
    explained = 0
    for number in range(60):
        lr, hr = keep[number]
        if hr.std() < 1e-3 or not torch.allclose(lr, clean[number][0]):
            continue  # more noise or nothing but noise
        target = clean[number][1]
        noise = (hr - target)[:, 8:-8, 8:-8]
        assert 0 < noise.std() < 0.03
        # What was added is no finer than the LR grid: interpolating its own samples gives it back, nearly.
        again = bicubic_upsample(torch.nn.functional.avg_pool2d(hr - target, 2)[None], 2)[0][:, 8:-8, 8:-8]
        assert torch.corrcoef(torch.stack([noise.flatten(), again.flatten()]))[0, 1] > 0.9
        explained += 1
    assert explained > 15


def test_noise_alone_has_itself_as_target(volumes):
    data = PatchDataset(volumes, 400, 12, 2, "bicubic", augmentation=Augmentation(keep_noise=True), seed=5)
    alone = 0
    for number in range(400):
        lr, hr = data[number]
        inner = bicubic_upsample(lr[None], 2)[0][:, 6:-6, 6:-6]
        alone += bool(lr.std() > 0 and torch.allclose(inner, hr[:, 6:-6, 6:-6], atol=1e-5))
    assert 8 <= alone <= 48, "about six of a hundred samples hold nothing but noise"


def test_every_setting_of_the_samples_reaches_them():
    given = {
        "keep_noise": True, "remove_noise": True, "noise_alone": 0.11, "noise_scaled": True, "noise_masked": True,
        "noise_from_kspace": True, "coarse_pixels": 0.12,
        "lesions": 0.13, "lesion_kind": "many", "lesions_cut": True, "even_tissue": 0.14,
        "stripped": 0.15, "anywhere": 0.16,
    }  # fmt: skip
    made = augmentation_of(TrainingConfig("any", gain_jitter=0.15, **given))
    assert dataclasses.asdict(made) == {"gain": 0.15, **given}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_share_of_noise_alone_is_the_one_that_was_set(volumes, share):
    augmentation = Augmentation(keep_noise=True, noise_alone=share)
    data = PatchDataset(volumes, 40, 12, 2, "bicubic", augmentation=augmentation, seed=5)
    for number in range(40):
        lr, hr = data[number]
        inner = bicubic_upsample(lr[None], 2)[0][:, 6:-6, 6:-6]
        assert torch.allclose(inner, hr[:, 6:-6, 6:-6], atol=1e-5) is bool(share)


def test_noise_without_a_signal_is_scaled_as_a_volume_of_noise_would_be(volumes):
    plain, scaled = (
        PatchDataset(
            volumes, 60, 32, 2, "bicubic", seed=7,
            augmentation=Augmentation(keep_noise=True, noise_alone=1.0, noise_scaled=choice),
        )
        for choice in (False, True)
    )  # fmt: skip
    silent = 0
    for number in range(60):
        (before, _), (lr, hr) = plain[number], scaled[number]
        if torch.equal(lr, before):
            continue
        factor = lr.mean() / before.mean()
        assert torch.allclose(lr, factor * before, rtol=1e-4)
        # The patch is the larger part of the window whose 99.9th percentile is 1.
        assert 0.75 < lr.max() < 1.5
        assert torch.allclose(bicubic_upsample(lr[None], 2)[0][:, 6:-6, 6:-6], hr[:, 6:-6, 6:-6], atol=1e-5)
        silent += 1
    assert 15 <= silent <= 45, "half of them have no signal"


def test_masked_noise_keeps_the_shape_of_the_brain(volumes):
    augmentation = Augmentation(keep_noise=True, noise_alone=1.0, noise_scaled=True, noise_masked=True)
    anatomy, noise = (
        PatchDataset(volumes, 40, 24, 2, "bicubic", augmentation=one, seed=9) for one in (Augmentation(), augmentation)
    )
    outside = 0
    for number in range(40):
        lr, hr = noise[number]
        empty = torch.nn.functional.max_pool2d(anatomy[number][1][None], 13, 1, 6)[0] == 0
        outside += bool(empty.any())
        assert not hr[empty].any()
        assert lr.any()
    assert outside > 5, "some patches reach beyond the brain"


def test_even_tissue_shows_nothing_but_made_up_lesions(volumes):
    plain, with_lesions = (
        PatchDataset(
            volumes, 30, 24, 2, "bicubic", seed=8,
            augmentation=Augmentation(even_tissue=1.0, lesions=lesions, lesion_kind="small"),
        )
        for lesions in (0.0, 1.0)
    )  # fmt: skip
    levels = [plain[number][1] for number in range(30)]
    assert all(one.std() < 1e-6 and 0.2 <= one.mean() <= 0.7 for one in levels)
    assert np.std([one.mean().item() for one in levels]) > 0.05
    changed = [with_lesions[number][1] for number in range(30)]
    assert sum(one.std() > 1e-3 for one in changed) > 25
    # Lesions are small: the tissue between them is most of what is seen.
    assert np.mean([((one - one.median()).abs() < 1e-5).float().mean().item() for one in changed]) > 0.5


def test_coarse_pixels_average_one_axis(volumes):
    plain = PatchDataset(volumes, 40, 12, 2, "bicubic", seed=6)
    coarse = PatchDataset(volumes, 40, 12, 2, "bicubic", augmentation=Augmentation(coarse_pixels=1.0), seed=6)
    roughness = [sorted(hr.diff(dim=d).abs().mean().item() for d in (1, 2)) for hr in (coarse[i][1] for i in range(40))]
    assert all(coarse[i][1].shape == plain[i][1].shape == (1, 24, 24) for i in range(3))
    # Averaging changes how fast intensities vary along one axis against the other.
    assert np.mean([high / max(low, 1e-6) for low, high in roughness]) > 1.3


def test_lesions_are_put_into_the_share_of_samples_before_they_are_degraded(volumes, monkeypatch):
    kinds = set()

    def flat_tissue(window, rng, *kind):
        kinds.add(kind)
        return 0 * window + 0.7

    monkeypatch.setattr("CHARMSSRLab.training.dataset.with_synthetic_lesions", flat_tissue)
    augmentation = Augmentation(lesions=0.5, lesion_kind="small", lesions_cut=True)
    data = PatchDataset(volumes, 60, 12, 2, "bicubic", augmentation=augmentation, seed=6)
    flat = [torch.cat([patch.flatten() for patch in data[number]]) for number in range(60)]
    assert 20 <= sum(torch.allclose(one, torch.tensor(0.7)) for one in flat) <= 40
    assert kinds == {("small", True)}


def test_neighbouring_slices_come_as_channels(volumes):
    single = PatchDataset(volumes, 20, 12, 2, "bicubic", seed=8)
    triple = PatchDataset(volumes, 20, 12, 2, "bicubic", seed=8, channels=3)
    for number in range(20):
        (lr, hr), (lr3, hr3) = single[number], triple[number]
        assert lr3.shape == (3, 12, 12)
        assert torch.equal(lr3[1:2], lr) and torch.equal(hr3, hr)
    assert not torch.equal(triple[0][0][0], triple[0][0][1])


def test_a_stopped_run_ends_as_an_uninterrupted_one(tmp_path, volumes, watched):
    calls = []
    with pytest.raises(Cancelled, match="step 3"):
        train(CONFIG, volumes, volumes[:1], tmp_path / "parts", is_cancelled=lambda: calls.append(1) or len(calls) == 3)
    parts = train(CONFIG, volumes, volumes[:1], tmp_path / "parts")
    assert torch.equal(weights(watched[0]), weights(parts))

    def figures(folder):  # all columns but the seconds
        return [line.split(",")[2:] for line in (folder / "log.csv").read_text(encoding="utf-8").splitlines()]

    assert figures(watched[1]) == figures(tmp_path / "parts")


def test_a_killed_run_ends_as_an_uninterrupted_one(tmp_path, prepared, finished, repository):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG.to_dict()))
    script = (
        "import os, sys, torch; torch.set_num_threads(1)\n"
        "from CHARMSSRLab.training.config import TrainingConfig\n"
        "from CHARMSSRLab.training.training_run import run_training\n"
        "def die(fraction, message):\n"
        "    if message.startswith('step 5'): os.kill(os.getpid(), 9)\n"
        "config, folder = TrainingConfig.read(sys.argv[1]), sys.argv[3]\n"
        "run_training(config, sys.argv[2], folder + '/run', folder + '/out', progress=die)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    command = [sys.executable, "-c", script, str(config), str(prepared), str(tmp_path)]
    assert subprocess.run(command, env=environment).returncode == -9
    assert not (tmp_path / "out").exists() and (tmp_path / "run" / "state.pt").exists()
    run_training(CONFIG, prepared, tmp_path / "run", tmp_path / "out")
    resumed = load_checkpoint(tmp_path / "out" / "tiny.safetensors").network.state_dict()
    for name, value in finished[0].network.state_dict().items():
        assert torch.equal(resumed[name], value.half().float()), name


def test_two_processes_follow_the_loss_curve_of_one(tmp_path, prepared, repository):
    config = dataclasses.replace(CONFIG, steps=3, ar_weight=0.0, ema_decay=0.0, validate_every=1)
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict()))
    one, _ = run_training(config, prepared, tmp_path / "one")
    command = [
        sys.executable, "-m", "CHARMSSRLab", "train", str(tmp_path / "config.json"), "--prepared", str(prepared),
        "--folder", str(tmp_path / "two"), "--device", "cpu", "--threads", "1",
    ]  # fmt: skip
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    # What torchrun tells the processes that it starts.
    told = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "PYTHONPATH": str(repository)}
    both = [
        subprocess.Popen(command, env={**os.environ, **told, "RANK": rank, "LOCAL_RANK": rank}, cwd=tmp_path)
        for rank in ("0", "1")
    ]
    assert [process.wait() for process in both] == [0, 0]

    def curve(folder):
        lines = (tmp_path / folder / "log.csv").read_text(encoding="utf-8").splitlines()
        return np.array([float(line.split(",")[5]) for line in lines[1:]])

    assert len(curve("two")) == config.steps
    assert np.allclose(curve("one"), curve("two"), atol=0.02)


def test_training_lowers_the_loss_and_beats_bicubic(tmp_path, volumes):
    config = dataclasses.replace(
        CONFIG, steps=160, degradation="bicubic", schedule="onecycle", learning_rate=3e-3, ema_decay=0.0,
        validate_every=160, save_every=160,
    )  # fmt: skip
    result = train(config, volumes, [volume("v", "val", seed=1)], tmp_path)
    assert result.validation["psnr"] > result.validation["bicubic_psnr"] + 0.1


def test_similarity_counts_in_the_loss_when_asked(tmp_path, volumes, watched):
    assert CONFIG.ssim_weight == 0
    similar = train(dataclasses.replace(CONFIG, ssim_weight=0.5), volumes, volumes[:1], tmp_path)
    assert not torch.allclose(weights(watched[0]), weights(similar), atol=1e-4)


def test_the_checkpoint_carries_a_complete_card(finished):
    checkpoint = load_checkpoint(finished[1])
    card = checkpoint.card
    assert card["architecture"]["blocks"] == 1 and card["scale"] == 2
    assert card["training"]["command"] == "charmssr train tiny.json" and card["training"]["seed"] == 4
    assert {source["name"] for source in card["training_data"]} == {
        "OpenNeuro ds002748", "Aphasia Recovery Cohort ds004884",
    }  # fmt: skip
    assert card["validation"]["bicubic_psnr_db"] > 0 and card["seen_7t"] is False and card["preliminary"] is True


def test_the_card_tells_how_the_weights_that_it_started_from_were_made(tmp_path, prepared, finished):
    first = finished[1]
    second = dataclasses.replace(CONFIG, initial=str(first), seed=CONFIG.seed + 1)
    _, path = run_training(second, prepared, tmp_path / "second", tmp_path / "b", command="charmssr train second.json")
    started_from, card = load_checkpoint(path).card["training"]["started_from"], load_checkpoint(first).card
    assert started_from == {key: card[key] for key in ("name", "sha256", "training")}
    assert started_from["training"]["command"] == "charmssr train tiny.json"


def test_the_folder_of_another_run_is_refused(unwatched, volumes):
    with pytest.raises(SettingsError, match="another configuration"):
        train(dataclasses.replace(CONFIG, seed=5), volumes, [], unwatched)


def test_a_run_from_before_a_setting_existed_goes_on(tmp_path, unwatched, volumes):
    shutil.copytree(unwatched, tmp_path, dirs_exist_ok=True)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    del state["config"]["lesions"]
    torch.save(state, tmp_path / "state.pt")
    assert train(CONFIG, volumes, [], tmp_path).steps == CONFIG.steps
    with pytest.raises(SettingsError, match="another configuration"):
        train(dataclasses.replace(CONFIG, lesions=0.5), volumes, [], tmp_path)


BAD_KEYS = (
    '{"steps": 3}', '{"name": "x", "speed": 3}', '{"name": "x", "lesion_kind": "large"}',
    '{"name": "x", "ssim_weight": 0.5, "patch": 5}',
)  # fmt: skip


@pytest.mark.parametrize("text", ["{", *BAD_KEYS])
def test_a_configuration_that_cannot_be_used_is_refused(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(SettingsError):
        TrainingConfig.read(path)


def test_prepared_slices_survive_the_file(tmp_path, volumes):
    save_prepared(volumes[0], tmp_path / "one.npz")
    back = load_prepared(tmp_path / "one.npz")
    assert np.allclose(back.slices, volumes[0].slices, atol=volumes[0].maximum / 60000)
    assert np.array_equal(back.mask, volumes[0].mask) and back.spacing == volumes[0].spacing
    assert (back.minimum, back.maximum, back.percentile) == (
        volumes[0].minimum, volumes[0].maximum, volumes[0].percentile,
    )  # fmt: skip


def test_a_network_of_three_slices_is_trained_and_watched(tmp_path, volumes):
    config = dataclasses.replace(CONFIG, arguments={**CONFIG.arguments, "in_channels": 3}, degradation="bicubic")
    untrained = build_network(config)
    start = validate(untrained, volumes, 2, "bicubic", "minmax", 3, "cpu")
    assert start["psnr"] == pytest.approx(start["bicubic_psnr"], abs=1e-4), "the middle slice must be the one enlarged"
    before = {k: v.clone() for k, v in untrained.state_dict().items()}
    after = train(config, volumes, volumes[:1], tmp_path).network.state_dict()
    assert not torch.equal(before["head.weight"][:, 0], after["head.weight"][:, 0]), "neighbours must be learned from"


def test_neighbours_repeat_beyond_the_ends():
    stack = torch.arange(4.0)[:, None, None, None].expand(4, 1, 2, 2)
    assert with_neighbours(stack, 3)[:, :, 0, 0].tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]
    assert torch.equal(with_neighbours(stack, 1), stack)


def test_a_network_of_three_slices_starts_as_the_one_of_one_slice(tmp_path, volumes, finished):
    path = finished[1]
    wide = dataclasses.replace(
        CONFIG, name="three", arguments={**CONFIG.arguments, "in_channels": 3}, initial=str(path), steps=1,
        learning_rate=0.0, final_learning_rate=0.0, ema_decay=0.0,
    )  # fmt: skip
    started = train(wide, volumes, [], tmp_path / "wide").network
    slices = torch.rand(1, 3, 14, 12)
    assert torch.allclose(started(slices), load_checkpoint(path).network(slices[:, 1:2]), atol=1e-5)
