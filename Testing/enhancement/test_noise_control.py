"""The noise control is a line between two sets of weights; best quality is a mean over turned copies."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from safetensors.torch import load_file, save_file

from CHARMSSRLib import EnhancementSettings, enhance
from CHARMSSRLib.checkpoints.loading import load_checkpoint
from CHARMSSRLib.checkpoints.noise_control import share_of
from CHARMSSRLib.checkpoints.registry import sha256_of
from CHARMSSRLib.enhancement.detail_map import removed_detail
from CHARMSSRLib.enhancement.noise_choice import SHARES
from CHARMSSRLib.enhancement.variability import AUGMENTATIONS, TurnedCopies
from CHARMSSRLib.errors import CheckpointError, SettingsError
from CHARMSSRLib.grids.stacks import band_limited, band_limited_stack
from CHARMSSRLib.measures.noise import noise_before_and_after
from CHARMSSRLib.task import Task
from Testing.small_checkpoint import small_checkpoint


def array(image):
    return sitk.GetArrayFromImage(image)


@pytest.fixture
def controlled(tmp_path):
    """Path of a checkpoint with a quiet set beside it and a default of 40 %."""
    path = Path(small_checkpoint(tmp_path, "controlled"))
    torch.manual_seed(5)
    quiet = {name: value + 0.02 * torch.randn(value.shape) for name, value in load_file(path).items()}
    quiet_path = path.with_name("controlled-quiet.safetensors")
    save_file(quiet, quiet_path)
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    card["noise_control"] = {"weights": quiet_path.name, "sha256": sha256_of(quiet_path), "default": 40}
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


def weights(path, denoise):
    return load_checkpoint(path, denoise=denoise).network.state_dict()


def test_a_share_of_the_noise_is_a_share_of_the_way_between_two_sets_of_weights(controlled):
    measured, between, quiet = (weights(controlled, share) for share in (0, 25, 100))
    own = load_file(controlled)
    assert all(torch.equal(one, own[name]) for name, one in measured.items())
    for name, one in between.items():
        assert torch.allclose(one, 0.75 * measured[name] + 0.25 * quiet[name], atol=1e-6)
    assert any(not torch.equal(quiet[name], one) for name, one in measured.items())


def test_the_card_says_the_default_and_a_checkpoint_without_a_control_takes_nothing_away(controlled, checkpoint):
    card, plain = (load_checkpoint(path).card for path in (controlled, checkpoint))
    assert [share_of(card, text) for text in ("auto", "0", "70")] == [40, 0, 70]
    assert [share_of(plain, text) for text in ("auto", "0")] == [0, 0]
    with pytest.raises(SettingsError, match="cannot take noise away"):
        share_of(plain, "30")


def test_quiet_weights_that_are_missing_or_damaged_are_refused_in_words(controlled):
    quiet = controlled.with_name("controlled-quiet.safetensors")
    whole = quiet.read_bytes()
    quiet.write_bytes(whole[:-8] + bytes(8))
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(controlled, denoise=50)
    quiet.unlink()
    with pytest.raises(CheckpointError, match="missing"):
        load_checkpoint(controlled, denoise=50)
    load_checkpoint(controlled)


def test_the_setting_reaches_the_result_and_the_report(head_crop, controlled):
    image, mask = head_crop
    settings = EnhancementSettings(checkpoint=str(controlled), device="cpu", bias_correction=False, resolution="stated")
    results = {denoise: enhance(image, dataclasses.replace(settings, denoise=denoise), mask) for denoise in ("auto", 0)}
    chosen = results["auto"].report["noise"]
    assert chosen["denoise"] in (40, *SHARES) and chosen["chosen"].startswith(f"{chosen['denoise']} %")
    results["named"] = enhance(image, dataclasses.replace(settings, denoise=chosen["denoise"]), mask)
    assert np.array_equal(array(results["auto"].image), array(results["named"].image))
    assert not np.allclose(array(results[0].image), array(results["named"].image), atol=1e-3)
    noise = results[0].report["noise"]
    assert noise["denoise"] == 0 and "chosen" not in noise
    assert noise["after"] / noise["before"] == pytest.approx(noise["ratio"])


@pytest.mark.parametrize("wrong", [101, -1, "half", "050", True])
def test_other_shares_are_refused(wrong):
    with pytest.raises(SettingsError, match="denoise|share of the noise"):
        EnhancementSettings(denoise=wrong)


def test_the_noise_before_and_after_is_that_of_even_tissue():
    _, y, x = np.mgrid[:4, :80, :72]
    mask = ((y - 40) / 36) ** 2 + ((x - 36) / 32) ** 2 < 1
    anatomy = np.where((x // 24 + y // 27) % 2, 60.0, 90.0)  # tiles with sharp borders
    noise = np.random.default_rng(2).normal(0, 3, mask.shape)
    before, after = noise_before_and_after(anatomy + noise, anatomy + noise / 2, mask)
    assert after / before == pytest.approx(0.5, rel=0.03)
    assert before == pytest.approx(3, rel=0.1)  # the smoothing takes a little of white noise for anatomy
    assert noise_before_and_after(anatomy, anatomy, mask & False) is None


class Turning:
    """An enhancer whose answer depends on how the slice lies: the repeated pixels and a ramp along the rows."""

    scale = 2

    def run(self, stack, indices, output, rows, columns, task):
        for done, i in enumerate(indices, 1):
            one = stack[i, rows, columns].repeat(2, 0).repeat(2, 1)
            box = slice(2 * rows.start, 2 * rows.stop), slice(2 * columns.start, 2 * columns.stop)
            output[(i, *box)] = one + np.arange(len(one))[:, None]
            task.count(done, len(indices))


def test_turned_copies_give_the_mean_of_all_turns_and_their_spread():
    stack = np.random.default_rng(1).random((5, 12, 10)).astype(np.float32)
    output, seen = np.full((5, 24, 20), 7, np.float32), []
    task = Task(lambda fraction, message: seen.append((fraction, message)))
    spread = TurnedCopies(Turning()).run(stack, [1, 3], output, slice(2, 10), slice(1, 9), task)
    inner = stack[[1, 3], 2:10, 1:9].repeat(2, 1).repeat(2, 2)
    ramp, flat = np.arange(16, dtype=np.float32), np.zeros((16, 16), np.float32)
    turned = [flat + one for one in (ramp[:, None], ramp[::-1, None], ramp, ramp[::-1])]
    assert np.allclose(output[[1, 3], 4:20, 2:18], inner + 7.5, atol=1e-4)  # the ramps of the four turns even out
    assert np.allclose(spread.standard_deviation()[0], np.std(turned, axis=0, ddof=1), atol=1e-4)
    assert (output[[0, 2, 4]] == 7).all() and (output[1, :4] == 7).all()
    assert seen == sorted(seen) and seen[-1] == (1.0, "2 of 2") and len(AUGMENTATIONS) == 4


@pytest.mark.parametrize("planes", ["acquisition", "three"])
def test_best_quality_does_not_depend_on_how_the_scan_is_mirrored(head_crop, settings, planes):
    # Voxels are exchanged from front to back, not by the header: another head, which is the first one's mirror image.
    arrays = [array(one)[:16, 4:-4, 4:-4] for one in head_crop]
    pairs = [
        [sitk.GetImageFromArray(one[:, ::-1].copy() if mirrored else one) for one in arrays]
        for mirrored in (False, True)
    ]

    def apart(quality):
        chosen = dataclasses.replace(settings, planes=planes, quality=quality)
        results = [enhance(image, chosen, mask) for image, mask in pairs]
        assert all(one.report["quality"] == quality for one in results)
        return np.abs(array(results[0].image) - array(results[1].image)[:, ::-1]).mean()

    # Four of the eight symmetries are averaged, which is not every mirrored one in each of three planes.
    assert apart("best") < (0.5 if planes == "acquisition" else 1) * apart("plain")


def test_the_map_of_what_was_removed_holds_what_the_scan_has_and_the_result_has_not():
    scan = np.random.default_rng(3).normal(100, 5, (6, 20, 18)).astype(np.float32)
    kept = band_limited_stack(scan, (1, 2, 2))
    assert np.abs(removed_detail(kept, scan, (1, 2, 2))).max() < 1e-3
    coarse = band_limited(band_limited(scan, 10, 1), 9, 2)
    smooth = band_limited_stack(coarse, (1, 4, 4))
    removed = removed_detail(smooth, scan, (1, 2, 2))
    assert np.allclose(removed, kept - smooth, atol=1e-3) and removed.std() > 1
