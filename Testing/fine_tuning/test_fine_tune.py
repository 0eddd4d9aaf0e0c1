"""A fine-tuning from pairs to a checkpoint: what is trained, kept, held out, resumed and reported."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CHARMSSRLib import available_checkpoints, enhance, fine_tune, load_checkpoint
from CHARMSSRLib.checkpoints.registry import label
from CHARMSSRLib.errors import Cancelled, CheckpointError, InputError, OutputError, PairError, SettingsError
from CHARMSSRLib.fine_tuning import fine_tune as module
from CHARMSSRLib.fine_tuning import given_pairs
from CHARMSSRLib.fine_tuning.frozen import TRAINED
from CHARMSSRLib.fine_tuning.slices import Patches, write_slices
from CHARMSSRLib.fine_tuning.splits import one_split
from CHARMSSRLib.remaining_time import RemainingTime
from CHARMSSRLib.settings import EnhancementSettings, FineTuningSettings
from Testing.fine_tuning import fine_tuning_helpers as helpers
from Testing.fine_tuning.fine_tuning_helpers import formula_pairs, small_checkpoint, tiny_settings

FROZEN = ("head", "backbone", "fuse")


@pytest.fixture(autouse=True)
def registration(monkeypatch):
    """No registration here: it has tests of its own."""
    monkeypatch.setattr(given_pairs, "register_pair", helpers.fake_register)
    monkeypatch.setattr(given_pairs, "identity_of", lambda pair, settings, card: f"{pair.subject}-{pair.contrast}")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    return small_checkpoint(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture
def settings(tmp_path, checkpoint):
    return tiny_settings(tmp_path / "mine", checkpoint)


# Runs that several tests look at; nobody writes into their folders.


def run(folder, pairs, settings, register=helpers.fake_register, **home):
    """What a run returned, left and told: .result, .folder, .events, .told."""
    events, told = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(given_pairs, "register_pair", register)
        patch.setattr(given_pairs, "identity_of", lambda pair, settings, card: f"{pair.subject}-{pair.contrast}")
        for name, value in home.items():
            patch.setenv(name, value)
        result = fine_tune(
            pairs, settings, observe=events.append, progress=lambda *one: told.append(one),
            command="charmssr fine-tune PAIRS.csv tuned",
        )  # fmt: skip
    return SimpleNamespace(result=result, folder=folder, events=events, told=told)


@pytest.fixture(scope="module")
def plain_run(tmp_path_factory, checkpoint):
    """Nothing special, into the user's folder."""
    folder = tmp_path_factory.mktemp("plain")
    settings = changed(tiny_settings(folder, checkpoint), folder="")
    return run(folder, formula_pairs(), settings, CHARMSSR_HOME=str(folder))


@pytest.fixture(scope="module")
def overwriting_run(tmp_path_factory, plain_run, checkpoint):
    """Another seed, over the files of the plain run."""
    folder = tmp_path_factory.mktemp("overwriting")
    shutil.copytree(plain_run.folder, folder, dirs_exist_ok=True)
    return run(folder, formula_pairs(), changed(tiny_settings(folder, checkpoint), overwrite=True, seed=5))


@pytest.fixture(scope="module")
def second_run(tmp_path_factory, checkpoint):
    """The plain run's settings where a run with others ended before its scores."""
    folder = tmp_path_factory.mktemp("second")
    settings = tiny_settings(folder, checkpoint)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module._Job, "_score", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(folder, formula_pairs(), changed(settings, seed=3))
    assert names_in(folder / "tuned.fine-tuning")
    return run(folder, formula_pairs(), settings)


@pytest.fixture(scope="module")
def doubtful_run(tmp_path_factory, checkpoint):
    """Of its pairs the first is warned about, the second refused, the last given before."""

    def register(pair, *arguments):
        if pair.subject == "s1":
            raise PairError("s1 T1w: the two scans show different heads.")
        registered = helpers.fake_register(pair)
        if pair.subject == "s0":
            registered.warnings.append("The two scans may have different contrasts.")
        return registered

    folder, pairs = tmp_path_factory.mktemp("doubtful"), formula_pairs()
    return run(folder, [*pairs, pairs[0]], tiny_settings(folder, checkpoint), register)


def changed(settings, **values):
    return dataclasses.replace(settings, **values)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_only_the_trained_parts_change_in_the_saved_file(plain_run, checkpoint):
    before = load_checkpoint(checkpoint).network.state_dict()
    after = load_checkpoint(plain_run.result.checkpoint_path).network.state_dict()
    for name, value in before.items():
        if name.startswith(FROZEN):
            assert torch.equal(after[name], value), name
    moved = {name.partition(".")[0] for name, value in before.items() if not torch.equal(after[name], value)}
    assert moved == set(TRAINED)
    assert names_in(plain_run.folder) == ["tuned.json", "tuned.report.html", "tuned.report.json", "tuned.safetensors"]


def test_the_card_says_what_it_is(plain_run, checkpoint, monkeypatch):
    monkeypatch.setenv("CHARMSSR_HOME", str(plain_run.folder))
    result = plain_run.result
    card = load_checkpoint("tuned").card
    base = load_checkpoint(checkpoint).card
    assert "tuned" in available_checkpoints() and result.checkpoint_path.parent == plain_run.folder
    assert label(card) == "7T-like" and card["seen_7t"] and card["preliminary"]
    assert card["derived_from"] == {"name": "small", "sha256": base["sha256"]}
    assert card["training_data"][0]["subjects"] == 2 and card["training_data"][0]["contrasts"] == ["T1w"]
    assert card["validation_data"][0]["subjects"] == 1
    assert card["training"]["command"] == "charmssr fine-tune PAIRS.csv tuned"
    scored = result.report["summary"]["checkpoint after"]["psnr"]["mean"]
    assert card["validation"]["psnr_db"] == pytest.approx(scored, abs=1e-3)
    for key in ("architecture", "intensity", "margin", "data_consistency_operator", "scale"):
        assert card[key] == base[key]


def test_it_learns_what_a_look_up_table_cannot(settings):
    tuned = fine_tune(formula_pairs(), changed(settings, steps=40, validate_every=40, batch=4))
    summary = tuned.report["summary"]
    psnr = {method: figures["psnr"]["mean"] for method, figures in summary.items() if "psnr" in figures}
    assert psnr["checkpoint after"] > psnr["3T intensity-matched"] + 0.3
    assert psnr["3T matched to this very 7T (oracle)"] >= psnr["3T intensity-matched"] > psnr["3T interpolated"]
    assert tuned.report["baseline_beaten"] is True and "beats" in tuned.report["verdict"]


def test_the_report_is_complete_and_the_page_loads_nothing(plain_run):
    result, events = plain_run.result, plain_run.events
    report = json.loads((plain_run.folder / "tuned.report.json").read_text(encoding="utf-8"))
    assert report == result.report
    assert {row["method"] for row in report["scores"]} == {
        "3T interpolated", "3T intensity-matched", "3T matched to this very 7T (oracle)", "checkpoint before",
        "checkpoint after", "7T",
    }  # fmt: skip
    assert {row["subject"] for row in report["scores"]} == {"s2"}
    assert [pair["role"] for pair in report["pairs"]] == ["training", "training", "held out"]
    assert report["runs"][0]["history"] == [event for event in events if event["event"] == "validation"]
    assert report["seconds_per_step"] > 0 and report["checkpoint"]["label"] == "7T-like"
    page = (plain_run.folder / "tuned.report.html").read_text(encoding="utf-8")
    assert report["verdict"] in page and "<svg" in page and page.count("data:image/png;base64,") >= 4
    assert "http" not in page and "<script" not in page
    registrations = page.partition("How each pair fits")[2]
    assert registrations.count("data:image/png;base64,") == 3 and 'alt="s0 T1w"' in registrations


def test_events_tell_about_pairs_and_validations(plain_run):
    events, told = plain_run.events, plain_run.told
    pairs = [event for event in events if event["event"] == "pair"]
    assert [(event["index"], event["status"]) for event in pairs] == [(0, "ok"), (1, "ok"), (2, "ok")]
    validations = [event for event in events if event["event"] == "validation"]
    assert [event["step"] for event in validations] == [0, 2, 4]
    for event in validations:
        assert set(event) == {
            "event", "step", "loss", "validation_loss", "validation_psnr", "matched_psnr", "best",
        }  # fmt: skip
    json.dumps(events, allow_nan=False)
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0


@pytest.mark.parametrize("channels", [1, 3])
def test_the_network_reads_what_enhance_feeds_it(tmp_path, channels):
    path = small_checkpoint(tmp_path, in_channels=channels)
    checkpoint = load_checkpoint(path)
    pair = helpers.fake_register(helpers.FormulaPair("s", "T1w", helpers.formula_volumes(0, size=64, slices=16), None))
    slices = write_slices(pair, checkpoint.card, tmp_path / "pair")
    settings = EnhancementSettings(
        checkpoint=path, bias_correction=False, data_consistency="none", device="cpu", resolution="stated"
    )
    enhanced = enhance(pair.image_3t, settings, mask=pair.mask).image
    with torch.no_grad():
        own = [checkpoint.network(torch.from_numpy(slices.network_input(number, channels))[None])[0, 0].numpy()
               for number in range(len(slices.acquired))]  # fmt: skip
    around = np.asarray(slices.brain) == 0
    read = np.stack([slices.network_input(number, 1)[0] for number in range(len(slices.acquired))])
    assert around.any() and np.array_equal(read, slices.acquired), "the scan around the brain is read, too"
    upper = np.percentile(sitk.GetArrayFromImage(pair.image_3t)[sitk.GetArrayFromImage(pair.mask) > 0], 99.9)
    placed = sitk.Resample(enhanced, slices.image_3t(np.stack(own)), sitk.Transform(), sitk.sitkNearestNeighbor)
    inside = slices.brain.repeat(2, 1).repeat(2, 2) > 0
    inside &= sitk.GetArrayFromImage(placed) != 0
    assert inside.mean() > 0.3
    assert np.allclose(sitk.GetArrayFromImage(placed)[inside] / upper, np.stack(own)[inside], atol=1e-5)


def test_slices_lie_where_the_volumes_lie(tmp_path, checkpoint):
    pair = helpers.fake_register(formula_pairs(1)[0])
    slices = write_slices(pair, load_checkpoint(checkpoint).card, tmp_path / "pair")
    back = slices.on_7t_grid(np.asarray(slices.target, np.float32), sitk.sitkLinear)
    assert np.allclose(back, slices.seven, atol=1e-3)
    assert slices.image_3t(slices.acquired).GetSpacing() == pair.image_3t.GetSpacing()


def test_patches_are_a_function_of_seed_and_step_and_fit_together(tmp_path, checkpoint):
    card = load_checkpoint(checkpoint).card
    pair = helpers.fake_register(formula_pairs(1)[0])
    slices = write_slices(pair, card, tmp_path / "pair")
    parts = [(slices, slices.usable)]
    one, same, other = (Patches(parts, 16, 3, seed) for seed in (1, 1, 2))
    for step in (0, 5):
        assert all(torch.equal(a, b) for a, b in zip(one.of_step(step), same.of_step(step)))
        assert not torch.equal(one.of_step(step)[0], other.of_step(step)[0])
    images, target, mask = Patches(parts, 16, 24, 0).of_step(0)
    assert images.shape == (24, 1, 16, 16) and target.shape == mask.shape == (24, 1, 32, 32)
    down = torch.nn.functional.interpolate(target, scale_factor=0.5, mode="bicubic", antialias=True)
    inside = torch.nn.functional.avg_pool2d(mask, 2) == 1
    # Same anatomy, another contrast: a patch and its target go up and down together, wherever it was turned.
    assert np.corrcoef(down[inside], images[inside])[0, 1] > 0.97
    large = Patches(parts, 500, 1, 0).of_step(0)[0]
    assert large.shape[-2:] == slices.acquired.shape[1:]


def test_pairs_of_a_subject_are_held_out_together(settings):
    pairs = formula_pairs(2) + formula_pairs(2, "T2w")
    report = fine_tune(pairs, settings).report
    roles = {(pair["subject"], pair["contrast"]): pair["role"] for pair in report["pairs"]}
    assert roles == {
        ("s0", "T1w"): "training", ("s0", "T2w"): "training", ("s1", "T1w"): "held out", ("s1", "T2w"): "held out",
    }  # fmt: skip


def test_one_subject_holds_out_a_block_of_slices_and_says_how_weak_that_is(settings):
    report = fine_tune(formula_pairs(1), settings).report
    assert report["hold_out"] == "slices" and "Only one subject" in report["notes"][0]
    assert report["pairs"][0]["role"] == "training, a block of slices held out"
    assert len(report["scores"]) == 6


def test_a_block_of_slices_stays_apart_from_training(tmp_path, checkpoint):
    pair = helpers.fake_register(formula_pairs(1)[0])
    slices = write_slices(pair, load_checkpoint(checkpoint).card, tmp_path / "pair")
    split = one_split([slices], 1)
    training, held_out = split.training[0][1], split.held_out[0][1]
    assert min(abs(int(a) - int(b)) for a in training for b in held_out) == 3
    assert split.kind == "slices"


def test_leave_one_out_scores_every_subject_once_and_trains_on_all(settings):
    events = []
    result = fine_tune(formula_pairs(3), changed(settings, leave_one_out=True), observe=events.append)
    report = result.report
    assert [run["title"] for run in report["runs"]] == ["without s0", "without s1", "without s2", "all pairs"]
    assert {row["subject"] for row in report["scores"] if row["method"] == "checkpoint after"} == {"s0", "s1", "s2"}
    assert report["summary"]["checkpoint after"]["psnr"]["sd"] > 0
    assert load_checkpoint(result.checkpoint_path).card["training_data"][0]["subjects"] == 3
    assert {event["run"] for event in events if event["event"] == "validation"} == {
        "without s0", "without s1", "without s2",
    }  # fmt: skip


def test_it_stops_early_and_keeps_the_best(settings):
    rough = changed(settings, learning_rate=0.1, steps=40, validate_every=1, patience=2)
    report = fine_tune(formula_pairs(), rough).report
    history = report["runs"][0]["history"]
    losses = [event["validation_loss"] for event in history]
    assert report["stopped"] == "no gain" and report["steps"] < 40
    assert report["best_step"] == history[int(np.argmin(losses))]["step"] == report["steps"] - 2


def test_when_nothing_is_gained_it_says_so_and_writes_no_checkpoint(settings, tmp_path, monkeypatch):
    rising = iter(range(100))
    monkeypatch.setattr(
        module.HeldOut, "validate",
        lambda self, network: {"validation_loss": next(rising), "validation_psnr": 20.0},
    )  # fmt: skip
    result = fine_tune(formula_pairs(), settings)
    assert result.checkpoint_path is None and result.report["baseline_beaten"] is False
    assert result.report["verdict"].startswith("Nothing was gained")
    assert names_in(tmp_path / "mine") == ["tuned.report.html", "tuned.report.json"]


def test_the_report_says_when_the_matched_baseline_was_not_beaten(settings):
    # With so small a rate the checkpoint improves on itself, and on nothing else.
    report = fine_tune(formula_pairs(), changed(settings, learning_rate=1e-6)).report
    assert report["baseline_beaten"] is False and "was not beaten" in report["verdict"]


def weights_of(result):
    return load_checkpoint(result.checkpoint_path).network.state_dict()


def test_a_killed_run_leaves_its_best_and_ends_as_an_uninterrupted_one(settings, tmp_path, repository):
    whole = weights_of(fine_tune(formula_pairs(2), changed(settings, folder=str(tmp_path / "whole"), steps=6)))
    script = (
        "import os, sys, json, torch; torch.set_num_threads(1)\n"
        "from Testing.fine_tuning import fine_tuning_helpers as helpers\n"
        "from CHARMSSRLib.settings import FineTuningSettings\n"
        "from CHARMSSRLib.fine_tuning import fine_tune as module, given_pairs\n"
        "given_pairs.register_pair = helpers.fake_register\n"
        "given_pairs.identity_of = lambda pair, settings, card: f'{pair.subject}-{pair.contrast}'\n"
        "def die(fraction, message):\n"
        "    if message.startswith('Step 5'): os.kill(os.getpid(), 9)\n"
        "settings = FineTuningSettings.from_dict(json.loads(sys.argv[1]))\n"
        "module.fine_tune(helpers.formula_pairs(2), settings, progress=die)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    six = changed(settings, steps=6)
    command = [sys.executable, "-c", script, json.dumps(dataclasses.asdict(six))]
    assert subprocess.run(command, env=environment).returncode == -9
    left = load_checkpoint(tmp_path / "mine" / "tuned.safetensors")
    assert left.card["seen_7t"] and left.card["training"]["steps"] == 4
    registered = []
    given_pairs.register_pair = lambda *arguments: registered.append(1)
    resumed = fine_tune(formula_pairs(2), six)
    assert not registered, "the pairs were registered already"
    for name, value in weights_of(resumed).items():
        assert torch.equal(value, whole[name]), name
    assert [event["step"] for event in resumed.report["runs"][0]["history"]] == [0, 2, 4, 6]
    assert "tuned.fine-tuning" not in names_in(tmp_path / "mine")


def test_a_run_with_other_settings_starts_again(plain_run, second_run):
    fresh = weights_of(plain_run.result)
    assert all(torch.equal(value, fresh[name]) for name, value in weights_of(second_run.result).items())
    validated = [[event for event in one.events if event["event"] == "validation"] for one in (plain_run, second_run)]
    assert validated[0] == validated[1]


def test_cancelling_keeps_the_best_so_far(settings, tmp_path):
    events = []
    result = fine_tune(
        formula_pairs(), changed(settings, steps=50), observe=events.append,
        is_cancelled=lambda: bool(events) and events[-1].get("best", False),
    )  # fmt: skip
    assert result.report["cancelled"] is True and "cancelled" in result.report["verdict"]
    assert result.report["steps"] == events[-1]["step"] < 50 and load_checkpoint(result.checkpoint_path).card["seen_7t"]
    assert "tuned.fine-tuning" not in names_in(tmp_path / "mine")


def test_cancelling_before_any_gain_leaves_nothing(settings, tmp_path):
    for moment in (1, 3, 6):
        calls = []
        with pytest.raises(Cancelled):
            fine_tune(formula_pairs(), settings, is_cancelled=lambda: calls.append(1) or len(calls) >= moment)  # noqa: B023
        assert names_in(tmp_path / "mine") == []


def test_the_same_seed_gives_the_same_checkpoint_and_another_another(plain_run, second_run, overwriting_run):
    one, same, other = (
        torch.cat([value.flatten() for value in weights_of(run.result).values()])
        for run in (plain_run, second_run, overwriting_run)
    )
    assert torch.equal(one, same) and not torch.equal(one, other)


# ---- bad input


def test_an_empty_list_is_refused(settings):
    with pytest.raises(PairError, match="no pair"):
        fine_tune([], settings)


def test_pairs_that_fail_are_left_out_with_their_reason(doubtful_run, settings, monkeypatch):
    report, events = doubtful_run.result.report, doubtful_run.events
    assert [pair["role"] for pair in report["pairs"]] == ["training", "refused", "held out", "refused"]
    assert "different heads" in events[1]["reason"] and events[1]["status"] == "refused"
    assert any("different heads" in warning for warning in report["warnings"])

    def register(pair, *arguments):
        raise PairError(f"{pair.subject} T1w: the two scans show different heads.")

    monkeypatch.setattr(given_pairs, "register_pair", register)
    for pairs, message in ((formula_pairs(2)[1:], "^s1 T1w: the two"), (2 * formula_pairs(2)[1:], "None of the 2")):
        with pytest.raises(PairError, match=message):
            fine_tune(pairs, changed(settings, name="none"))


def test_a_pair_given_twice_counts_once(doubtful_run):
    again = doubtful_run.result.report["pairs"][3]
    assert again["subject"] == "s0" and again["status"] == "refused" and "given twice" in again["reason"]


def test_a_warned_pair_is_used_and_its_warning_passed_on(doubtful_run):
    report, events = doubtful_run.result.report, doubtful_run.events
    assert events[0]["status"] == "warned" and "contrasts" in events[0]["reason"]
    assert report["pairs"][0]["role"] == "training"
    assert any("s0 T1w: The two scans" in warning for warning in report["warnings"])


def test_existing_checkpoints_are_kept_unless_asked(settings, plain_run, overwriting_run, tmp_path):
    shutil.copytree(plain_run.folder, tmp_path / "mine")
    before = (tmp_path / "mine" / "tuned.safetensors").read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        fine_tune(formula_pairs(), settings)
    assert (tmp_path / "mine" / "tuned.safetensors").read_bytes() == before
    assert (overwriting_run.folder / "tuned.safetensors").read_bytes() != before


def test_a_bundled_name_is_refused(settings):
    with pytest.raises(SettingsError, match="comes with CHARMSSR"):
        fine_tune(formula_pairs(), changed(settings, name="charms-x2-clinical"))


def test_an_unwritable_folder_is_refused_before_any_work(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(given_pairs, "register_pair", lambda *arguments: pytest.fail("work was done"))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made"):
        fine_tune(formula_pairs(), changed(settings, folder=str(tmp_path / "file" / "below")))


def test_a_missing_checkpoint_is_refused_before_any_work(settings, monkeypatch):
    monkeypatch.setattr(given_pairs, "register_pair", lambda *arguments: pytest.fail("work was done"))
    with pytest.raises(CheckpointError, match="no checkpoint 'nowhere'"):
        fine_tune(formula_pairs(), changed(settings, checkpoint="nowhere"))


def test_leave_one_out_of_one_subject_is_refused(settings):
    with pytest.raises(SettingsError, match="at least two subjects"):
        fine_tune(formula_pairs(1), changed(settings, leave_one_out=True))


def test_too_few_slices_for_a_block_are_refused(settings, tmp_path, monkeypatch):
    def register(pair, *arguments):
        registered = helpers.fake_register(pair)
        registered.mask_7t[:, :, 3:] = 0
        return registered

    monkeypatch.setattr(given_pairs, "register_pair", register)
    with pytest.raises(InputError, match="too few slices"):
        fine_tune(formula_pairs(1), settings)
    assert names_in(tmp_path / "mine") == []


def test_bfloat16_on_a_cpu_is_refused(settings):
    with pytest.raises(SettingsError, match="bfloat16"):
        fine_tune(formula_pairs(), changed(settings, precision="bfloat16"))


@pytest.mark.parametrize(
    "values",
    [{"name": "a/b"}, {"name": ""}, {"steps": -1}, {"batch": 1.5}, {"learning_rate": 3}, {"patch": 5},
     {"precision": "float16"}],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(values):
    with pytest.raises(SettingsError):
        FineTuningSettings(**values)


def test_the_time_that_scores_take_is_not_foretold_by_the_speed_of_the_steps(plain_run):
    messages = [message for _fraction, message in plain_run.told]
    first = next(index for index, message in enumerate(messages) if message.startswith("Scoring 1 of "))
    clock = iter(range(0, 1000, 2))
    remaining = RemainingTime(clock=lambda: next(clock))
    left = [remaining.update(*told) for told in plain_run.told]
    assert left[first - 1] is not None and left[first] is None
